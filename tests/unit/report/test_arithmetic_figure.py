"""The figure of error against arithmetic, from rows whose numbers are chosen here."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from workflow.lib.report.evidence.arithmetic_figure import (
    NEEDED,
    STATISTICS,
    one_budget,
    plot_arithmetic,
)

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
MODELS = pd.DataFrame(
    [
        ("baseline", "The baseline", "regression", "", 10.0),
        ("half", "Half of it", "regression", "baseline", 5.0),
        ("writes", "A writer", "writer", np.nan, 10.0),
        ("other", "Another", "density", np.nan, 11.0),
        ("learnt_at_once", "Neighbours", "neighbour", np.nan, np.nan),
    ],
    columns=["network", "title", "kind", "base", "tflop"],
)
CONTROLS = pd.DataFrame(
    [
        (name, statistic, 3.0 + place)
        for name in MODELS["network"]
        for place, statistic in enumerate(STATISTICS)
    ],
    columns=["network", "statistic", "value"],
)


@pytest.fixture
def table() -> pd.DataFrame:
    """One with several seeds, one without an interval."""
    rows = [
        ("baseline", tflop, statistic, value, *ends, True)
        for tflop, value, ends in ((5.0, 6.0, (np.nan, np.nan)), (10.0, 4.0, (3.5, 4.5)))
        for statistic in STATISTICS
    ]
    return pd.DataFrame(rows, columns=list(NEEDED))


def test_grey_points_are_models_with_one_budget_and_some_arithmetic(table):
    found = one_budget(table, MODELS, CONTROLS, "tta_median_deg")
    assert found.to_numpy().tolist() == [
        ["A writer", "writer", 10.0, 4.0],
        ["Another", "density", 11.0, 4.0],
    ]


def test_the_figure_names_what_it_shows(table, tmp_path):
    plot_arithmetic(
        table, MODELS, CONTROLS, STYLE, [tmp_path / "arithmetic.pdf", tmp_path / "arithmetic.png"]
    )
    text = PdfReader(tmp_path / "arithmetic.pdf").pages[0].extract_text()
    expected = ["The baseline", "other models: writer", "other models: density", "one view"]
    for label in [*expected, "72 views", "SIMULATED DATA"]:
        assert text.count(label) == 1
    assert "Half of it" not in text
    assert "other models: regression" not in text
    assert (tmp_path / "arithmetic.png").stat().st_size > 20_000


def test_without_budgets_the_figure_says_so(table, tmp_path):
    plot_arithmetic(table[:0], MODELS, CONTROLS, STYLE, [tmp_path / "arithmetic.pdf"])
    text = PdfReader(tmp_path / "arithmetic.pdf").pages[0].extract_text()
    assert "no model was trained with several budgets" in text
