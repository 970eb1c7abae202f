"""Boundaries between grains: how long, how misoriented, and whether a twin's.

A boundary's length is estimated by Crofton's formula from the neighbours in four directions of a
pixel grid, as scikit-image's `perimeter_crofton` does: to 5 % whatever its direction, where the
edges of pixels would make a slanting boundary up to 1.41 times as long as it is.
"""

import math

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow.lib.maps.grains import Grains
from workflow.lib.maps.regions import NONE, strips, summed
from workflow.lib.orientation import misorientation_deg, multiply

# Each neighbour's rows and columns from a pixel, and what a pair counts in units of the step
_STRAIGHT, _SLANTING = math.pi / 8, math.pi / (8 * math.sqrt(2))
DIRECTIONS = ((0, 1, _STRAIGHT), (1, 0, _STRAIGHT), (1, 1, _SLANTING), (1, -1, _SLANTING))
BRANDON_DEG = 15.0 / math.sqrt(3)  # Brandon (1966): 15°/√Σ from the exact coincidence
ANGLES = ["misorientation_deg", "sigma3_deviation_deg", "is_sigma3"]
COLUMNS = ["grain_1", "grain_2", "length_um", *ANGLES, "simulated"]


def boundary_table(grains: Grains, step_um: float, simulated: bool) -> pd.DataFrame:
    """One row for each pair of grains that touch.

    grain_1 < grain_2: labels. length_um: see above. misorientation_deg: of the mean orientations.
    sigma3_deviation_deg: from the twin's, 60° about ⟨111⟩; is_sigma3: within Brandon's 8.66°.
    """
    pair, length_px = _contacts(grains.labels)
    mean = torch.as_tensor(grains.orientation)
    one, other = mean[pair[:, 0]], mean[pair[:, 1]]
    deviation_deg = sigma3_deviation_deg(one, other).numpy()
    values = (
        *pair.T,
        length_px * step_um,
        misorientation_deg(one, other).numpy(),
        deviation_deg,
        deviation_deg <= BRANDON_DEG,
        np.full(len(pair), simulated),
    )
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def sigma3_deviation_deg(one: Tensor, other: Tensor) -> Tensor:
    """How far orientations (n, 4) are from being twins, Σ3: 60° about a ⟨111⟩; degrees (n,).

    The least misorientation of the one with each of the four twins of the other.
    """
    half = math.radians(30)
    axes = one.new_tensor([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / math.sqrt(3)
    turns = torch.cat((axes.new_full((4, 1), math.cos(half)), math.sin(half) * axes), 1)
    return misorientation_deg(multiply(one[:, None], turns), other[:, None]).amin(1)


def _contacts(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of grains (k, 2) that touch, the smaller label first, and their boundaries (k,) in px.

    Those whose pixels have no more than a corner in common don't touch.
    """
    parts = [_contacts_of_rows(labels, rows) for rows in strips(*labels.shape)]
    everywhere = map(np.concatenate, zip(*parts, strict=True))
    pair, edges, length_px = summed(*everywhere)
    touches = edges > 0
    return pair[touches], length_px[touches]


def _contacts_of_rows(labels: np.ndarray, rows: slice) -> tuple[np.ndarray, ...]:
    """Pairs of grains as `_contacts`, of pixels in these rows with those beside and below them.

    Of each pair also the number of pixels beside each other, and the boundary in px.
    """
    (ny, nx), pairs, edges, lengths_px = labels.shape, [], [], []
    for down, right, length_px in DIRECTIONS:
        first, last = rows.start, min(rows.stop, ny - down)
        left, right_end = max(0, -right), nx - max(0, right)
        one = labels[first:last, left:right_end]
        other = labels[first + down : last + down, left + right : right_end + right]
        apart = (one != other) & (one != NONE) & (other != NONE)
        pairs.append(np.sort(np.stack((one[apart], other[apart]), 1), 1))
        edges.append(np.full(len(pairs[-1]), float(down * right == 0)))
        lengths_px.append(np.full(len(pairs[-1]), length_px))
    return summed(*map(np.concatenate, (pairs, edges, lengths_px)))
