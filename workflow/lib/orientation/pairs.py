"""Every point against every other: tables of how near orientations are, and nearest equivalents.

The conventions are those of the package: see `workflow.lib.orientation`. Letters: n sets, a and m
points of a set.
"""

import math

import torch
from torch import Tensor

from workflow.lib.orientation.quaternion import conjugate, multiply
from workflow.lib.orientation.symmetry import to_fundamental_zone
from workflow.lib.runtime.threads import share_out

# Pairs of a table computed at once: on a CPU so many that their numbers stay in its cache
_PAIRS = {"cpu": 200_000, "cuda": 20_000_000}


def rows_at_once(pairs_of_a_row: int, device: torch.device) -> int:
    """How many sets with so many pairs each are compared at once: at least one."""
    return max(1, _PAIRS[device.type] // max(1, pairs_of_a_row))


def nearest_cosines(p: Tensor, q: Tensor) -> Tensor:
    """cos θ/2 of the misorientations θ of p (n, a, 4) and q (n, m, 4): a table (n, a, m).

    A third of the work of `misorientation_deg`, and right where a threshold or a broad kernel
    follows; near 0° an angle from it is wrong by up to 0.04° in float32. Zeros in the place of a
    quaternion are as far from everything as nothing can be, and NaN gives NaN.
    """
    table = torch.empty(len(p), p.shape[1], q.shape[1], dtype=p.dtype, device=p.device)
    share_out(_cosines, rows_at_once(p.shape[1] * q.shape[1], p.device), p, q, table)
    return table


def nearest_equivalent(q: Tensor, near: Tensor) -> Tensor:
    """Of the equivalents ±q S of q (..., 4) the one nearest `near` (..., 4), which broadcasts."""
    return multiply(near, to_fundamental_zone(multiply(conjugate(near), q)))


def _cosines(p: Tensor, q: Tensor, table: Tensor) -> None:
    """The scalar part of the equivalent of p⁻¹ q of smallest angle, as in `misorientation_deg`."""
    w, x, y, z = p.unbind(-1)
    # each row times q is a component of p⁻¹ q
    rows = torch.stack((w, x, y, z, -x, w, z, -y, -y, -z, w, x, -z, y, -x, w), -1)
    rows = rows.unflatten(-1, (4, 4)).transpose(1, 2).flatten(1, 2)  # (n, 4a, 4)
    components = (rows @ q.mT).abs_().unflatten(1, (4, -1))
    w, x, y, z = components.unbind(1)
    total = w + x
    total.add_(y).add_(z)
    high, low = torch.maximum(w, x), torch.minimum(w, x, out=w)
    other, least = torch.maximum(y, z), torch.minimum(y, z, out=y)
    largest = torch.maximum(high, other)
    second = torch.maximum(torch.minimum(high, other, out=x), torch.maximum(low, least, out=z))
    two = second.add_(largest).mul_(math.sqrt(0.5))
    torch.maximum(torch.maximum(largest, two, out=largest), total.mul_(0.5), out=table)
