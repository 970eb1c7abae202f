"""`snakemake --report`: complete, made offline, changes nothing; and the graph of the rules."""

import json
import re
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = ["table1", "comparison", "scores", "folds", "several", "calibration", "jobs", "trainings"]
FIGURES = ["figure1", "learning_curves", "signals", "reliability", "risk_coverage"]
FIGURES += ["ambiguous_grain", "graphical_abstract", "controls", "seams", "triangle", "views"]
FIGURES += ["arithmetic", "maps"]
# Category: the files in it, below results/ci.
SHOWN = {
    "Paper": {"paper.pdf"},
    "Tables": {f"{name}.csv" for name in TABLES} | {f"report/{name}.html" for name in TABLES},
    "Figures": {f"{name}.{suffix}" for name in FIGURES for suffix in ("pdf", "png")},
    "Data": {"data_card.pdf", "data_card.png", "report/data_card.html"},
    "Trainings": {
        f"models/{network}/{fold}/1/{file}"
        for network in ("eulernet", "sequencenet", "nearest")
        for fold in (1, 2)
        for file in ("model.json", "training.csv")
    },
    "Logs": {"report/logs.html"},
    "Provenance": {"provenance.json", "report/provenance.html"},
}
# Rules of the target `maps`
OF_MAPS = ("images", "scan", "ebsd", "map_block", "map", "exchange", "compare", "grains", "truth")
OF_MAPS += ("ebsd_grains", "map_scores", "map_pictures", "map_ebsd_picture", "map_page")
OF_MAPS += ("registration", "training_set")
NOTICE = "SIMULATED DATA, not measurements"


def states(folder: Path) -> dict[Path, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


@pytest.fixture(scope="module")
def archive(finished, snakemake, tmp_path_factory) -> zipfile.ZipFile:
    """The report as a zip, made without the network; results stay as they were."""
    file = tmp_path_factory.mktemp("report") / "report.zip"
    before = states(finished)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
        done = snakemake("--report", str(file))
    assert done.returncode == 0, done.stderr[-3000:]
    assert states(finished) == before
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def page(archive) -> str:
    return archive.read("report/report.html").decode()


def variable(page: str, name: str):
    """What the page assigns to one of its variables."""
    return json.loads(re.search(rf"^ *var {name} = (\S.*);$", page, re.MULTILINE)[1])


@pytest.fixture(scope="module")
def results(page) -> dict:
    return variable(page.replace("var results = new Array", ""), "results")


def test_every_table_figure_log_and_the_paper_are_in_their_category(page):
    categories = {
        category: {path.removeprefix("results/ci/") for path in paths["Other"]}
        for category, paths in variable(page, "categories").items()
    }
    assert categories == SHOWN


def test_the_zip_holds_each_file_as_it_is(archive, results, project):
    assert len(results) == sum(map(len, SHOWN.values()))
    for path, entry in results.items():
        assert archive.read(f"report/{entry['data_uri']}") == (project / path).read_bytes()
    assert sum(file.compress_size for file in archive.infolist()) < 10e6


def test_captions_and_labels_say_what_each_is_and_that_it_is_simulated(page, results):
    for path, entry in results.items():
        assert NOTICE in entry["caption"], path
        assert len(re.sub(r"<.*?>", "", entry["caption"])) > len(NOTICE) + 60, path
        assert entry["labels"], path
    labels = results["results/ci/models/sequencenet/2/1/training.csv"]["labels"]
    assert labels == {"network": "sequencenet", "fold": "2", "seed": "1", "file": "history"}
    assert NOTICE in variable(page, "workflow_desc")
    assert "{{" not in str(results)


def test_the_pages_say_it_too_and_the_logs_are_complete(finished):
    for path in (finished / "report").glob("*.html"):
        assert NOTICE in path.read_text(), path
    logs = (finished / "report/logs.html").read_text()
    written = {path.relative_to(finished / "logs") for path in (finished / "logs").rglob("*.log")}
    for path in written:
        if path.parts[0] not in (
            "pages.log",
            "profile",
            "tune.log",
            *OF_MAPS,
        ):  # its own; other tests'
            assert f"results/ci/logs/{path}" in logs
    assert "SequenceNet, this run" in logs  # from table1.log
    assert "This is pdfTeX" in logs or "Tectonic" in logs or "XeTeX" in logs
    assert "(no log" not in logs


def test_one_html_file_holds_everything(finished, snakemake, tmp_path):
    file = tmp_path / "report.html"
    done = snakemake("--report", str(file))
    assert done.returncode == 0, done.stderr[-3000:]
    text = file.read_text()
    for kind in ("application/pdf", "image/png", "text/html", "text/csv"):
        assert f"data:{kind};" in text
    assert NOTICE in variable(text, "workflow_desc")


def edges_and_nodes(
    numbers: dict[str, str], arrows: list[tuple[str, str]]
) -> tuple[set[str], set[tuple[str, str]]]:
    """Names of the rules, and all pairs of which the second waits for the first."""
    before = {rule: set() for rule in numbers.values()}
    for first, second in arrows:
        before[numbers[second]].add(numbers[first])
    for _ in numbers:  # as many steps as the longest path could have
        for rule in before:
            before[rule] |= {earlier for direct in before[rule] for earlier in before[direct]}
    return set(before), {(earlier, rule) for rule in before for earlier in before[rule]}


def test_the_graph_in_the_readme_is_of_these_rules(snakemake):
    """`make rulegraph` draws it anew. It leaves out what follows from other arrows."""
    done = snakemake("--rulegraph", config="")
    assert done.returncode == 0, done.stderr[-3000:]
    printed = edges_and_nodes(
        dict(re.findall(r'(\d+)\[label = "(\w+)"', done.stdout)),
        re.findall(r"(\d+) -> (\d+)", done.stdout),
    )
    svg = (ROOT / ".github/rulegraph.svg").read_text()
    drawn = edges_and_nodes(
        dict(re.findall(r"<title>(\d+)</title>\n.*\n<text[^>]*>([\w&#;]+)</text>", svg)),
        re.findall(r"<title>(\d+)&#45;&gt;(\d+)</title>", svg),
    )
    assert drawn == printed
