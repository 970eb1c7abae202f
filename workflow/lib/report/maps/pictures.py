"""The pictures of one map: orientations, confidence, anomalies, grain boundaries."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from workflow.lib.report.maps.boundaries import boundary_lines
from workflow.lib.report.maps.grain_files import HIGH_ANGLE_DEG, Boundaries
from workflow.lib.report.maps.panels import (
    UNINDEXED_RGB,
    draw_boundaries,
    draw_map,
    finish_map,
    ipf_rgb,
    map_figure,
)
from workflow.lib.report.maps.view import View
from workflow.lib.report.style.figures import styled

UNINDEXED = "pixels that are not indexed are grey"
LARGEST_SHARE = 0.995  # of the anomaly scores, that the colours tell apart
LOOKS = {  # of boundaries, by `Boundaries.kinds`
    "low": ("#4477aa", f"< {HIGH_ANGLE_DEG:g}°"),
    "high": ("black", f"≥ {HIGH_ANGLE_DEG:g}°"),
    "sigma3": ("#cc3311", "Σ3"),
    "edge": ("0.6", "of no grain"),
}
MASKED_RGB, METAL_RGB = (0.80, 0.20, 0.07), (0.88, 0.88, 0.88)


def plot_orientations(view: View, style: Path, paths: Sequence[Path]) -> None:
    """Inverse pole figure maps of the specimen's x, y and z, with the key of their colours."""
    with styled(style):
        figure, places = map_figure(view, 3, key=True)
        for axes, direction in zip(places, "xyz", strict=True):
            draw_map(axes, view, ipf_rgb(view, direction), f"IPF ${direction}$")
        _label_outer(places)
        caption = f"Colours: the crystal direction along the specimen's x, y, z; {UNINDEXED}"
        finish_map(figure, view, caption, paths)


def plot_confidence(view: View, style: Path, paths: Sequence[Path]) -> None:
    """How sure the answers are, and how these confidences are distributed."""
    confidence = np.where(view.pixels.is_indexed, view.pixels.confidence, np.nan)
    known = confidence[np.isfinite(confidence)]
    with styled(style):
        figure, (axes, histogram) = map_figure(view, 2)
        _set_bad(axes)
        picture = draw_map(axes, view, confidence, "Confidence", vmin=0, vmax=1, cmap="viridis")
        figure.colorbar(picture, ax=axes, shrink=0.8)
        histogram.hist(known, np.linspace(0, 1, 41), color="C0")
        histogram.set(xlabel="confidence", ylabel="pixels", xlim=(0, 1))
        caption = f"Median {np.median(known):.2f}" if len(known) else "Of no pixel it is known"
        finish_map(figure, view, f"{caption}; {UNINDEXED}", paths)


def plot_anomaly(view: View, style: Path, paths: Sequence[Path]) -> None:
    """How far signals are from those of training, and which pixels are masked for that or else."""
    score, is_indexed = view.pixels.anomaly, view.pixels.is_indexed
    known = score[np.isfinite(score)]
    low, high = np.quantile(known, [0, LARGEST_SHARE]) if len(known) else (0, 1)
    with styled(style):
        figure, (axes, mask) = map_figure(view, 2)
        _set_bad(axes)
        picture = draw_map(axes, view, score, "Anomaly score", vmin=low, vmax=high, cmap="magma")
        figure.colorbar(picture, ax=axes, shrink=0.8, extend="max")
        draw_map(mask, view, np.where(is_indexed[..., None], METAL_RGB, MASKED_RGB), "Mask")
        _label_outer([axes, mask])
        share = 1 - view.indexed / view.raster.pixels
        caption = (
            f"Red: not indexed, {100 * share:.2f} % of all pixels. Colours end at the score that "
            f"{100 * (1 - LARGEST_SHARE):.1f} % exceed"
        )
        finish_map(figure, view, caption, paths)


def plot_boundaries(view: View, boundaries: Boundaries, style: Path, paths: Sequence[Path]) -> None:
    """Grain boundaries over the map of z, and by the misorientation of their grains."""
    lines, pairs = boundary_lines(view.labels)
    kind = boundaries.kinds(pairs)
    handles = [Line2D([], [], color=colour, label=label) for colour, label in LOOKS.values()]
    with styled(style):
        figure, (axes, by_kind) = map_figure(view, 2, key=True, legend=handles)
        draw_map(axes, view, ipf_rgb(view, "z"), "IPF $z$, grain boundaries")
        draw_boundaries(axes, view, lines[kind != "edge"])
        draw_map(by_kind, view, _of_grains(view), "Boundaries")
        for name, (colour, _) in LOOKS.items():
            draw_boundaries(by_kind, view, lines[kind == name], colors=colour)
        _label_outer([axes, by_kind])
        caption = f"{boundaries.grains} grains; Σ3 within Brandon's criterion; {UNINDEXED}"
        finish_map(figure, view, caption, paths)


def _of_grains(view: View) -> np.ndarray:
    """White where there is a grain, grey where there is none."""
    return np.where((view.labels >= 0)[..., None], 1.0, UNINDEXED_RGB)


def _set_bad(axes: Axes) -> None:
    """What has no value shows the grey below."""
    axes.set_facecolor(UNINDEXED_RGB)


def _label_outer(places: Sequence[Axes]) -> None:
    """The label of y stands once where maps are beside each other."""
    for axes in places[1:]:
        beside = axes.get_subplotspec().rowspan.start == places[0].get_subplotspec().rowspan.start
        if beside:
            axes.set_ylabel("")
