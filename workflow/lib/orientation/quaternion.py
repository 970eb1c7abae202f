"""Orientations as quaternions: products, Euler angles, matrices, turns of the azimuth.

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import math

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor


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


def _rotation(q: Tensor) -> Rotation:
    return Rotation.from_quat(q.detach().cpu().double().reshape(-1, 4).numpy(), scalar_first=True)
