"""What pictures of a map share: the map on axes in µm, scale bar, key, notice and caption."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.offsetbox import AnchoredOffsetbox, AuxTransformBox, TextArea, VPacker
from matplotlib.patches import Rectangle

from workflow.lib.report.maps.ipf import draw_key, tsl_rgb
from workflow.lib.report.maps.view import View
from workflow.lib.report.style.figures import save
from workflow.lib.report.style.notice import NOTE_COLOUR

MOST_PX = 1000  # a side of a picture
WIDTH_IN = 7.0
LEAST_IN, MOST_IN = 2.4, 9.0  # heights
KEY_SHARE = 0.4  # of the width of one of three maps
UNINDEXED_RGB = (0.5, 0.5, 0.5)  # a grey, which the key does not have
BAR_SHARE = 0.3  # of the width, that a scale bar may have
WIDE = 2.2  # width over height from which maps stand above each other
LINE_WIDTH = 0.7  # of grain boundaries, points
LINE_SHARE = 0.12  # of the way from one to the next, that they may cover
SIDE_PT = 150  # of a map, about
PER_INCH = 20  # characters of a caption
DPI = 200


def ipf_rgb(view: View, direction: str, orientation: np.ndarray | None = None) -> np.ndarray:
    """The colours (ny, nx, 3) of a view, or of other orientations; grey where there is none."""
    rgb = tsl_rgb(view.shown_orientation if orientation is None else orientation, direction)
    return np.where(np.isfinite(rgb), rgb, UNINDEXED_RGB)


def map_figure(
    view: View,
    maps: int,
    key: bool = False,
    below_in: float = 0.0,
    legend: Sequence[Artist] = (),
) -> tuple[Figure, list[Axes]]:
    """A figure with so many places for maps, beside each other or, of wide ones, below.

    key: whether the colours' key stands to the right. below_in: height of one more place for
    something else, below all maps and as wide as they are; none if it is 0. legend: what stands
    above the key.
    """
    left, right, bottom, top = view.extent_um
    aspect = float(np.clip((right - left) / (top - bottom), 0.25, 8))  # a line of pixels as well
    columns = 1 if aspect > WIDE else maps
    rows = maps // columns
    each_in = (WIDTH_IN - 0.6 * columns - 0.8) / columns / aspect + 0.6
    heights = [each_in] * rows + [below_in] * (below_in > 0)
    height_in = np.clip(sum(heights) + 0.7, LEAST_IN, MOST_IN)
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    grid = figure.add_gridspec(
        len(heights), columns + key, height_ratios=heights,
        width_ratios=[1.0] * columns + [KEY_SHARE * columns / 3] * key,
    )  # fmt: skip
    places = [grid[i // columns, i % columns] for i in range(maps)]
    places += [grid[-1, :columns]] * (below_in > 0)
    if key:
        beside = figure.add_subplot(grid[:rows, -1])
        draw_key(beside)
        if legend:
            beside.legend(handles=legend, loc="lower center", bbox_to_anchor=(0.5, 1.4))
    return figure, [figure.add_subplot(place) for place in places]


def draw_map(axes: Axes, view: View, image: np.ndarray, title: str, **look: Any) -> AxesImage:
    """Draw values (ny, nx) or colours (ny, nx, 3) with y upwards, and a scale bar."""
    picture = axes.imshow(
        image, origin="lower", extent=view.extent_um, interpolation="nearest", **look
    )
    axes.set_title(title)
    axes.set_xlabel("$x$ / µm")
    axes.set_ylabel("$y$ / µm")
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    _add_scale_bar(axes, view)
    return picture


def draw_boundaries(axes: Axes, view: View, lines: np.ndarray, **look: Any) -> None:
    """Draw lines (m, 2, 2) of `boundary_lines` over a map; rasterized in a PDF: they are many."""
    left, _, bottom, _ = view.extent_um
    ends = lines * view.step_um + (left, bottom)
    # of many small grains, lines of the usual width would hide the insides
    length_px = np.abs(lines[:, 1] - lines[:, 0]).sum()
    across_px = 2 * view.pixels.is_indexed.size / max(length_px, 1)  # from line to line, about
    width = min(LINE_WIDTH, LINE_SHARE * SIDE_PT * across_px / max(view.shape))
    look = {"colors": "black", "linewidths": width, "capstyle": "projecting"} | look
    axes.add_collection(LineCollection(ends, rasterized=True, **look), autolim=False)


def finish_map(
    figure: Figure, view: View, caption: str, paths: Sequence[Path], sampled: bool = True
) -> None:
    """Write the figure to each of `paths`, with notice and caption.

    sampled: whether pixels stand for themselves, so that it counts that some are left out.
    """
    if view.header.notice:
        figure.suptitle(view.header.notice, color=NOTE_COLOUR, fontsize=9, fontweight="bold")
    notes = [made_by(view), caption, view.sampling_note() if sampled else ""]
    per_line = round(PER_INCH * figure.get_figwidth())
    text = ". ".join(note for note in notes if note) + "."
    figure.supxlabel(textwrap.fill(text, per_line), fontsize=7, x=0.01, ha="left", color="0.3")
    save(figure, paths, DPI)


def made_by(view: View) -> str:
    """Whose map it is: of which scan, by which network."""
    header = view.header
    if not header.network:
        return f"Map of {header.scan}"
    views = "as it is" if header.views == 1 else f"in {header.views} views"
    return (
        f"Map of {header.scan} by {header.network}, fold {header.fold}, seed {header.seed}, each "
        f"signal {views}"
    )


def bar_length_um(width_um: float) -> float:
    """The length of a scale bar, 1, 2 or 5 times a power of ten: at most `BAR_SHARE` of a width."""
    most = BAR_SHARE * width_um
    power = 10.0 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= most * (1 + 1e-9))


def length_in_words(length_um: float) -> str:
    """A length in the unit that one writes it in."""
    if length_um >= 1000:
        return f"{length_um / 1000:g} mm"
    return f"{length_um:g} µm" if length_um >= 1 else f"{1000 * length_um:g} nm"


def _add_scale_bar(axes: Axes, view: View) -> None:
    left, right, bottom, top = view.extent_um
    length_um = bar_length_um(right - left)
    thick_um = min(top - bottom, right - left) / 80
    line = AuxTransformBox(axes.transData)
    line.add_artist(Rectangle((0, 0), length_um, thick_um, color="black", lw=0))
    label = TextArea(length_in_words(length_um), textprops={"size": 7})
    both = VPacker(children=[line, label], align="center", pad=0, sep=2)
    bar = AnchoredOffsetbox("lower right", child=both, pad=0.3, borderpad=0.4)
    bar.patch.set(alpha=0.8, linewidth=0)
    axes.add_artist(bar)
