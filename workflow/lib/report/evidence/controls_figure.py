"""The forest plot of the controls: every model's median with its interval, kind by kind."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from workflow.lib.report.evidence.rows import by_kind, titles_of
from workflow.lib.report.style.figures import finish, styled

TTA, PLAIN = "tta_median_deg", "median_deg"
LINES = ("--", ":", "-.")  # at the medians of the models compared
LARGE_RANGE = 4  # of the largest and the smallest median, from which a logarithmic axis is clearer
ROW_INCHES = 0.19


def plot_controls(
    controls: pd.DataFrame,
    references: Sequence[str],
    simulated: bool,
    style: Path,
    figures: Sequence[Path],
) -> None:
    """Draw TTA medians with 95 % intervals, filled, and plain medians, open, a row per model.

    controls: the record's table. references: names of the models at whose TTA medians there are
    lines. Readable in grey: marks and lines differ in shape as well.
    """
    found = controls.set_index(["network", "statistic"])
    rows = _rows(controls)
    with styled(style):
        figure = Figure(figsize=(6.6, 0.9 + ROW_INCHES * len(rows)), layout="constrained")
        axes = figure.subplots()
        for place, (_, name) in enumerate(rows):
            if name:
                _draw(axes, place, found.loc[(name, TTA)], found.loc[(name, PLAIN)])
        titles = titles_of(controls)
        for name, line in zip(references, LINES, strict=False):
            median = found.loc[(name, TTA), "value"]
            axes.axvline(
                median, ls=line, lw=0.9, color="0.45", zorder=0, label=f"{titles[name]}, 72 views"
            )
        _label(axes, rows)
        _scale(axes, controls)
        figure.legend(*_legend(axes), loc="outside lower center", ncols=4, handlelength=2.2)
        finish(figure, simulated, figures)


def _rows(controls: pd.DataFrame) -> list[tuple[str, str]]:
    """From the top, label and network's name; a kind has a row with its title and no name."""
    titles = titles_of(controls)
    return [
        row
        for kind, networks in by_kind(controls, TTA)
        for row in ((kind, ""), *((titles[name], name) for name in networks))
    ]


def _draw(axes: Axes, place: int, tta: pd.Series, plain: pd.Series) -> None:
    axes.plot([tta["low"], tta["high"]], [place, place], color="C0", lw=2.2, solid_capstyle="butt")
    axes.plot(tta["value"], place, "o", color="0.1", ms=4, label="72 views, 95 % interval")
    axes.plot(plain["value"], place, "D", mfc="white", mec="C1", ms=4, label="one view")


def _label(axes: Axes, rows: Sequence[tuple[str, str]]) -> None:
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for text, (_, name) in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_fontweight("normal" if name else "bold")
    axes.set_xlabel("median misorientation / °")


def _scale(axes: Axes, controls: pd.DataFrame) -> None:
    medians = controls.loc[controls["statistic"].isin((TTA, PLAIN)), "value"]
    if 0 < LARGE_RANGE * medians.min() < medians.max():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(axes: Axes) -> tuple[list, list[str]]:
    """Each label once."""
    by_label = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    return list(by_label.values()), list(by_label)
