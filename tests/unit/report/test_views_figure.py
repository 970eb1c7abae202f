"""The figure of views, from rows whose numbers are chosen here."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from pypdf import PdfReader

from workflow.lib.report.evidence import views_figure
from workflow.lib.report.evidence.views_figure import (
    DECISIONS,
    NEEDED,
    STATISTICS,
    over_seeds,
    plot_views,
)

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
TITLES = {"regression": "A regression", "writes": "A writer"}
NUMBERS = (1, 2, 8, 9, 72)


@pytest.fixture
def table() -> pd.DataFrame:
    """Of two seeds, whose values are 1° apart."""
    rows = [
        (name, title, views, decision, statistic, value, value - 0.5, value + 0.5, cost, True)
        for name, title in TITLES.items()
        for seed in (0, 1)
        for views in NUMBERS
        for place, decision in enumerate(DECISIONS)
        for statistic in STATISTICS
        for value in [4 - views / 36 + seed + 0.1 * place + 2 * (statistic == "mean_deg")]
        for cost in [views * (1 + place) + seed]
    ]
    return pd.DataFrame(rows, columns=list(NEEDED))


def test_lines_are_means_over_seeds(table):
    found = over_seeds(table)
    assert len(found) * 2 == len(table)
    row = found[
        (found["network"] == "writes")
        & (found["decision"] == "least_expected")
        & (found["statistic"] == "mean_deg")
        & (found["views"] == 72)
    ]
    assert row[["value", "low", "high"]].to_numpy()[0] == pytest.approx([4.7, 4.2, 5.2])
    assert row["ms_per_signal"].item() == 72 * 3 + 0.5


def test_the_figure_shows_all_models_decisions_and_numbers(table, tmp_path, monkeypatch):
    figures: list[Figure] = []
    finish = views_figure.finish
    monkeypatch.setattr(
        views_figure, "finish", lambda figure, *of: (figures.append(figure), finish(figure, *of))
    )
    plot_views(table, STYLE, [tmp_path / "views.pdf", tmp_path / "views.png"])
    text = PdfReader(tmp_path / "views.pdf").pages[0].extract_text()
    for label in (*TITLES.values(), "SIMULATED DATA", "by time"):
        assert text.count(label) == 1
    assert all(label in text for label in DECISIONS.values())
    assert (tmp_path / "views.png").stat().st_size > 20_000
    *above, _ = figures[0].axes[:4]
    cost = figures[0].axes[7]
    assert [len(axes.containers) for axes in above] == [len(TITLES)] * len(DECISIONS)
    assert above[0].get_xscale() == cost.get_xscale() == above[0].get_yscale() == "log"
    labels = [tick.get_text() for tick in figures[0].axes[4].get_xticklabels()]
    assert labels == ["1", "2", "8", "", "72"]  # that of 9 would touch that of 8
    medoid = cost.lines[0].get_xydata()
    assert medoid[:, 0].tolist() == [views + 0.5 for views in NUMBERS]
    looks = {(line.get_color(), line.get_linestyle()) for line in cost.lines}
    assert len(looks) == len(TITLES)


def test_measured_data_would_have_no_notice(table, tmp_path):
    plot_views(table.assign(simulated=False), STYLE, [tmp_path / "views.pdf"])
    assert "SIMULATED" not in PdfReader(tmp_path / "views.pdf").pages[0].extract_text()


def test_without_models_the_figure_says_so(table, tmp_path):
    plot_views(table[:0], STYLE, [tmp_path / "views.pdf"])
    assert "no model's views" in PdfReader(tmp_path / "views.pdf").pages[0].extract_text()
