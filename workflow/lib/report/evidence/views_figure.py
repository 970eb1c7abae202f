"""Error against the number of views that are combined at test time, and against their time.

The table is that of `workflow.lib.evaluation.views`, read from its CSV: what draws it needs no
PyTorch.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.lib.report.evidence.log_axes import FEW, MANY, log_scale, nothing_to_show
from workflow.lib.report.style.figures import finish, styled

DECISIONS = {
    "medoid": "medoid of the answers",
    "symmetric_mean": "mean near the medoid",
    "least_expected": "least expected misorientation of draws",
}
STATISTICS = {"median_deg": "median", "mean_deg": "mean"}
NEEDED = (
    "network", "title", "views", "decision", "statistic", "value", "low", "high",
    "ms_per_signal", "simulated",
)  # fmt: skip
MARKERS = dict(zip(DECISIONS, "os^", strict=True))
APART = dict(zip(DECISIONS, (0.96, 1.0, 1.04), strict=True))  # factors of x, so that bars show
TOUCHING = 1.2  # labels of numbers that are no more apart
LINES = ("-", "--", "-.", ":")  # of models, told apart without colour


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of value, low, high and ms_per_signal, by the order of the models."""
    keys = ["network", "title", "decision", "statistic", "views"]
    numbers = ["value", "low", "high", "ms_per_signal"]
    return table.groupby(keys, sort=False)[numbers].mean().reset_index()


def plot_views(table: pd.DataFrame, style: Path, paths: Sequence[Path]) -> None:
    """Median and mean misorientation against the number of views, and against the time they take.

    table: of the record, see NEEDED. A line per model and decision, of means over seeds. Bars: the
    95 % intervals over signals, averaged over seeds. Times are of one core of a CPU.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 5.4), layout="constrained")
        panels = figure.subplots(2, 2, sharex="col", sharey="row")
        if table.empty:
            nothing_to_show(panels.flat, "no model's views were counted")
        else:
            _draw(panels, over_seeds(table))
            _explain(figure, table)
        finish(figure, bool(table["simulated"].any()), paths)


def _draw(panels: Any, table: pd.DataFrame) -> None:
    for row, (statistic, name) in zip(panels, STATISTICS.items(), strict=True):
        of_statistic = table[table["statistic"] == statistic]
        for decision, look, rows in _lines(of_statistic):
            errors = rows["value"] - rows["low"], rows["high"] - rows["value"]
            row[0].errorbar(
                rows["views"] * APART[decision], rows["value"], yerr=errors, elinewidth=0.5, **look
            )
            row[1].plot(rows["ms_per_signal"], rows["value"], **look)
        row[0].set_ylabel(f"{name} misorientation / °")
        log_scale(row[0], "y", MANY)
    _label_columns(*panels[1], sorted(table["views"].unique()))


def _label_columns(views: Axes, cost: Axes, numbers: list[int]) -> None:
    """Ticks at all numbers of views, without those labels that would touch the one before."""
    log_scale(views, "x", FEW)
    before = [0, *numbers[:-1]]
    labels = [
        str(number) if number > TOUCHING * other else ""
        for number, other in zip(numbers, before, strict=True)
    ]
    views.set_xticks(numbers, labels, fontsize=7)
    views.set_xlabel("views")
    log_scale(cost, "x", FEW)
    cost.set_xlabel("time for a signal on one core / ms")


def _lines(table: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any], pd.DataFrame]]:
    for place, (_, of_model) in enumerate(table.groupby("network", sort=False)):
        for decision, marker in MARKERS.items():
            rows = of_model[of_model["decision"] == decision].sort_values("views")
            look = _look(place) | {"marker": marker, "ms": 3.5, "mew": 0.7}
            yield decision, look, rows


def _look(place: int) -> dict[str, Any]:
    return {"color": f"C{place % 4}", "ls": LINES[place % 4], "lw": 0.9, "mfc": "white"}


def _explain(figure: Figure, table: pd.DataFrame) -> None:
    """Lines of models to the left, markers of decisions to the right."""
    models = [
        Line2D([], [], label=title, **_look(place))
        for place, title in enumerate(table["title"].unique())
    ]
    decisions = [
        Line2D([], [], ls="", marker=MARKERS[name], color="0.2", mfc="white", ms=4, label=label)
        for name, label in DECISIONS.items()
    ]
    figure.legend(handles=models, loc="outside lower left")
    figure.legend(handles=decisions, loc="outside lower right")
