"""Cubic symmetry: its 24 operators, the fundamental zone, and EulerNet's loss under it (Eq. 3).

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import functools
import itertools
import math

import numpy as np
import torch
from torch import Tensor

from workflow.lib.orientation.quaternion import canonical_sign, conjugate, multiply

MAX_MISORIENTATION_DEG = math.degrees(math.acos((2 * math.sqrt(2) - 1) / 4))
"""Largest misorientation of two cubic crystals, 62.8° (Mackenzie 1958)."""


def _cubic_symmetry() -> Tensor:
    """The 24 proper rotations of the cube (point group 432), identity first, w ≥ 0."""
    half, diagonal = 0.5, math.sqrt(0.5)
    unit = np.eye(4)
    operators = [*unit]  # identity and the three 180° turns about ⟨100⟩
    for i, j in itertools.combinations(range(4), 2):  # 90° about ⟨100⟩, 180° about ⟨110⟩
        operators += [diagonal * (unit[i] + sign * unit[j]) for sign in (1, -1)]
    for signs in itertools.product((1, -1), repeat=3):  # ±120° about ⟨111⟩
        operators.append(half * np.array([1, *signs]))
    return torch.tensor(np.array(operators), dtype=torch.float64)


CUBIC_SYMMETRY: Tensor = _cubic_symmetry()
"""Quaternions of the 24 proper rotations of the cube, (24, 4), float64, on the CPU."""


def misorientation_deg_by_operators(q1: Tensor, q2: Tensor) -> Tensor:
    """The same as `misorientation_deg`, as Eq. 2 writes it: a minimum over 24 operators."""
    difference = multiply(conjugate(q1), q2).unsqueeze(-2)
    equivalents = multiply(difference, _operators(difference.dtype, difference.device))
    angle = 2 * torch.atan2(equivalents[..., 1:].norm(dim=-1), equivalents[..., 0].abs())
    return torch.rad2deg(angle.amin(-1))


def to_fundamental_zone(q: Tensor) -> Tensor:
    """The symmetry-equivalent orientation nearest the identity, (..., 4), w ≥ 0.

    Of the 24 products q S, the one with the smallest rotation angle. It is unique inside
    the zone; on its boundary one of the equals is chosen. Differentiable with respect to
    q: the chosen operator is a constant.
    """
    operators = _operators(q.dtype, q.device)
    scalar_parts = q.detach() @ conjugate(operators).T  # (..., 24): those of the q S
    nearest = operators[scalar_parts.abs().argmax(-1)]
    return canonical_sign(multiply(q, nearest))


def disorientation_loss(q1: Tensor, q2: Tensor) -> Tensor:
    """EulerNet's loss per pair (Eq. 3, corrected), (...,), between 0 and 1.042.

    min over S of √(3 − tr(g1 S g2ᵀ)) = 2 sin(θ/2) with θ the misorientation, because
    tr = 1 + 2 cos θ; θ's sine is read off the reduced quaternion's vector part. That
    keeps the gradient finite and exact near θ = 0, where 3 − tr cancels.
    """
    vector = to_fundamental_zone(multiply(conjugate(q1), q2))[..., 1:]
    return 2 * (vector.square().sum(-1) + 1e-12).sqrt()


@functools.cache  # copied to a device once, because each copy stalls a GPU
def _operators(dtype: torch.dtype, device: torch.device) -> Tensor:
    return CUBIC_SYMMETRY.to(device, dtype)
