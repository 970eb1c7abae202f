"""Sentences, statements and sources that follow from a record, whole or small."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from record_tables import MODELS, write_record
from scipy.stats import binomtest

from workflow.lib.report.evidence.claims import (
    CLAIMS,
    HELD,
    NOT_HELD,
    UNDECIDED,
    UNTESTED,
    claims_latex,
    claims_table,
    difference_of,
    wilson,
)
from workflow.lib.report.evidence.freeze import BESIDE, freeze
from workflow.lib.report.evidence.graphical_abstract import bars, plot_graphical_abstract
from workflow.lib.report.evidence.moved import MISSING, MOVED, NEW, moved_markdown, moved_table
from workflow.lib.report.evidence.numbers import (
    MACROS,
    evidence_macros,
    evidence_sources,
    evidence_tex,
)
from workflow.lib.report.evidence.record import KEYS, read_record
from workflow.lib.report.evidence.results import macros_of, results_json
from workflow.lib.report.evidence.words import ALIKE, HIGHER, LOWER, relation
from workflow.lib.runtime.files import InputError
from workflow.scripts.freeze import main as freeze_main

PUBLISHED = {"plain": 37.1, "tta": 48.5}
SMALL = ("base", "write", "near")
SWEEP = pd.DataFrame(
    {
        "facet_amplitude": [0.0, 0.0, 0.15],
        "model": ["base", "write", "write"],
        "kind": "mixture",
        "n": 100,
        "held_5_share": [0.0, 0.8, 0.1],
    }
)


@pytest.fixture
def record(tmp_path):
    def read(names=tuple(MODELS), is_this_run=False):
        tables = write_record(tmp_path / "record", names)
        return read_record(tables, tmp_path / "record/provenance.json", is_this_run)

    return read


def texts(record) -> dict[str, str]:
    return {macro.name.removeprefix("evidence"): macro.text for macro in evidence_macros(record)}


@pytest.mark.parametrize("names", [tuple(MODELS), SMALL, ()])
def test_every_sentence_ends_and_holds_no_nan_however_small_the_record(record, names):
    found = texts(record(names))
    assert found.keys() == MACROS.keys()
    for name, text in found.items():
        assert "nan" not in text.split()
        assert "None" not in text
        assert text.count("{") == text.count("}")
        if name.endswith("Sentence"):
            assert re.fullmatch(r"\w.*\.", text), text
            assert ".." not in text


def test_directions_are_those_of_the_numbers(record):
    found = texts(record())
    assert "the latter is lower than the former (33\\,\\% lower" in found["PairSentence"]
    assert "Euler angles, deep \\dg{2.80} (higher)" in found["RegressionSentence"]
    assert "Lucky on test signals \\dg{1.00} (lower)" in found["RegressionSentence"]
    assert "GRU \\dg{2.05} (not distinguishable)" in found["WriterSentence"]
    assert (
        "which is lower at 2 of 2 budgets; intervals, known at 2 of them,"
        in found["BudgetSentence"]
    )


def test_the_control_is_chosen_by_validation_signals_and_no_budget_variant(record):
    whole = record()
    assert whole.best_without_writing() == "smooth"  # not the one that is best on test signals
    assert "base_half" not in whole.of_kinds(("regression",))
    assert "Smooth \\& even" in texts(whole)["BestControlSentence"]
    assert "It is not the writing" in texts(whole)["AutoregressionSentence"]
    assert "not decided" in texts(record(SMALL))["AutoregressionSentence"]


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (-2.0, -1.0, 0.01, LOWER),
        (1.0, 2.0, 0.01, HIGHER),
        (-1.0, 2.0, 0.01, ALIKE),
        (-2.0, -1.0, 0.2, ALIKE),
        (-2.0, -1.0, np.nan, ALIKE),
    ],
)
def test_a_direction_needs_both_an_interval_and_a_corrected_p(record, low, high, p, expected):
    row = record().difference("write", "base", "median_deg")
    row.values.update(low=low, high=high, p_holm=p)
    assert relation(row) == expected


def test_sources_name_the_cells_and_their_values(record):
    whole = record()
    sources = evidence_sources(evidence_macros(whole))
    cells = sources["evidencePairSentence"]
    keys = {"network": "write", "reference": "base", "statistic": "tta_median_deg"}
    cell = {"file": "differences.csv", "keys": keys, "column": "value", "value": -1.0}
    assert cell in cells
    assert len(cells) == len({json.dumps(one, sort_keys=True) for one in cells})
    assert sources["evidenceOrigin"] == []


def test_the_text_says_where_the_evidence_is_from(record):
    assert "frozen record of run \\texttt{evidence}" in texts(record())["Origin"]
    assert texts(record(is_this_run=True))["Origin"].startswith("this run (")
    assert "Simulated data" in texts(record())["Notice"]


def test_verdicts_are_where_zero_is_and_missing_rows_are_not_tested(record):
    table = claims_table(record(), SWEEP, PUBLISHED).set_index("claim")
    assert table.loc["median", "verdict"] == HELD
    assert table.loc["median", "result"] == pytest.approx(100 / 3)
    assert table.loc["autoregression", "verdict"] == NOT_HELD
    assert table.loc["outliers", "verdict"] == UNTESTED  # the record has no shares
    assert table.loc["several", "result"] == pytest.approx(80)
    # with TTA on one side: 2.0 against 4.5
    assert table.loc["tta", "result"] == pytest.approx(100 * (1 - 2 / 4.5))
    assert table.loc["tta", "low"] < table.loc["tta", "result"] < table.loc["tta", "high"]
    assert list(table.index) == [claim.name for claim in CLAIMS]
    latex = claims_latex(table.reset_index())
    assert "37 \\% below" in latex
    assert "Smooth \\& even" in latex


def test_an_interval_around_zero_is_undecided():
    assert difference_of((1, 0, 2), (1, 0, 2)).verdict == UNDECIDED


def test_a_difference_of_normal_means_has_the_root_of_the_squares():
    """For symmetric intervals MOVER is what everybody does."""
    found = difference_of((5, 2, 8), (1, -3, 5))
    assert (found.value, found.low, found.high) == (4, -1, 9)


@pytest.mark.parametrize(("successes", "n"), [(0, 50), (7, 50), (50, 50), (600, 750)])
def test_wilsons_interval_is_scipys(successes, n):
    expected = binomtest(successes, n).proportion_ci(0.95, "wilson")
    share, low, high = wilson(successes / n, n)
    assert share == successes / n
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_bars_are_by_kind_and_error_and_the_limit_is_drawn(record, tmp_path, monkeypatch):
    whole = record()
    titles = [title for _, title, _ in bars(whole)]
    assert titles[:3] == ["Lucky on test signals", "Euler angles, deep", "EulerNet"]
    assert titles[3:] == ["Smooth & even", "SequenceNet", "GRU"]
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    monkeypatch.setattr("workflow.lib.report.style.figures.atomic", _NoFile)
    plot_graphical_abstract(whole, 0.9, "default", [tmp_path / "a.pdf"])
    axes = drawn[0].axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == titles
    assert "0.90°" in axes.get_title()


class _NoFile:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        return False


def test_a_value_outside_the_frozen_interval_and_rows_that_come_and_go_are_told(tmp_path):
    frozen = write_record(tmp_path / "frozen", ("base", "write", "near"))
    new = write_record(tmp_path / "new", ("base", "write", "other"))
    controls = pd.read_csv(tmp_path / "new/controls.csv")
    controls.loc[0, "value"] += 0.2  # twice the half-width
    controls.loc[1, "value"] += 0.05
    controls.to_csv(tmp_path / "new/controls.csv", index=False)
    table, compared = moved_table(frozen, new)
    moved = table[table["change"] == MOVED]
    assert list(moved["keys"]) == ["network=base, statistic=median_deg"]
    assert moved["new"].item() == pytest.approx(moved["high"].item() + 0.1)
    assert set(table["change"]) == {MOVED, MISSING, NEW}
    assert "network=near" in set(table.loc[table["change"] == MISSING, "keys"])
    assert "network=other" in set(table.loc[table["change"] == NEW, "keys"])
    assert f"Of {compared} values" in moved_markdown(table, compared)
    same, count = moved_table(frozen, frozen)
    assert len(same) == 0
    assert count > 0


def test_results_lists_the_macros_that_are_used_and_their_origin(record, tmp_path):
    whole = record()
    macros = evidence_macros(whole)
    (tmp_path / "evidence_numbers.tex").write_text(evidence_tex(macros))
    (tmp_path / "sources.json").write_text(json.dumps(evidence_sources(macros)))
    (tmp_path / "numbers.tex").write_text(
        "\\newcommand{\\used}{4.52}\n\\newcommand{\\unused}{1}\n"
        "\\newcommand{\\longer}{a\n\\textbf{b}\\}c}\n"
    )
    (tmp_path / "a.tex").write_text("\\used{} % \\unused\n\\evidencePairSentence")
    (tmp_path / "b.tex").write_text("\\used \\longer")
    generated = {
        str(tmp_path / "numbers.tex"): {"rule": "numbers", "inputs": ["table1.csv"]},
        str(tmp_path / "evidence_numbers.tex"): {"rule": "evidence_numbers", "inputs": []},
    }
    facts = {"commit": "abc", "uncommitted_changes": False, "source": "s", "simulated": True}
    facts["config"] = {"run": "demo"}
    sections = [tmp_path / "a.tex", tmp_path / "b.tex"]
    arguments = generated, sections, tmp_path / "sources.json", facts
    content = json.loads(results_json(*arguments))
    found = {entry["name"]: entry for entry in content["numbers"]}
    assert found.keys() == {"used", "longer", "evidencePairSentence"}
    assert found["used"]["value"] == "4.52"
    made_of = content["files"][found["used"]["file"]]
    assert made_of == {"rule": "numbers", "inputs": ["table1.csv"]}
    assert found["used"]["sections"] == ["a.tex", "b.tex"]
    assert found["longer"]["value"] == "a\n\\textbf{b}\\}c"
    assert found["evidencePairSentence"]["record"][0]["file"] == "controls.csv"
    (tmp_path / "evidence_numbers.tex").write_text("\\newcommand{\\used}{5}\n")
    with pytest.raises(InputError, match="defines"):
        results_json(*arguments)


def test_macros_of_a_line_with_macros_inside():
    text = "% \\newcommand{\\no}{1}\n\\newcommand{\\a}{\\dg{1} and \\dg{2}}\n\\newcommand{\\b}{}\n"
    assert macros_of(text) == {"a": "\\dg{1} and \\dg{2}", "b": ""}


def test_only_a_whole_record_is_frozen_and_nothing_is_written_before(tmp_path, capsys):
    run, frozen = tmp_path / "run", tmp_path / "frozen"
    (run / "record").mkdir(parents=True)
    for name in (*KEYS, *BESIDE):
        (run / "record" / name).write_text("a\n1\n")
    assert freeze_main(run, frozen) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "results.json is missing (1 of" in said
    assert not frozen.exists()
    (run / "results.json").write_text("{}")
    assert freeze(run, frozen) == sorted([*KEYS, *BESIDE, "results.json"])
    (run / "results.json").write_text("x" * 1_100_001)
    with pytest.raises(InputError, match=r"comes to 1\.1 MB"):
        freeze(run, frozen)


def test_a_broken_record_is_told_in_a_line(tmp_path):
    tables = write_record(tmp_path)
    (tmp_path / "controls.csv").write_text("network,value\nbase,1\n")
    with pytest.raises(InputError, match=r"controls\.csv has no column statistic"):
        read_record(tables, tmp_path / "provenance.json", False)
    (tmp_path / "controls.csv").write_text("")
    read = read_record(tables, tmp_path / "provenance.json", False)
    assert "controls.csv" not in read.tables
    (tmp_path / "provenance.json").write_text("{}")
    with pytest.raises(InputError, match=r"provenance\.json has no run"):
        read_record(tables, tmp_path / "provenance.json", False)
