"""Tables, figures and sentences of any models, however many, whatever they are called."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from workflow.lib.evaluation.comparison import compare
from workflow.lib.evaluation.published import read_published
from workflow.lib.evaluation.scores import Result
from workflow.lib.report.budget import budget_sentence
from workflow.lib.report.figure1 import plot_histograms
from workflow.lib.report.folds import folds_latex, folds_table
from workflow.lib.report.learning_curves import MOST_CURVES, plot_learning_curves, read_histories
from workflow.lib.report.numbers import compared_note
from workflow.lib.report.table1 import table1, table1_latex, table1_markdown

ROOT = Path(__file__).parents[3]
STYLE = ROOT / "paper/style/figures.mplstyle"
DEG = np.linspace(1, 30, 50)[None]
TITLES = {"b": "Baseline_1", "a": "Another", "c": "A third"}
RESULTS = {name: Result(factor * DEG, DEG) for factor, name in enumerate("cba", start=1)}


def text_of(figure: Path) -> str:
    return PdfReader(figure).pages[0].extract_text()


def write_training(folder: Path, name: str, losses: list[float]) -> tuple[Path, Path]:
    model, history = folder / f"{name}.json", folder / f"{name}.csv"
    description = {"name": name, "network": "x", "fold": 1, "seed": 1, "best_epoch": 1}
    model.write_text(json.dumps(description | {"simulated": True}))
    epochs = range(1, len(losses) + 1)
    table = pd.DataFrame({"epoch": epochs, "training_loss": losses, "validation_median_deg": 3.0})
    table.to_csv(history, index=False)
    return model, history


def test_table1_has_a_row_for_each_in_the_order_of_the_titles():
    published = read_published(ROOT / "config/published.yaml")
    table = table1(RESULTS, TITLES, published, 100, "somewhere", False)
    assert table["network"].to_list() == ["Baseline_1", "Another", "A third"]
    assert table["published_median_deg"].isna().all()
    latex = table1_latex(table)
    assert r"Baseline\_1 & " in latex
    assert "nan" not in latex
    fewer = table1_latex(table, ["A third", "Baseline_1"])
    assert fewer.count("A third & ") == 1
    assert "Another" not in fewer
    assert f"[{table['median_low_deg'].iloc[2]:.2f}, " in fewer


def test_table1_tells_how_many_seeds_there_are_where_models_have_different_ones():
    results = RESULTS | {"c": Result(np.repeat(DEG, 3, 0), np.repeat(DEG, 3, 0))}
    published = read_published(ROOT / "config/published.yaml")
    for chosen, told in ((RESULTS, ", 1 seed, with"), (results, ", 1 to 3 seeds, with")):
        table = table1(chosen, TITLES, published, 100, "somewhere", False)
        assert told in table1_markdown(table)


def test_the_comparison_is_of_the_two_named_and_their_gains_have_their_names():
    table = compare(RESULTS, ["b", "c"], 100).set_index("comparison")["reduction_percent"]
    assert list(table.index) == ["plain", "tta", "both", "b_gain", "c_gain"]
    assert table["plain"] == pytest.approx(50)
    assert table["b_gain"] == pytest.approx(50)
    assert table["c_gain"] == pytest.approx(0)


def test_the_table_of_folds_has_columns_for_each():
    scores = pd.DataFrame(
        [{"network": n, "fold": 1, "median_deg": 1.0, "tta_median_deg": 2.0} for n in "abc"]
    )
    folds = folds_table(scores, TITLES)
    assert list(folds)[1:] == [f"{n}_{c}" for n in "bac" for c in ("median_deg", "tta_median_deg")]
    assert r"{Baseline\_1}" in folds_latex(folds, TITLES)


def test_of_one_fold_and_many_models_some_alone_are_shown():
    names = [f"m{i}" for i in range(9)]
    rows = [
        {"network": name, "fold": 1, "seed": 1, "median_deg": 2.0, "tta_median_deg": 1.0}
        for name in names
    ]
    titles = {name: name.upper() for name in names}
    folds = folds_table(pd.DataFrame(rows), titles)
    latex = folds_latex(folds, titles, {"m3": "M3"})
    assert "M3" in latex
    assert "M4" not in latex
    assert "M4" in folds_latex(folds, titles)


def test_of_several_folds_models_with_one_alone_are_left_out():
    rows = [{"network": n, "fold": 1, "median_deg": 1.0, "tta_median_deg": 2.0} for n in "abc"]
    rows += [row | {"fold": 2, "median_deg": 4.0} for row in rows[:2]]
    folds = folds_table(pd.DataFrame(rows), TITLES)
    assert {name[0] for name in list(folds)[1:]} == {"a", "b"}
    assert folds.set_index("fold").loc["mean", "b_median_deg"] == pytest.approx(2.5)
    latex = folds_latex(folds, TITLES)
    assert "A third" not in latex
    assert "Another" in latex


def test_figure1_is_of_the_two_compared(tmp_path):
    two = {name: TITLES[name] for name in ("b", "c")}
    plot_histograms(RESULTS, two, True, STYLE, [tmp_path / "figure.pdf"])
    text = text_of(tmp_path / "figure.pdf")
    assert "Baseline_1" in text
    assert "A third" in text
    assert "Another" not in text


def test_what_is_learnt_at_once_has_no_learning_curve(tmp_path):
    """If nothing else is there either, the figure says so."""
    paths = [write_training(tmp_path, "a", [2.0, 1.0]), write_training(tmp_path, "c", [np.nan])]
    for chosen, expected in ((paths, ["a"]), (paths[1:], [])):
        table, simulated = read_histories(*zip(*chosen, strict=True))
        assert table["network"].unique().tolist() == expected
        assert simulated
        plot_learning_curves(table, TITLES, ["b", "a"], simulated, STYLE, [tmp_path / "curves.pdf"])
        text = text_of(tmp_path / "curves.pdf")
        assert ("Another" in text) == bool(expected)
        assert ("no model was trained in epochs" in text) != bool(expected)
        assert "A third" not in text
        assert "SIMULATED" in text


def test_of_more_learning_curves_than_fit_those_compared_are_drawn(tmp_path, caplog):
    titles = {f"m{i}": f"Model {i}" for i in range(MOST_CURVES + 2)}
    paths = [write_training(tmp_path, name, [2.0, 1.0]) for name in titles]
    table, _ = read_histories(*zip(*paths, strict=True))
    with caplog.at_level(logging.INFO):
        plot_learning_curves(table, titles, ["m0", "m5"], False, STYLE, [tmp_path / "curves.pdf"])
    assert "no room for the learning curves of m1, m2, m3, m4" in caplog.text
    text = text_of(tmp_path / "curves.pdf")
    assert [f"Model {i}" in text for i in range(6)] == [True, *[False] * 4, True]


def trained(epochs: int | None, seen: int, train_s: float = 2.0) -> list[dict]:
    training = {} if epochs is None else {"epochs": epochs}
    tflop = None if epochs is None else seen / 1000
    return [{"training": training, "signals_seen": seen, "train_s": train_s, "tflop": tflop}]


@pytest.mark.parametrize(
    ("baseline", "other", "expected"),
    [
        (trained(4, 100), trained(4, 100, 3.0), "Both networks had the same budget of 4 epochs and "
         r"100 signals; in arithmetic, that is 0.100 TFLOP for A\_1 and 0.100 for B; "
         r"training B took 1.50 times as long as training A\_1."),
        (trained(4, 100), trained(5, 200), r"The budgets differ: A\_1 had 4 epochs and saw 100 "
         r"signals, B had 5 and saw 200; in arithmetic, that is 0.100 TFLOP for A\_1 and 0.200 "
         r"for B; training B took 1.00 times as long as training A\_1."),
        (trained(None, 100), trained(5, 200), "The budgets can't be compared, because not both are "
         r"trained in epochs; training B took 1.00 times as long as training A\_1."),
    ],
)  # fmt: skip
def test_budgets_in_a_sentence(baseline, other, expected):
    assert budget_sentence({"A_1": baseline, "B": other}) == expected


def test_the_paper_says_which_models_it_speaks_of_if_they_are_not_those_of_its_text():
    published = {"EulerNet": "eulernet", "SequenceNet": "sequencenet"}
    assert compared_note(published) == ""
    renamed = compared_note({"EulerNet": "eulernet", "wide_1": "sequencenet"})
    assert r"what is called SequenceNet is the model wide\_1." in renamed
    assert "does not hold" not in renamed
    others = compared_note({"Nearest neighbour": "nearest", "SequenceNet": "sequencenet"})
    assert "what is called EulerNet is the model Nearest neighbour and" in others
    assert "does not hold for them" in others
    swapped = compared_note(dict(reversed(published.items())))
    assert "what is called EulerNet is the model SequenceNet" in swapped
