"""Orientations as quaternions, cubic symmetry, and what Eq. 3 makes of them.

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import functools
import itertools
import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

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


def multiply(p: Tensor, q: Tensor) -> Tensor:
    """Hamilton product p q of quaternions (..., 4): the rotation q first, then p."""
    pw, px, py, pz = p.unbind(-1)
    qw, qx, qy, qz = q.unbind(-1)
    return torch.stack(
        (
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ),
        -1,
    )


def conjugate(q: Tensor) -> Tensor:
    """The inverse of unit quaternions (..., 4)."""
    return torch.cat((q[..., :1], -q[..., 1:]), -1)


def canonical_sign(q: Tensor) -> Tensor:
    """The one of q and −q, (..., 4), whose scalar part is not negative."""
    return torch.where(q[..., :1] < 0, -q, q)


def from_euler_zyz(rad: Tensor) -> Tensor:
    """Quaternions (..., 4) of intrinsic ZYZ Euler angles (..., 3) in radians, any range.

    Differentiable, because EulerNet's loss passes through it; hence not scipy's.
    """
    alpha, beta, gamma = (rad / 2).unbind(-1)
    q = torch.stack(
        (
            torch.cos(beta) * torch.cos(alpha + gamma),
            -torch.sin(beta) * torch.sin(alpha - gamma),
            torch.sin(beta) * torch.cos(alpha - gamma),
            torch.cos(beta) * torch.sin(alpha + gamma),
        ),
        -1,
    )
    return canonical_sign(q)


def to_euler_zyz(q: Tensor) -> Tensor:
    """Intrinsic ZYZ Euler angles (..., 3) in radians, α and γ in [−π, π], β in [0, π].

    At β = 0 or π only α ± γ is defined, and γ = 0 is chosen.
    """
    angles = _rotation(q).as_euler("ZYZ", suppress_warnings=True)
    return torch.as_tensor(angles.reshape(*q.shape[:-1], 3)).to(q)


def to_matrix(q: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4): v_specimen = matrix v_crystal."""
    w, x, y, z = q.unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def from_matrix(matrix: Tensor) -> Tensor:
    """Quaternions (..., 4), w ≥ 0, of rotation matrices (..., 3, 3).

    Raises ValueError where a matrix has no positive determinant.
    """
    rotation = Rotation.from_matrix(matrix.detach().cpu().double().reshape(-1, 3, 3).numpy())
    q = torch.as_tensor(rotation.as_quat(scalar_first=True)).to(matrix)
    return canonical_sign(q.reshape(*matrix.shape[:-2], 4))


def azimuth_rotation(k: int | Tensor, n: int = 72) -> Tensor:
    """Quaternions (..., 4) of the rotation by k of n steps about the specimen normal.

    Rolling a signal by k along its azimuth axis is g → Rz(2πk/n) g. `k` is a number or
    a tensor of any shape (whole steps or fractions); float64 unless `k` is floating point.
    """
    k = torch.as_tensor(k)
    half = (k if k.is_floating_point() else k.double()) * (math.pi / n)
    zero = torch.zeros_like(half)
    return torch.stack((torch.cos(half), zero, zero, torch.sin(half)), -1)


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


def _rotation(q: Tensor) -> Rotation:
    return Rotation.from_quat(q.detach().cpu().double().reshape(-1, 4).numpy(), scalar_first=True)
