"""A smooth density around weighted orientations, relative to the uniform one.

A density here is relative to uniform on the fundamental zone (with the rotation group's invariant
measure): 1 everywhere is to know nothing, and its mean over uniform orientations is 1.
"""

import functools
import math

import torch
from scipy.integrate import quad
from torch import Tensor

from workflow.lib.orientation.pairs import nearest_cosines, rows_at_once
from workflow.lib.runtime.threads import share_out

_OPERATORS = 24


def kernel_log_density(
    at: Tensor, q: Tensor, weights: Tensor, bandwidth_deg: float, others: bool = False
) -> Tensor:
    """Natural log (n, a) of the density at `at` (n, a, 4) of kernels around points q (n, m, 4).

    Kernel: exp(−θ²/2σ²) of the rotation angle θ, σ = `bandwidth_deg`, normalised on the rotation
    group and summed over a point's 24 equivalents, of which the nearest alone counts below 15°.
    weights (n, m): a share of 1 each, their sum the density's mass; points that are NaN or whose
    weight is 0 or NaN take no part, and −∞ is where none does. others: `at` are the points q
    themselves, and each one's own kernel is left out, the other weights scaled to the same sum.
    """
    columns = at.shape[1] * q.shape[1]
    work = functools.partial(_log_density, bandwidth_deg=bandwidth_deg, others=others)
    return torch.cat(share_out(work, rows_at_once(columns, q.device), at, q, weights))


@functools.cache
def log_kernel_peak(bandwidth_deg: float) -> float:
    """Log of the kernel at its middle, relative to uniform on the fundamental zone."""
    sigma = math.radians(bandwidth_deg)

    def weighed(angle: float) -> float:  # of uniform rotations, the share per radian of angle
        return math.exp(-((angle / sigma) ** 2) / 2) * (1 - math.cos(angle)) / math.pi

    volume, _ = quad(weighed, 0, min(math.pi, 12 * sigma), epsabs=0)
    return -math.log(_OPERATORS * volume)


def _log_density(
    at: Tensor, q: Tensor, weights: Tensor, bandwidth_deg: float, others: bool
) -> Tensor:
    part = (weights > 0) & q.isfinite().all(-1)
    log_weights = torch.where(part, weights, 0).log()
    points = torch.where(part[..., None], q, 0)
    if others:
        mass = log_weights.exp().sum(-1, keepdim=True)
        rest = (mass - weights.nan_to_num(0)).clamp(min=0)
        scale = torch.where(rest > 0, mass / rest, 1).log()
    cosines = nearest_cosines(points, at).mT  # the shorter side first is the cheaper one
    angle = cosines.clamp_(max=1).acos_().mul_(2 * math.sqrt(0.5) / math.radians(bandwidth_deg))
    exponent = angle.square_().neg_().add_(log_weights[:, None])
    if others:
        exponent.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    density = exponent.logsumexp(-1) + log_kernel_peak(bandwidth_deg)
    return density + scale if others else density
