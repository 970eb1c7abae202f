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

from workflow.lib.report.evidence.log_axes import FEW, MANY, log_scale, nothing_to_show
from workflow.lib.report.style.figures import finish, styled

DECISIONS = {
    "medoid": "medoid",
    "symmetric_mean": "mean near the medoid",
    "least_expected": "least expected",
}
COST = "medoid"  # the decision whose time is drawn
STATISTICS = {"median_deg": "median", "mean_deg": "mean"}
NEEDED = (
    "network", "title", "views", "decision", "statistic", "value", "low", "high",
    "ms_per_signal", "simulated",
)  # fmt: skip
TOUCHING = 1.6  # labels of numbers that are no more apart
# Of models, told apart without colour
LOOKS = [
    {"ls": line, "marker": marker, "color": color}
    for line, marker, color in zip(
        ("-", "--", "-.", ":", "-", "--"), "os^Dv*", ("C0", "C1", "C2", "0.35", "C3", "k"),
        strict=True,
    )
]  # fmt: skip


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of value, low, high and ms_per_signal, by the order of the models."""
    keys = ["network", "title", "decision", "statistic", "views"]
    numbers = ["value", "low", "high", "ms_per_signal"]
    return table.groupby(keys, sort=False)[numbers].mean().reset_index()


def plot_views(table: pd.DataFrame, style: Path, paths: Sequence[Path]) -> None:
    """Median and mean misorientation by the number of views, decision by decision, and by time.

    table: of the record, see NEEDED. A line per model, of means over seeds. Bars: the 95 %
    intervals over signals, averaged over seeds. Times are the medoid's, on one core of a CPU.
    """
    with styled(style):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        panels = figure.subplots(2, len(DECISIONS) + 1, sharex="col", sharey="row")
        if table.empty:
            nothing_to_show(panels.flat, "no model's views were counted")
        else:
            _draw(panels, over_seeds(table))
            lines, titles = panels[0, -1].get_legend_handles_labels()
            figure.legend(lines, titles, loc="outside lower center", ncols=3)
        finish(figure, bool(table["simulated"].any()), paths)


def _draw(panels: Any, table: pd.DataFrame) -> None:
    for row, (statistic, name) in zip(panels, STATISTICS.items(), strict=True):
        of_statistic = table[table["statistic"] == statistic]
        for axes, decision in zip(row, DECISIONS, strict=False):
            for look, rows in _lines(of_statistic, decision):
                errors = rows["value"] - rows["low"], rows["high"] - rows["value"]
                axes.errorbar(rows["views"], rows["value"], yerr=errors, elinewidth=0.5, **look)
        for look, rows in _lines(of_statistic, COST):
            title = rows["title"].iloc[0]
            row[-1].plot(rows["ms_per_signal"], rows["value"], label=title, **look)
        row[0].set_ylabel(f"{name} misorientation / °")
        log_scale(row[0], "y", MANY)
    for axes, title in zip(panels[0], [*DECISIONS.values(), f"{DECISIONS[COST]}, by time"],
                           strict=True):  # fmt: skip
        axes.set_title(title, fontsize=8)
    for axes in panels[1, :-1]:
        _label_views(axes, sorted(table["views"].unique()))
    log_scale(panels[1, -1], "x", FEW)
    panels[1, -1].set_xlabel("ms per signal, one core")


def _label_views(axes: Axes, numbers: list[int]) -> None:
    """Ticks at all numbers of views, without those labels that would touch the one before."""
    log_scale(axes, "x", FEW)
    labels, last = [], 0
    for number in numbers:
        labels.append(str(number) if number > TOUCHING * last else "")
        last = number if labels[-1] else last
    axes.set_xticks(numbers, labels, fontsize=7)
    axes.set_xlabel("views")


def _lines(table: pd.DataFrame, decision: str) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    for place, (_, of_model) in enumerate(table.groupby("network", sort=False)):
        rows = of_model[of_model["decision"] == decision].sort_values("views")
        look = LOOKS[place % len(LOOKS)]
        yield look | {"lw": 0.9, "ms": 3, "mew": 0.7, "mfc": "white"}, rows
