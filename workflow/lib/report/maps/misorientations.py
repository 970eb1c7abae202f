"""The misorientations in a map against those of a random texture, which Mackenzie (1958) gave."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from workflow.lib.orientation.misorientation import misorientation_deg
from workflow.lib.orientation.symmetry import MAX_MISORIENTATION_DEG
from workflow.lib.orientation.uniform import super_fibonacci
from workflow.lib.report.maps.grain_files import Boundaries
from workflow.lib.report.maps.panels import WIDTH_IN, finish_map
from workflow.lib.report.maps.view import View
from workflow.lib.report.style.figures import styled

EDGES_DEG = np.arange(0.0, 66.0, 2.5)  # of the histograms' bins
CURVE_EDGES_DEG = np.append(np.arange(0.0, 62.0), MAX_MISORIENTATION_DEG)
RANDOM = 1_000_000  # orientations of the random texture
PAIRS = 200_000  # of pixels


@cache
def mackenzie() -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees, (m,), and the share per degree that a random texture has there, (m,).

    Of orientations spread evenly over all: the misorientations of two random crystals are
    distributed as theirs from a crystal that lies along the axes.
    """
    identity = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    angle = misorientation_deg(super_fibonacci(RANDOM), identity).numpy()
    density, _ = np.histogram(angle, CURVE_EDGES_DEG, density=True)
    return (CURVE_EDGES_DEG[1:] + CURVE_EDGES_DEG[:-1]) / 2, density


def of_random_pairs(orientation: np.ndarray) -> np.ndarray:
    """Misorientations in degrees of pairs of orientations (n, 4), n ≥ 2, drawn alike each time."""
    one, other = np.random.default_rng(0).integers(len(orientation), size=(2, PAIRS))
    one, other = one[one != other], other[one != other]
    q = torch.from_numpy(np.ascontiguousarray(orientation))
    return misorientation_deg(q[one], q[other]).numpy()


def plot_misorientations(
    view: View, boundaries: Boundaries, style: Path, paths: Sequence[Path]
) -> None:
    """Shares per degree: of neighbouring grains, of random pairs of pixels, and Mackenzie's."""
    orientation = view.pixels.orientation[view.pixels.is_indexed]
    with styled(style):
        figure = Figure(figsize=(WIDTH_IN, 3.4), layout="constrained")
        axes = figure.subplots()
        angle, length = boundaries.misorientation_deg, boundaries.length_um
        if len(angle):
            share, _ = np.histogram(angle, EDGES_DEG, weights=length, density=True)
            axes.stairs(
                share, EDGES_DEG, fill=True, color="C0", alpha=0.5, label="boundaries, by length"
            )
        if len(orientation) > 1:
            share, _ = np.histogram(of_random_pairs(orientation), EDGES_DEG, density=True)
            axes.stairs(share, EDGES_DEG, color="C1", lw=1.4, label="any two pixels")
        axes.plot(*mackenzie(), color="0.2", label="random texture (Mackenzie)")
        axes.set(
            xlabel="misorientation / °", ylabel="share per degree", xlim=(0, EDGES_DEG[-1]), ylim=0
        )
        axes.legend(loc="upper left")
        caption = f"{len(angle)} pairs of neighbouring grains of {boundaries.grains}"
        finish_map(figure, view, caption, paths, sampled=False)
