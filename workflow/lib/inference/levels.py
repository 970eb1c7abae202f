"""How far out in a kernel density an orientation lies: the level of the set that just holds it."""

import functools
import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from workflow.lib.inference.support import Support, log_density, uniform_share
from workflow.lib.orientation import multiply

SAMPLES = 128  # of a density: a level is right to 1/256 for one kernel, to about 0.03 for many
_GRID = 4001  # angles at which the kernel's distribution is tabulated


def level(reference: Tensor, points: Support, bandwidth_deg: float) -> Tensor:
    """The smallest probability, 0–1, whose set (highest density first) holds `reference` (n, 4).

    The density is that of `support.log_density`. The level is its share where it is higher than at
    the reference: of the kernels' share by samples, points in proportion to their weights moved as
    the kernel says, and of the uniform share by the volume that these samples stand for. Places in
    the weights and angles of the kernel are spread evenly, the same for all signals. Without any
    valid point it is 1.
    """
    # float32: the same rounding for samples and reference, far below what their number allows
    points = Support(points.orientation.float(), points.weights.float())
    reference = reference.float()[:, None]
    uniform = uniform_share(points)
    density = log_density(_samples(points, bandwidth_deg), points, bandwidth_deg)
    higher = density > log_density(reference, points, bandwidth_deg)
    kernels = (density.exp() - uniform) / (1 - uniform)  # of volume 1/kernels is each sample
    volume = torch.where(higher, 1 / kernels.clamp(min=1e-9), 0).mean(1).clamp(max=1)
    uniform = uniform[:, 0]
    found = (1 - uniform) * higher.float().mean(1) + uniform * volume
    return torch.where(uniform < 1, found, 1).double()


def _samples(points: Support, bandwidth_deg: float) -> Tensor:
    """Orientations (n, SAMPLES, 4) of the kernels' density; arbitrary where no point is valid."""
    reached = points.weights.cumsum(1)
    places = (torch.arange(SAMPLES).to(reached) + 0.5) / SAMPLES * reached[:, -1:]
    chosen = torch.searchsorted(reached, places).clamp(max=reached.shape[1] - 1)
    middle = points.orientation.gather(1, chosen[..., None].expand(-1, -1, 4))
    return multiply(middle, _moves(bandwidth_deg).to(middle)).nan_to_num(0.5)


@functools.cache
def _moves(bandwidth_deg: float) -> Tensor:
    """Rotations (SAMPLES, 4) of the kernel: angles at its quantiles, in axes of all directions."""
    sigma = math.radians(bandwidth_deg)
    angles = np.linspace(0, min(math.pi, 8 * sigma), _GRID)
    share = np.exp(-((angles / sigma) ** 2) / 2) * (1 - np.cos(angles))
    reached = np.cumsum(share) / share.sum()
    quantiles = np.interp((np.arange(SAMPLES) + 0.5) / SAMPLES, reached, angles)
    random = np.random.default_rng(0)
    axes = random.normal(size=(SAMPLES, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    turns = Rotation.from_rotvec(random.permutation(quantiles)[:, None] * axes)
    return torch.from_numpy(turns.as_quat(scalar_first=True))
