"""The graphical abstract: one encoder, several kinds of answer, and how far off they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from workflow.lib.report.evidence.record import Record, Row
from workflow.lib.report.style.figures import finish, styled

STATISTIC = "tta_median_deg"
KINDS = {  # in the order from above, with what each writes down
    "regression": "numbers",
    "density": "probabilities",
    "writer": "digits, one by one",
}
HATCHES = dict(zip(KINDS, ("", "//", ".."), strict=True))
MARGIN = 0.06
FEWEST = 6  # bars that there is room for, so that few are not fat


def plot_graphical_abstract(
    record: Record, limit_deg: float | None, style: Path, figures: Sequence[Path]
) -> None:
    """A signal, an encoder, the kinds of answer, and a bar for each model of these kinds.

    Bars are medians with TTA on the table's fold, with 95 % intervals, best first in each kind.
    limit_deg: the median of the exact posterior on the same signals, None where it is not known.
    """
    with styled(style):
        figure = Figure(figsize=(7.2, 2.7), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        _draw_parts(left)
        _draw_bars(right, bars(record), limit_deg)
        finish(figure, bool(record.origin["simulated"]), figures)


def limit_deg(sweep: pd.DataFrame, origin: Mapping[str, Any]) -> float | None:
    """Median of the exact posterior in the sweep, where its signals are those of the record."""
    exact = sweep.query("kind == 'exact'")
    for column in ("source", "fold", "n"):
        exact = exact[exact[column] == origin[column]]
    return float(exact["median_deg"].item()) if len(exact) == 1 else None


def bars(record: Record) -> list[tuple[str, str, Row]]:
    """Kind, title and row of each model that is drawn, by KINDS and then by error."""
    shown = [*record.origin["compared"], *record.of_kinds(list(KINDS))]
    rows = [row for name in shown if (row := record.value(name, STATISTIC)) is not None]
    rows.sort(key=lambda row: (list(KINDS).index(row.text("kind")), row.values["value"]))
    return [(row.text("kind"), row.text("title"), row) for row in rows]


def _draw_parts(axes: Axes) -> None:
    """What all models share, and in what they differ."""
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    azimuth = np.linspace(0, 2 * np.pi, 72)
    for row in range(6):
        bright = np.exp(-((np.sin(azimuth - 0.9) / (0.3 + 0.08 * row)) ** 2))
        axes.plot(0.02 + 0.17 * azimuth / azimuth[-1], 0.38 + 0.04 * row + 0.05 * bright,
                  color="0.2", lw=0.8)  # fmt: skip
    axes.text(0.105, 0.27, "signal\n6 × 72", ha="center", va="top", fontsize=8)
    _box(axes, (0.30, 0.40), (0.20, 0.24), "encoder", "0.93")
    _arrow(axes, (0.20, 0.52), (0.29, 0.52))
    places = np.linspace(0.84, 0.16, len(KINDS))
    for place, (kind, text) in zip(places, KINDS.items(), strict=True):
        number = list(KINDS).index(kind)
        _box(axes, (0.62, place - 0.11), (0.37, 0.22), f"{kind}:\n{text}", f"C{number}", 0.25)
        _arrow(axes, (0.51, 0.52), (0.61, place))


def _draw_bars(axes: Axes, shown: Sequence[tuple[str, str, Row]], limit_deg: float | None) -> None:
    """Medians with intervals; hatched by kind, so that grey tells them apart."""
    for place, (kind, _, row) in enumerate(shown):
        value, low, high = (float(row.values[name]) for name in ("value", "low", "high"))
        axes.barh(
            place, value, color=f"C{list(KINDS).index(kind)}", alpha=0.45, hatch=HATCHES[kind],
            edgecolor="0.25", lw=0.5, height=0.75,
        )  # fmt: skip
        axes.plot([low, high], [place, place], color="0.1", lw=1.2)
    if limit_deg is not None:
        axes.axvline(limit_deg, color="0.1", ls="--", lw=0.9)
        axes.set_title(f"dashed: the signals' own limit, {limit_deg:.2f}°", fontsize=7)
    axes.set_ylim(max(len(shown), FEWEST) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), [title for _, title, _ in shown], fontsize=6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    axes.set_xlabel("median misorientation with TTA / °")


def _box(
    axes: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, colour: str,
    alpha: float = 1.0,
) -> None:  # fmt: skip
    style = f"round,pad=0,rounding_size={MARGIN / 3}"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc=colour, alpha=alpha, ec="none"))
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc="none", ec="0.25", lw=0.8))
    middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
    axes.text(*middle, text, ha="center", va="center", fontsize=7)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, lw=0.9, color="0.25")
    )
