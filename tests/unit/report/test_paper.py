"""The reading of LaTeX's log, the compilation, and what the paper's sources rely on."""

import re
import shutil
import string
from pathlib import Path

import pytest

from workflow.lib.report.maps_paper import MACROS as OF_MAPS
from workflow.lib.report.maps_paper import PREFIX
from workflow.lib.report.paper import build_paper, find_problems, first_error, paper_sources
from workflow.lib.runtime.files import InputError
from workflow.scripts.compile import main

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "paper"
HAS_LATEX = all(map(shutil.which, ("latexmk", "pdflatex", "bibtex")))
HAS_TEX = HAS_LATEX or shutil.which("tectonic") is not None

# What the paper expects of numbers.tex: for each network, for one of them, and for the run.
NETWORK_MACROS = re.findall(
    r"\w+",
    """
    Median MedianLow MedianHigh Mean TtaMedian TtaMedianLow TtaMedianHigh TtaMean
    Epochs Batch LearningRate Schedule Precision RollsPerEpoch SignalsSeen Parameters TrainMinutes
    BestEpoch ValidationMedian TtaGain Tflop Optimizer MatrixRate RollsTogether
    """,
)
RUN_MACROS = re.findall(
    r"\w+",
    """
    eulernetInput eulernetEncoder sequencenetInvalidPercent sequencenetInvalidTtaPercent
    sequencenetTokenizer sequencenetLength sequencenetCell sequencenetLayers sequencenetEncoder
    sequencenetWidth sequencenetConditioning sequencenetRollEmbedding
    sequencenetQuantisationMedian sequencenetQuantisationMax runName dataSource nSpecimens
    testSpecimen nTraining nValidation nTest validationPercent nFolds nSeeds foldList
    seedList bootstrapResamples publishedEulernetMedian publishedEulernetMean
    publishedSequencenetMedian publishedSequencenetMean publishedSequencenetTtaMedian
    releasedSequencenetMedian releasedSequencenetMean releasedSequencenetTtaMedian
    releasedSequencenetTtaMean comparePlain comparePlainInterval comparePlainVerdict
    compareTta compareTtaInterval compareTtaVerdict compareBoth compareBothInterval
    compareBothVerdict publishedComparePlain publishedCompareTta chanceMedian deviceName
    torchVersion commit trainingBudgetSentence comparedNote
    """,
)
MACROS = {network + name for network in ("eulernet", "sequencenet") for name in NETWORK_MACROS}
MACROS |= set(RUN_MACROS)
# And of data_card.tex.
MACROS |= set(
    re.findall(
        r"\w+",
        """
        cardSameOrientation cardDensityRadius cardShownDirections cardNearIdentical cardPairs
        cardSmallestRoll cardBestPercent cardEvaluation cardCompared cardConventionSentences
        cardSpecimenTable cardConventionTable cardLeakTable
        """,
    )
)
MACROS |= {PREFIX + name for name in OF_MAPS}

# Of the files on several answers, which have more than the paper uses: that none is undefined shows
# when a paper is compiled.
OF_SEVERAL = r"(eulernet|sequencenet)(OneView|Mixture|Product)|posterior|candidateR|ambiguity|grain"

CLEAN_LOG = r"""
This is pdfTeX, Version 3.141592653
(./main.tex (/usr/share/article.cls (/usr/share/size11.clo))
(./sections/results.tex [1{/var/pdftex.map}] <./figure1.pdf, id=12, 1.0pt x 1.0pt>
Overfull \hbox (4.99pt too wide) in paragraph at lines 3--4
[]\T1/lmr/m/n/10.95 a text with ( an open parenthesis
 []

Underfull \vbox (badness 10000) has occurred while \output is active []

) )
Output written on main.pdf (2 pages, 100 bytes).
"""


def log_with(line: str) -> str:
    return CLEAN_LOG.replace("\n) )\n", f"\n{line}\n\n) )\n")


def test_clean_log_has_no_problem():
    assert find_problems(CLEAN_LOG) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "LaTeX Warning: Reference `tab:x' on page 1 undefined on input line 5.",
            "undefined reference tab:x in sections/results.tex",
        ),
        (
            "Package natbib Warning: Citation `Doe2015' on page 2 undefined on input line 7.",
            "undefined citation Doe2015 in sections/results.tex",
        ),
        (
            "LaTeX Warning: Label `eq:a' multiply defined.",
            "label defined twice eq:a in sections/results.tex",
        ),
        (
            "Missing character: There is no ✓ in font ec-lmr10!",
            "missing character ✓ in font ec-lmr10 in sections/results.tex",
        ),
        (
            r"Overfull \hbox (5.01pt too wide) in paragraph at lines 10--16",
            r"overfull \hbox by 5.01 pt in paragraph at lines 10--16 in sections/results.tex",
        ),
        (
            r"Overfull \vbox (30.0pt too high) has occurred while \output is active",
            r"overfull \vbox by 30.0 pt has occurred while \output is active "
            "in sections/results.tex",
        ),
    ],
)
def test_problem_is_found_and_named(line, expected):
    assert [str(problem) for problem in find_problems(log_with(line))] == [expected]


def test_problem_after_a_closed_file_belongs_to_the_one_that_opened_it():
    warning = "LaTeX Warning: Reference `a' on page 1 undefined on input line 5."
    log = CLEAN_LOG.replace("\n) )\n", f"\n)\n{warning}\n)\n")
    assert [problem.file for problem in find_problems(log)] == ["main.tex"]


def test_same_problem_is_told_once():
    warning = "LaTeX Warning: Reference `a' on page 1 undefined on input line 5."
    assert len(find_problems(log_with(f"{warning}\n\n{warning}"))) == 1


def test_first_error_has_message_line_and_file():
    log = log_with(
        "! Undefined control sequence.\nl.12 The median is \\eulrnet\n   Median\n! Other."
    )
    assert first_error(log) == (
        "LaTeX: ! Undefined control sequence. at l.12 The median is \\eulrnet "
        "in sections/results.tex"
    )


def test_first_error_without_line_and_of_tectonic():
    assert first_error("! Emergency stop.") == "LaTeX: ! Emergency stop. in main.tex"
    error = "error: something failed"
    assert first_error(f"note: hello\n{error}") == f"LaTeX: {error} in main.tex"
    assert first_error("nothing to see") == "LaTeX failed without an error message"


@pytest.fixture
def sources(tmp_path):
    """A paper of one page that inputs a generated number."""
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "main.tex").write_text(
        "\\documentclass{article}\n\\input{numbers}\n"
        "\\begin{document}\nThe answer is \\answer.\n\\end{document}\n"
    )
    return folder


@pytest.fixture
def numbers(tmp_path):
    file = tmp_path / "numbers.tex"
    file.write_text("\\newcommand{\\answer}{42}\n")
    return file


def build(sources, generated):
    pdf, log = sources.parent / "out" / "paper.pdf", sources.parent / "out" / "tex.log"
    build_paper(sources, generated, pdf, log)
    return pdf


def test_sources_are_what_latex_reads_and_no_droppings(sources, tmp_path):
    """Of editors, of macOS, of LaTeX run by hand; links that lead nowhere or round in a ring."""
    shared = tmp_path / "shared"
    for folder in (sources / "sections", sources / ".hidden", shared):
        folder.mkdir()
    for name in ("refs.bib", "sections/a b.tex", "logo.png", "journal.cls"):
        (sources / name).touch()
    for name in ("main.tex~", "#main.tex#", ".main.tex.swp", "4913", ".DS_Store", "._main.tex"):
        (sources / name).touch()
    for name in ("main.pdf", "main.aux", "main.log", "main.bbl", ".hidden/x.tex", "a{b}.tex"):
        (sources / name).touch()
    (sources / ".#main.tex").symlink_to("user@host.1:2")
    (sources / "broken.tex").symlink_to("nowhere.tex")
    (shared / "shared.tex").touch()
    (sources / "linked").symlink_to(shared)
    (sources / "sections/up").symlink_to(sources)
    (sources / "above").symlink_to(tmp_path)
    names = [path.relative_to(sources).as_posix() for path in paper_sources(sources)]
    expected = ["journal.cls", "linked/shared.tex", "logo.png", "main.tex", "refs.bib"]
    assert names == [*expected, "sections/a b.tex"]


def test_missing_latex_says_what_to_install(sources, numbers, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"apt-get install .*latexmk.*conda-forge tectonic") as e:
        build(sources, [numbers])
    assert "\n" not in str(e.value)


def test_missing_and_clashing_files_are_refused(sources, numbers, monkeypatch):
    monkeypatch.setattr("workflow.lib.report.paper._find_tex", lambda: ("true",))
    with pytest.raises(InputError, match=r"absent\.pdf is missing"):
        build(sources, [numbers, numbers.with_name("absent.pdf")])
    (sources / "numbers.tex").touch()
    with pytest.raises(InputError, match=r"numbers\.tex has the name of a file in"):
        build(sources, [numbers])
    (sources / "main.tex").unlink()
    with pytest.raises(InputError, match=r"has no main\.tex"):
        build(sources, [numbers])


@pytest.mark.parametrize("program", ["latexmk", "tectonic"])
def test_failure_is_one_line_and_keeps_log_and_older_pdf(
    sources, numbers, tmp_path, monkeypatch, program
):
    """With a stand-in for TeX, so that it is tried where there is none."""
    stand_in = tmp_path / "stand-in"
    stand_in.write_text(
        '#!/bin/sh\nprintf "(./main.tex\\n! It broke.\\nl.4 here" >main.log\nexit 1'
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr("workflow.lib.report.paper._find_tex", lambda: (str(stand_in), program))
    pdf = tmp_path / "out" / "paper.pdf"
    pdf.parent.mkdir()
    pdf.write_text("older")
    with pytest.raises(InputError, match=r"^LaTeX: ! It broke\. at l\.4 here in main\.tex; "):
        build(sources, [numbers])
    assert pdf.read_text() == "older"
    assert "It broke" in (tmp_path / "out" / "tex.log").read_text()
    assert sorted(path.name for path in pdf.parent.iterdir()) == ["paper.pdf", "tex.log"]


def test_tiny_paper_compiles_twice_to_the_same_bytes_or_tex_is_asked_for(sources, numbers):
    if not HAS_TEX:
        with pytest.raises(InputError, match="no LaTeX found"):
            build(sources, [numbers])
        return
    before = sorted(sources.iterdir())
    first = build(sources, [numbers]).read_bytes()
    assert first.startswith(b"%PDF")
    assert sorted(sources.iterdir()) == before
    main(sources, [numbers], sources.parent / "again.pdf", sources.parent / "again.log")
    # pdfTeX derives the file's ID from the folder's name unless told not to, as the paper does
    identity = re.compile(rb"/ID \[<.*>")
    again = (sources.parent / "again.pdf").read_bytes()
    assert identity.sub(b"", again) == identity.sub(b"", first)


def test_undefined_macro_names_macro_and_line_or_tex_is_asked_for(sources, numbers):
    numbers.write_text("")
    expected = r"Undefined control sequence.*\\answer" if HAS_LATEX else "LaTeX|no LaTeX found"
    with pytest.raises(InputError, match=expected) as error:
        build(sources, [numbers])
    assert "\n" not in str(error.value)


def paper_text() -> str:
    """All LaTeX sources of the paper, without comments."""
    texts = [path.read_text() for path in sorted(PAPER.rglob("*.tex"))]
    return re.sub(r"(?<!\\)%.*", "", "\n".join(texts))


def test_sources_use_exactly_the_macros_that_are_generated():
    """Only generated macros have a capital inside their name: LaTeX's own have none or begin so."""
    text = paper_text()
    names = set(re.findall(r"\\([A-Za-z]+)", text))
    own = set(re.findall(r"\\(?:newcommand|DeclareRobustCommand)\{\\([A-Za-z]+)\}", text))
    camel_case = {name for name in names if re.fullmatch(r"[a-z]+[A-Z]\w*", name)} - own
    camel_case = {name for name in camel_case if not re.match(f"{OF_SEVERAL}|evidence", name)}
    assert camel_case - MACROS == set()
    assert MACROS - names == set()
    assert "ifsimulated" in names


def test_sources_are_plain_ascii():
    assert set(paper_text()) <= set(string.printable)


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    cited = re.findall(r"\\cite\{([^}]+)\}", paper_text())
    keys = {key.strip() for group in cited for key in group.split(",")}
    entries = re.findall(r"^@\w+\{(\w+),", (PAPER / "refs.bib").read_text(), re.MULTILINE)
    assert len(entries) == len(set(entries))
    assert keys == set(entries)


def test_every_reference_has_a_label_and_every_included_file_exists_or_is_generated():
    text = paper_text()
    labels = re.findall(r"\\label\{([^}]+)\}", text)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\ref\{([^}]+)\}", text)) <= set(labels)
    included = set(re.findall(r"\\(?:input|fittedtable)\{([\w/]+)\}", text))
    generated = {"numbers", "table1", "folds", "jobs", "trainings", "provenance", "data_card"}
    generated |= {"frontier", "several_numbers", "several", "calibration"}
    generated |= {"ambiguity", "ambiguous_grain"}
    generated |= {"evidence_numbers", "controls", "parts", "fold_summary", "spellings", "claims"}
    generated |= {"maps_numbers", "maps"}
    assert {name for name in included if not (PAPER / f"{name}.tex").is_file()} == generated
