"""The reliability diagram: what candidates' probabilities claim, and how often they are right."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from workflow.lib.evaluation.answers import Several
from workflow.lib.evaluation.calibration import BINS, Reliability, reliability
from workflow.lib.report.several import KIND_TITLES
from workflow.lib.report.style.figures import finish, styled

DRAWN = ("one_view", "mixture")
# Two models, told apart without colour; the second is a little to the right, so that bars show.
LOOKS = (
    {"color": "C0", "marker": "s", "linestyle": "--"},
    {"color": "C1", "marker": "o", "linestyle": "-"},
)
APART = 0.012
FEWEST = 5  # forecasts per seed of a bin that is drawn: of fewer nothing can be said


def plot_reliability(
    several: Several,
    titles: Mapping[str, str],
    radius_deg: float,
    style: Path,
    paths: Sequence[Path],
) -> None:
    """Claimed against true shares of the candidates of two models, from one view and from 72.

    Open markers: before the temperature was fitted; filled ones with 95 % intervals: after. Bins
    with fewer than FEWEST candidates have no marker. Below, how many candidates per signal have
    such probabilities. titles: of the two by name.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 4.4), layout="constrained")
        panels = figure.subplots(2, len(DRAWN), sharex=True, sharey="row", height_ratios=(3, 1))
        for (axes, below), kind in zip(panels.T, DRAWN, strict=True):
            axes.plot([0, 1], [0, 1], color="0.6", lw=0.8, zorder=0)
            for place, (name, title) in enumerate(titles.items()):
                answers, shift = several.answers[name][kind], APART * (place - 0.5)
                points = {
                    stage: reliability(found.probability, found.right(radius_deg))
                    for stage, found in answers.forecast.items()
                }
                _draw(axes, points, shift, LOOKS[place], title)
                _draw_numbers(below, points["after"], several, name, LOOKS[place])
            axes.set_title(KIND_TITLES[kind])
            below.set_yscale("log")
            below.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # 0.1, no power
            below.set_xlabel("probability of a candidate")
        panels[0, 0].set_ylabel(f"share within {radius_deg:g}° of the label")
        panels[1, 0].set_ylabel("candidates\nper signal")
        panels[0, 0].set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7)
        finish(figure, several.simulated, paths)


def _draw(
    axes: Axes, points: Mapping[str, Reliability], shift: float, look: dict, title: str
) -> None:
    before, after = (_worth_drawing(points[stage]) for stage in ("before", "after"))
    colour, marker = look["color"], look["marker"]
    axes.plot(
        before.claimed + shift, before.came_true, ls="none", marker=marker, ms=6, mfc="none",
        mec=colour, mew=0.8, label=f"{title}, before",
    )  # fmt: skip
    bars = np.stack((after.came_true - after.low, after.high - after.came_true))
    claimed, look = after.claimed + shift, look | {"lw": 1, "elinewidth": 0.8, "ms": 4}
    axes.errorbar(claimed, after.came_true, bars.clip(min=0), label=f"{title}, after", **look)


def _worth_drawing(points: Reliability) -> Reliability:
    enough = points.forecasts >= FEWEST
    return Reliability(**{name: values[enough] for name, values in vars(points).items()})


def _draw_numbers(axes: Axes, points: Reliability, several: Several, name: str, look: dict) -> None:
    n = several.results[name].plain_deg.shape[1]
    numbers = np.where(points.forecasts > 0, points.forecasts / n, np.nan)
    edges = np.linspace(0, 1, BINS + 1)
    axes.stairs(numbers, edges, color=look["color"], linestyle=look["linestyle"], baseline=None)
