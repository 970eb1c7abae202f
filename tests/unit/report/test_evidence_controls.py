"""Tables and the forest plot of the controls, from a record whose numbers are chosen here."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from workflow.lib.evaluation.evidence import STATISTICS
from workflow.lib.evaluation.record import read_table
from workflow.lib.report.evidence.controls_figure import plot_controls
from workflow.lib.report.evidence.controls_table import controls_latex, controls_markdown
from workflow.lib.report.evidence.fold_summary_table import fold_summary_latex
from workflow.lib.report.evidence.parts_table import parts_latex
from workflow.lib.report.evidence.rows import COLUMNS, by_kind, latex, p_text
from workflow.lib.runtime.files import InputError

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
# By name: title, kind, TTA median; one view's is 1° more.
MODELS = {
    "eulernet": ("EulerNet", "regression", 5.0), "sequencenet": ("SequenceNet", "writer", 2.0),
    "gru": ("GRU_1", "writer", 1.5), "grid": ("Grid", "density", 3.0),
    "nearest": ("By memory", "neighbour", 7.0), "odd": ("Odd", "oddity", 4.0),
}  # fmt: skip


def value_of(statistic: str, median: float) -> float:
    if "within" in statistic:
        return 0.875
    of_view = median if statistic.startswith("tta_") else median + 1
    return of_view / 2 if "in_plane" in statistic else of_view


@pytest.fixture
def controls() -> pd.DataFrame:
    found = []
    for name, (title, kind, median) in MODELS.items():
        for statistic in STATISTICS:
            value = value_of(statistic, median)
            found.append((name, title, kind, statistic, value, value - 0.25, value + 0.5, 3, 750))
    return pd.DataFrame(found, columns=COLUMNS["controls"])


@pytest.fixture
def differences() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "network": name, "reference": reference, "statistic": statistic,
                "percent": 100 * (1 - median / MODELS[reference][2]), "percent_low": -300.5,
                "percent_high": 70.25, "effect": 0.5, "effect_low": 0.25, "effect_high": 0.75,
                "p_holm": 1e-9 if name == "nearest" else 0.04,
            }
            for reference in ("eulernet", "sequencenet")
            for name, (_, _, median) in MODELS.items()
            for statistic in ("median_deg", "tta_median_deg")
            if name != reference
        ]
    )  # fmt: skip


@pytest.fixture
def models() -> pd.DataFrame:
    tflop = [np.nan if name == "nearest" else 10.25 for name in MODELS]
    return pd.DataFrame({"network": list(MODELS), "parameters": 1_219_523, "tflop": tflop})


@pytest.fixture
def over_folds() -> tuple[pd.DataFrame, pd.DataFrame]:
    summary = [
        (name, MODELS[name][0], statistic, MODELS[name][2], 0.625)
        for name in ("eulernet", "sequencenet")
        for statistic in STATISTICS
    ]
    differences = [
        ("sequencenet", "eulernet", "tta_median_deg", 60.0, 55.5, 64.5, 9, 10, 0.0039),
        ("eulernet", "sequencenet", "tta_median_deg", -150.0, -160.0, -140.0, 1, 10, 0.0039),
    ]
    columns = [*COLUMNS["fold_differences"][:4], "percent_low", "percent_high", "folds_lower"]
    return (
        pd.DataFrame(summary, columns=COLUMNS["fold_summary"]),
        pd.DataFrame(differences, columns=[*columns, "folds", "p_holm"]),
    )


def cells(text: str) -> dict[str, list[str]]:
    lines = [line for line in text.splitlines() if "&" in line]
    rows = [[cell.strip() for cell in line.removesuffix(r"\\").split("&")] for line in lines]
    return {row[0]: row[1:] for row in rows}


def test_kinds_are_in_order_and_the_best_of_each_comes_first(controls):
    assert by_kind(controls, "tta_median_deg") == [
        ("Regression", ["eulernet"]),
        ("Density", ["grid"]),
        ("Writer", ["gru", "sequencenet"]),
        ("Nearest neighbour", ["nearest"]),
        ("oddity", ["odd"]),
    ]


def test_the_tabular_compares_with_the_last_of_those_compared(controls, differences):
    text = controls_latex(controls, differences, simulated=True)
    found = cells(text)
    assert "lower than SequenceNet" in text
    assert "simulated signals" in found
    assert list(found)[2:6] == [
        r"\emph{Regression}", r"\quad EulerNet", r"\emph{Density}", r"\quad Grid",
    ]  # fmt: skip
    assert found[r"\quad GRU\_1"] == [
        "2.50", "2.50", "1.50 [1.25, 2.00]", "1.50", "87.5", "25.0 [$-$300.5, 70.2]", "0.04",
    ]  # fmt: skip
    assert found[r"\quad SequenceNet"][-2:] == ["–", "–"]
    assert found[r"\quad By memory"][-2:] == ["$-$250.0 [$-$300.5, 70.2]", "$<$0.001"]
    assert "simulated" not in controls_latex(controls, differences, simulated=False)


def test_the_markdown_has_both_and_what_a_model_costs(controls, differences, models):
    text = controls_markdown(controls, differences, models, simulated=True)
    assert text.startswith("**SIMULATED DATA, not measurements.** 750 test signals. ")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    rows = {row[1]: dict(zip(table[0], row, strict=True)) for row in table[2:]}
    assert list(rows)[:3] == ["EulerNet", "Grid", "GRU_1"]
    assert rows["By memory"]["TFLOP"] == "–"
    row = rows["GRU_1"]
    assert (row["parameters"], row["TFLOP"], row["seeds"]) == ("1219523", "10.2", "3")
    assert row["TTA within 2, 5, 10° / %"] == "88, 88, 88"
    assert row["lower than EulerNet / %"] == "70.0 [−300.5, 70.2]"
    assert row["nearer than SequenceNet"] == "0.50 [0.25, 0.75]"


def test_parts_have_intervals_where_there_are_72_views(controls):
    found = cells(parts_latex(controls, simulated=True))
    assert found["simulated signals"] == ["out of plane", "in plane", "$X$", "$Y$", "$Z$"] * 2
    assert found[r"\quad Grid"] == [
        "4.00", "2.00", "4.00", "4.00", "4.00",
        "3.00 [2.75, 3.50]", "1.50 [1.25, 2.00]", "3.00", "3.00", "3.00",
    ]  # fmt: skip


def test_folds_are_compared_with_the_baseline(over_folds):
    found = cells(fold_summary_latex(*over_folds, simulated=True))
    assert found["SequenceNet"] == [
        *[r"2.00 $\pm$ 0.62"] * 4, "60.0 [55.5, 64.5]", "9 of 10", "0.0039",
    ]  # fmt: skip
    assert found["EulerNet"][-3:] == ["–"] * 3


def test_a_run_of_one_fold_says_so(over_folds):
    summary, differences = (table.iloc[:0] for table in over_folds)
    found = cells(fold_summary_latex(summary, differences, simulated=False))
    assert found["no model was tested on more than one specimen"] == ["–"] * 4


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "<0.001"), (0.00394, "0.0039"), (0.0499, "0.05"), (0.456, "0.46"), (1.0, "1.00")],
)
def test_p_values(p, text):
    assert p_text(p) == text
    assert latex("<−∞ ± 1") == r"$<$$-$$\infty$ $\pm$ 1"


@pytest.mark.parametrize("references", [["eulernet", "sequencenet"], []])
def test_the_figure_names_every_model_and_those_compared(controls, references, tmp_path):
    plot_controls(controls, references, True, STYLE, [tmp_path / "controls.pdf"])
    page = PdfReader(tmp_path / "controls.pdf").pages[0]
    text = page.extract_text()
    assert "SIMULATED DATA" in text
    assert "/XObject" not in page["/Resources"] or not page.images  # all of it is vectors
    in_legend = [MODELS[name][0] for name in references]
    for title, _, _ in MODELS.values():
        assert text.count(title) == 1 + (title in in_legend)
    for word in ("Regression", "Writer", "Nearest neighbour", "median misorientation / °"):
        assert word in text
    assert text.count("one view") == 1
    assert text.count("72 views, 95 % interval") == 1


def test_marks_stand_at_the_numbers(controls, monkeypatch, tmp_path):
    drawn = []
    target = "workflow.lib.report.evidence.controls_figure.finish"
    monkeypatch.setattr(target, lambda figure, *_: drawn.append(figure))
    plot_controls(controls, ["eulernet"], True, STYLE, [])
    axes = drawn[0].axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    marks = {}
    for line in axes.lines:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if line.get_label() == "EulerNet, 72 views":
            assert set(x) == {5.0}
        else:
            marks.setdefault(labels[int(y[0])], []).append(x.tolist())
    assert marks["Grid"] == [[2.75, 3.5], [3.0], [4.0]]
    assert sorted(marks) == sorted(title for title, _, _ in MODELS.values())
    markers = {line.get_label(): line.get_marker() for line in axes.lines}
    assert markers["one view"] != markers["72 views, 95 % interval"]  # in grey


def test_a_table_without_a_column_is_refused(controls, tmp_path):
    path = tmp_path / "controls.csv"
    controls.to_csv(path, index=False)
    assert read_table(path, COLUMNS["controls"])["value"].to_list() == controls["value"].to_list()
    path.write_text("network\n")
    with pytest.raises(InputError, match=r"controls\.csv has no column title; expected network"):
        read_table(path, COLUMNS["controls"])


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "folds.csv").write_text("")
    with pytest.raises(InputError, match=r"folds\.csv is no CSV with columns"):
        read_table(tmp_path / "folds.csv", ["network"])
