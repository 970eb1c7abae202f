"""The picture of the data card: where grains point, and how bright their signals are.

For each specimen the inverse pole figure of its normal, coloured by direction, and below it
the histogram of intensities; in the first column the key of the colours and all specimens
together. Fonts and other colours are in paper/style/figures.mplstyle.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from workflow.lib.archive.intensity import LEVELS
from workflow.lib.data.card import ALL, DataCard
from workflow.lib.data.pole_figure import CORNERS, colours, grid, outline, project
from workflow.lib.report.style.figures import save, styled
from workflow.lib.report.style.notice import NOTE_COLOUR, SIMULATED_NOTE

COLUMNS = 5  # of specimens, after the column of the key
WIDTH_IN, ROW_HEIGHT_IN, MARGIN_IN = 6.6, 1.4, 0.4
HEIGHTS = (2.3, 0.9)  # of triangle and histogram
DPI = 300  # of the points, also in a PDF
SHOWN_DIRECTIONS = 500  # points of a triangle; of more, as many are drawn at random
BIN_LEVELS = 4
KEY_CELLS = 400


def plot_data_card(card: DataCard, style: Path, paths: Sequence[Path]) -> None:
    """Write the picture to each of `paths`; the suffix is the format."""
    specimens = [name for name in card.normals if name != ALL]
    rows = max(2, -(-len(specimens) // COLUMNS))
    height_in = rows * ROW_HEIGHT_IN + MARGIN_IN
    with styled(style):
        figure = Figure(figsize=(WIDTH_IN, height_in))
        edges = {"left": 0.025, "right": 0.975, "wspace": 0.18, "hspace": 0.16}
        cells = figure.add_gridspec(
            rows, 1 + COLUMNS, bottom=0.2 / height_in, top=1 - 0.27 / height_in, **edges
        )
        key, label = _add_cell(figure, cells[0, 0])
        _plot_key(key)
        label.set_axis_off()
        label.text(1, 0, "intensity / counts", ha="right", va="center")
        places = [(1, 0), *((i // COLUMNS, 1 + i % COLUMNS) for i in range(len(specimens)))]
        # One scale for all histograms, so that shares can be compared.
        highest = 1.05 * max(max(_binned(card.histograms[name])[0]) for name in specimens)
        for place, name in zip(places, [ALL, *specimens], strict=True):
            triangle, histogram = _add_cell(figure, cells[place])
            _plot_directions(triangle, card.normals[name])
            triangle.text(0, 1, name, transform=triangle.transAxes, va="top", fontsize="large")
            _plot_histogram(histogram, card.histograms[name])
            histogram.set_ylim(0, highest)
        if card.simulated:
            figure.suptitle(SIMULATED_NOTE, y=0.99, color=NOTE_COLOUR, fontweight="bold")
        save(figure, paths, DPI)


def _add_cell(figure: Figure, cell: SubplotSpec) -> tuple[Axes, Axes]:
    """Axes for a triangle and, below it, for a histogram."""
    upper, lower = cell.subgridspec(2, 1, height_ratios=HEIGHTS, hspace=0.04)
    return figure.add_subplot(upper), figure.add_subplot(lower)


def _draw_triangle(axes: Axes, **filling) -> None:
    """The standard triangle on axes of equal scale."""
    axes.fill(*outline().T, ec="0.3", lw=0.6, **filling)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _plot_key(axes: Axes) -> None:
    """The triangle filled with its colours, its corners named."""
    _draw_triangle(axes, fill=False, zorder=3)
    point, direction, _ = grid(KEY_CELLS)
    image = colours(direction.reshape(-1, 3)).reshape(direction.shape)
    (left, bottom), (right, top) = point[0, 0], point[-1, -1]
    picture = axes.imshow(
        image, origin="lower", extent=(left, right, bottom, top), interpolation="bilinear"
    )
    picture.set_clip_path(axes.fill(*outline().T, fill=False, lw=0)[0])
    for (name, corner), side in zip(CORNERS.items(), ("left", "right", "right"), strict=True):
        x, y = project(corner)
        axes.annotate(
            f"[{name}]",
            (x, y),
            xytext=(0, 2 if name == "111" else -2),
            textcoords="offset points",
            ha=side,
            va="bottom" if name == "111" else "top",
            fontsize="small",
        )
    axes.set_anchor("N")


def _plot_directions(axes: Axes, direction: np.ndarray) -> None:
    """Directions (n, 3) of the triangle as points in the colours of the key."""
    _draw_triangle(axes, fc="0.93")
    shown = np.random.default_rng(0).permutation(len(direction))[:SHOWN_DIRECTIONS]
    axes.scatter(
        *project(direction[shown]).T,
        s=3,
        c=colours(direction[shown]),
        edgecolors="0.2",
        linewidths=0.15,
        rasterized=True,
    )


def _plot_histogram(axes: Axes, share: np.ndarray) -> None:
    """The share of pixels at each level (256,), averaged over bins; what is saturated in red."""
    axes.stairs(*_binned(share), fill=True, color="C0")
    axes.vlines([0, LEVELS], 0, share[[0, -1]], color="C1", lw=2)
    axes.set_xlim(-2, LEVELS + 2)
    axes.set_xticks([0, LEVELS / 2, LEVELS], labels=["0", "128", "255"])
    for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)
    axes.tick_params(pad=1, length=2, labelsize=7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _binned(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean share per level in bins of 4, (64,), without the saturated levels; edges, (65,)."""
    edges = np.arange(0, LEVELS + 1, BIN_LEVELS)
    inner = share.copy()
    inner[[0, -1]] = inner[[1, -2]]
    return np.add.reduceat(inner, edges[:-1]) / BIN_LEVELS, edges
