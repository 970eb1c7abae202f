"""Pole figures: where in the specimen the normals of a form of lattice planes point.

In the upper hemisphere, seen along the specimen's normal, in the equal-area projection, as
multiples of a random distribution: 1 everywhere without texture. A plane has a normal on both
sides; the one that points up is drawn.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation

from workflow.lib.report.maps.panels import WIDTH_IN, finish_map
from workflow.lib.report.maps.view import View
from workflow.lib.report.style.figures import styled

FORMS = {  # normals of planes, one of each pair of opposite ones
    "001": np.eye(3),
    "111": np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]]) / np.sqrt(3),
}
HALF_WIDTH_DEG = 5.0  # at which the kernel has fallen to half its height
CELLS = 101  # along the diameter of a figure
MOST_ORIENTATIONS = 200_000
ROWS_AT_ONCE = 512


def poles(orientation: np.ndarray, form: str) -> np.ndarray:
    """The upper normals of orientations (n, 4): unit vectors (n · m, 3) in specimen coordinates."""
    rotation = Rotation.from_quat(orientation, scalar_first=True)
    normals = np.concatenate([rotation.apply(normal) for normal in FORMS[form]])
    return np.where(normals[:, 2:] < 0, -normals, normals)


def project(direction: np.ndarray) -> np.ndarray:
    """Equal areas of the upper hemisphere, (…, 3) with z ≥ 0, in a disc of radius 1, (…, 2)."""
    return direction[..., :2] / np.sqrt(1 + direction[..., 2:])


def cells() -> np.ndarray:
    """Directions (CELLS, CELLS, 3) at the cells of a square around the disc.

    Outside the disc, where nothing points, that of its edge.
    """
    centres = (np.arange(CELLS) + 0.5) * 2 / CELLS - 1
    point = np.stack(np.meshgrid(centres, centres), -1)
    point = point / np.maximum(np.linalg.norm(point, axis=-1, keepdims=True), 1)
    squared = (point**2).sum(-1, keepdims=True)
    return np.concatenate((point * np.sqrt(2 - squared), 1 - squared), -1)


def density(orientation: np.ndarray, form: str) -> np.ndarray:
    """Multiples of a random distribution at the directions of `cells`, (CELLS, CELLS).

    orientation: unit quaternions (n, 4), n ≥ 1. Poles are counted in the cells, and each count is
    smoothed by a kernel on the sphere (von Mises and Fisher's), for both normals of its planes.
    """
    cell = np.floor((project(poles(orientation, form)) + 1) * CELLS / 2).astype(int)
    cell = np.clip(cell, 0, CELLS - 1)
    count = np.bincount(cell[:, 1] * CELLS + cell[:, 0], minlength=CELLS**2)
    direction = cells().reshape(-1, 3).astype(np.float32)
    source = direction[count > 0]
    weight = (count[count > 0] / count.sum()).astype(np.float32)
    kappa = np.log(2) / (1 - np.cos(np.deg2rad(HALF_WIDTH_DEG)))
    smooth = np.empty(len(direction))
    for first in range(0, len(direction), ROWS_AT_ONCE):
        cosine = direction[first : first + ROWS_AT_ONCE] @ source.T
        kernel = np.exp(np.float32(kappa) * (np.abs(cosine) - 1))
        smooth[first : first + ROWS_AT_ONCE] = kernel @ weight
    # the mean of exp(κ (|cos| − 1)) over the sphere
    return (smooth * kappa / (1 - np.exp(-kappa))).reshape(CELLS, CELLS)


def plot_poles(view: View, style: Path, paths: Sequence[Path]) -> None:
    """The pole figures of the forms {001} and {111}, over all pixels that are indexed."""
    orientation = view.pixels.orientation[view.pixels.is_indexed]
    orientation = orientation[:: 1 + len(orientation) // MOST_ORIENTATIONS]
    with styled(style):
        figure = Figure(figsize=(WIDTH_IN, 3.4), layout="constrained")
        for axes, form in zip(figure.subplots(1, len(FORMS)), FORMS, strict=True):
            _draw(figure, axes, form, orientation)
        caption = (
            "Equal-area projection of the upper hemisphere, multiples of a random distribution; "
            f"half-width of the kernel {HALF_WIDTH_DEG:g}°; {len(orientation):,} orientations"
        )
        finish_map(figure, view, caption, paths, sampled=False)


def _draw(figure: Figure, axes: Axes, form: str, orientation: np.ndarray) -> None:
    if len(orientation):
        image = axes.imshow(
            density(orientation, form), origin="lower", extent=(-1, 1, -1, 1), cmap="viridis",
            interpolation="bilinear", vmin=0,
        )  # fmt: skip
        around = np.deg2rad(np.arange(361))
        border = axes.fill(np.cos(around), np.sin(around), fill=False, ec="0.2", lw=0.8)[0]
        image.set_clip_path(border)
        figure.colorbar(image, ax=axes, shrink=0.8, label="multiples of random")
    else:
        axes.text(0, 0, "no pixel is indexed", ha="center")
    axes.text(1.04, 0, "$x$", va="center")
    axes.text(0, 1.04, "$y$", ha="center")
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    axes.set_title(f"{{{form}}}")
    axes.set_axis_off()
