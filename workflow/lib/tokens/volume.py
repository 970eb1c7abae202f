"""How large a part of the orientations a sequence stands for."""

import math

import torch
from torch import Tensor

from workflow.lib.runtime.threads import share_out

ZONE_VOLUME = math.pi**2 / 24
"""Of the fundamental zone of cubic orientations: a 24th of half the unit sphere S³."""

_GRID = 12  # points a side; of 100 shares, 99 are right to 0.2 % then
_CHUNK = 2_000  # boxes at a time on a CPU


def log_share(lower: Tensor, upper: Tensor) -> Tensor:
    """Natural log (n,) of the share of the fundamental zone that lies in boxes (n, 4).

    lower, upper: float64, bounds of the four components of unit quaternions; a box lies on one
    side of 0 in its largest component, as all do that are written of a fundamental zone. That its
    faces cut some boxes is neglected. The part of S³ inside a box has the volume
    ∫ dx dy dz / w with w = √(1 − x² − y² − z²) within its bounds, where w is the largest
    component and z the second: exact in z, where ∫ dz / w = arcsin(z / √(1 − x² − y²)), and by the
    midpoint rule in x and y. A part too small for the grid to meet counts as one of its cells.
    """
    if len(lower) == 0:
        return lower.new_empty(0)
    rows = _CHUNK if lower.device.type == "cpu" else 50 * _CHUNK
    return torch.cat(share_out(_log_share, rows, lower, upper))


def _log_share(lower: Tensor, upper: Tensor) -> Tensor:
    lower, upper = _upright(lower, upper)
    side = upper - lower
    middle = (torch.arange(_GRID, dtype=torch.float64, device=lower.device) + 0.5) / _GRID
    x = (lower[:, 3:] + side[:, 3:] * middle)[:, :, None]
    y = (lower[:, 2:3] + side[:, 2:3] * middle)[:, None, :]
    radius2 = (1 - x * x - y * y).clamp_(min=1e-12)
    w_low, z_low = lower[:, 0, None, None], lower[:, 1, None, None]
    w_high, z_high = upper[:, 0, None, None], upper[:, 1, None, None]
    nearest = (radius2 - w_high * w_high).clamp_(min=0).sqrt_()  # z at the upper bound of w
    farthest = (radius2 - w_low * w_low).clamp_(min=0).sqrt_()
    radius = radius2.sqrt_()

    def integral(low: Tensor, high: Tensor) -> Tensor:
        ends = [(end / radius).clamp_(-1, 1).asin_() for end in (low, high)]
        return (ends[1] - ends[0]).clamp_(min=0)

    inside = integral(torch.maximum(z_low, nearest), torch.minimum(z_high, farthest))
    inside += integral(torch.maximum(z_low, -farthest), torch.minimum(z_high, -nearest))
    area = side[:, 2] * side[:, 3]
    cell = area * side[:, 1] / _GRID**3 / upper[:, 0]
    return (torch.maximum(inside.mean((1, 2)) * area, cell) / ZONE_VOLUME).log_()


def _upright(lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes with their components in descending order of size, reflected to be positive."""
    middle = lower + upper
    reflected = middle < 0
    lower, upper = torch.where(reflected, -upper, lower), torch.where(reflected, -lower, upper)
    order = middle.abs().argsort(1, descending=True)
    return lower.gather(1, order), upper.gather(1, order)
