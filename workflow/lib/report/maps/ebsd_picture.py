"""A map beside EBSD's of the same pixels, and how far they are apart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from workflow.lib.maps.near import NEAR_PX
from workflow.lib.report.maps.boundaries import boundary_lines
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

LARGEST_DEG = 10.0  # where the colours of the misorientation map end
BINS_DEG = np.concatenate([np.arange(0, 10, 0.5), np.arange(10, 64, 2.0)])
LEAST_SHARE = 1e-5  # per degree, where the histogram's axis begins
HISTOGRAM_IN = 2.4


def parts_of(view: View) -> dict[str, np.ndarray]:
    """Misorientations in degrees, without NaN: inside EBSD's grains, and near their boundaries."""
    angle = view.misorientation_deg()
    known = np.isfinite(angle)
    return {
        "inside grains": angle[known & ~view.near_boundary],
        f"within {NEAR_PX} pixels of a boundary": angle[known & view.near_boundary],
    }


def in_words(view: View) -> str:
    """Medians and means of both parts, with the number of pixels."""
    sentences = []
    for name, angle in parts_of(view).items():
        if len(angle):
            within = f"{100 * (angle < 5).mean():.0f} % below 5°"
            sentences.append(
                f"{name}: median {np.median(angle):.2f}°, mean {angle.mean():.2f}°, {within} "
                f"({len(angle):,} pixels)"
            )
    return "; ".join(sentences) or "no pixel has both answers"


def plot_ebsd(view: View, style: Path, paths: Sequence[Path]) -> None:
    """Both maps of z, the misorientation map, and its histogram in two parts."""
    lines, _ = boundary_lines(view.ebsd_labels)
    angle = view.misorientation_deg()
    with styled(style):
        figure, places = map_figure(view, 3, key=True, below_in=HISTOGRAM_IN)
        ours, theirs, apart, histogram = places
        title = view.header.network or "Map"
        draw_map(ours, view, ipf_rgb(view, "z"), f"{title}, IPF $z$")
        draw_map(theirs, view, ipf_rgb(view, "z", view.ebsd), "EBSD, IPF $z$")
        apart.set_facecolor(UNINDEXED_RGB)
        picture = draw_map(
            apart, view, angle, "Misorientation / °", vmin=0, vmax=LARGEST_DEG, cmap="viridis"
        )
        draw_boundaries(apart, view, lines, colors="white")
        figure.colorbar(picture, ax=apart, shrink=0.8, extend="max")
        _draw_histogram(histogram, view)
        caption = f"Misorientation from EBSD {in_words(view)}; grey: one has no answer"
        finish_map(figure, view, caption, paths)


def _draw_histogram(axes: Axes, view: View) -> None:
    for i, (name, angle) in enumerate(parts_of(view).items()):
        if len(angle):
            share, _ = np.histogram(angle, BINS_DEG, density=True)
            axes.stairs(share, BINS_DEG, color=f"C{i}", lw=1.4, label=name)
    axes.set(xlabel="misorientation from EBSD / °", ylabel="share per degree", yscale="log")
    axes.set_xlim(0, BINS_DEG[-1])
    axes.set_ylim(bottom=LEAST_SHARE)
    if axes.patches:
        axes.legend()
