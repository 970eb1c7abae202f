"""Cubic orientations as points of a sphere in nine dimensions, and the way back.

Equivalent orientations are one point, and others are not: what a network learns here has neither
the symmetry's choices nor its seams. The nine are the spherical harmonics of degree four, the
lowest degree that tells a cube's orientations apart. The conventions are those of the package: see
`workflow.lib.orientation`.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

from workflow.lib.orientation.quaternion import canonical_sign, multiply, to_matrix
from workflow.lib.runtime.threads import share_out

_DEGREE = 4
_CELLS = 8  # of the coarse set, along each axis of the zone's cube
_STARTS = 3  # how many places of it are climbed from
_APART_DEG = 15.0  # from each other
_STEPS_OF_ALL = 4  # after which the highest alone goes on
_STEPS = 20
_LONGEST_RAD = 0.15  # step, a little over the distance within the coarse set
_STILL_RAD = 1e-6
_LEAST_BEND = 0.1  # for each rad²; at the embedding of an orientation it is 20/3
_ROWS = {"cpu": 2048, "cuda": 65_536}  # at once: 1,000 numbers each are compared


def cubic_embedding(q: Tensor) -> Tensor:
    """Unit vectors (..., 9) of orientations q (..., 4), the same for all 24 equivalents q S.

    They are the part of degree four of Σ_i (g e_i)⊗(g e_i)⊗(g e_i)⊗(g e_i), over the cube's axes
    e_i, in the orthonormal basis of the real harmonics: all that depends on g, as the rest of that
    tensor is a constant. Turning the specimen is a rotation of the nine dimensions, and distances
    are those of the tensors, scaled: with D = g1ᵀ g2, the inner product of two embeddings is
    (5 Σ_ij D_ij⁴ − 9)/6, near θ = 0 of misorientation 1 − (10/3) θ², whatever the axis (Hielscher &
    Lippert, Locally isometric embeddings of quotients of the rotation group modulo finite
    symmetries, J. Multivariate Anal. 185, 2021, arXiv 2007.09664). Differentiable; no matrix
    product that autocast would round.
    """
    axes = to_matrix(q)  # its columns are the cube's axes
    return _harmonics(axes).sum(-1) / math.sqrt(21 / 4)


@torch.no_grad()
def nearest_orientation(y: Tensor) -> Tensor:
    """The orientation (..., 4), float64, w ≥ 0, whose embedding is nearest to y (..., 9).

    It has the largest inner product with y, whose length does not matter; NaN and infinity give
    NaN, and 0, to which all are as near, any. The search climbs, by Newton's steps in the tangent
    space of the rotations, from the best of a coarse set of orientations and from the two best at
    some distance from it: of directions at random, one in a hundred has more maxima than one.
    Memory is bounded.
    """
    rows = y.reshape(-1, 2 * _DEGREE + 1)
    found = share_out(_nearest, _ROWS[y.device.type], rows)
    return torch.cat(found).reshape(*y.shape[:-1], 4)


def _harmonics(vectors: Tensor) -> Tensor:
    """(..., 9, k): Σ_m of their squares is 1 at unit vectors (..., 3, k); m from −4 to 4."""
    x, y, z = vectors.unbind(-2)
    xx, yy, zz = x * x, y * y, z * z
    functions = (
        math.sqrt(35) / 2 * x * y * (xx - yy),
        math.sqrt(35 / 8) * y * z * (3 * xx - yy),
        math.sqrt(5) / 2 * x * y * (7 * zz - 1),
        math.sqrt(5 / 8) * y * z * (7 * zz - 3),
        (35 * zz * zz - 30 * zz + 3) / 8,
        math.sqrt(5 / 8) * x * z * (7 * zz - 3),
        math.sqrt(5) / 4 * (xx - yy) * (7 * zz - 1),
        math.sqrt(35 / 8) * x * z * (xx - 3 * yy),
        math.sqrt(35) / 8 * (xx * xx - 6 * xx * yy + yy * yy),
    )
    return torch.stack(functions, -2)


def _nearest(y: Tensor) -> Tensor:
    known = y.isfinite().all(-1, keepdim=True)
    y = torch.where(known, y, 0)
    direction = functional.normalize(y.double(), dim=-1)
    places, value = _climbed(_starts(direction), direction[:, None], _STEPS_OF_ALL)
    best = places[torch.arange(len(y), device=y.device), value.argmax(1)]
    answer, _ = _climbed(best[:, None], direction[:, None], _STEPS)
    return torch.where(known, canonical_sign(answer[:, 0]), torch.nan)


def _starts(y: Tensor) -> Tensor:
    """Of the coarse set the best for each y (n, 9), and the best apart from those, (n, s, 4)."""
    orientation, embedding, near = _coarse_set(y.device)
    value = y.float() @ embedding.T
    chosen = [value.argmax(1)]
    for _ in range(_STARTS - 1):
        value.masked_fill_(near[chosen[-1]], -torch.inf)
        chosen.append(value.argmax(1))
    return orientation[torch.stack(chosen, 1)]


def _climbed(q: Tensor, y: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Orientations (n, s, 4) after steps that raise their inner product (n, s) with y (n, 1, 9)."""
    here = cubic_embedding(q)
    value = (here * y).sum(-1)
    longest = torch.full_like(value, _LONGEST_RAD)
    for _ in range(steps):
        step = _newton_step(here, y, longest)
        # a turn by 2 atan(|step|/2), which differs from |step| in third order only
        turn = torch.cat((torch.ones_like(step[..., :1]), step / 2), -1)
        tried = functional.normalize(multiply(turn, q), dim=-1)
        there = cubic_embedding(tried)
        reached = (there * y).sum(-1)
        higher = reached > value
        q = torch.where(higher[..., None], tried, q)
        here = torch.where(higher[..., None], there, here)
        value = torch.where(higher, reached, value)
        length = step.norm(dim=-1)
        longest = torch.where(higher, longest, length / 4)
        if (length < _STILL_RAD).all():
            break
    return q, value


def _newton_step(embedding: Tensor, y: Tensor, longest: Tensor) -> Tensor:
    """Where the inner product has its maximum, to second order: (n, s, 3), a rotation vector.

    Where it is no maximum, it is bent until it is one.
    """
    generators = _generators(y.device)
    turned = torch.einsum("aij,nsj->nsai", generators, embedding)
    slope = (turned * y[..., None, :]).sum(-1)
    # The second derivative y · L_a L_b e is −(L_a y) · (L_b e), as the L are antisymmetric.
    bend = torch.einsum("nsai,nsbi->nsab", torch.einsum("aij,nsj->nsai", generators, y), turned)
    bend = (bend + bend.mT) / 2  # minus the second derivative
    lift = (_LEAST_BEND - _least_eigenvalue(bend)).clamp(min=0)
    bend.diagonal(dim1=-2, dim2=-1).add_(lift[..., None])
    step = _solve(bend, slope)
    return step * (longest / step.norm(dim=-1).clamp(min=1e-30)).clamp(max=1)[..., None]


def _least_eigenvalue(matrix: Tensor) -> Tensor:
    """Of symmetric matrices (..., 3, 3), in closed form (Smith 1961)."""
    mean = matrix.diagonal(dim1=-2, dim2=-1).mean(-1)
    rest = matrix.clone()
    rest.diagonal(dim1=-2, dim2=-1).sub_(mean[..., None])
    scale = (rest.square().sum((-2, -1)) / 6).sqrt().clamp(min=1e-30)
    first, second, third = (rest / scale[..., None, None]).unbind(-2)
    half = (first * torch.linalg.cross(second, third)).sum(-1) / 2
    angle = half.clamp(-1, 1).acos() / 3
    return mean + 2 * scale * torch.cos(angle + 2 * math.pi / 3)


def _solve(matrix: Tensor, right: Tensor) -> Tensor:
    """x (..., 3) of matrix x = right, by Cramer's rule: for many small ones faster than LAPACK."""
    first, second, third = matrix.unbind(-1)
    across = torch.linalg.cross(second, third)
    determinant = (first * across).sum(-1, keepdim=True)
    of_x = (right * across).sum(-1)
    of_y = (first * torch.linalg.cross(right, third)).sum(-1)
    of_z = (first * torch.linalg.cross(second, right)).sum(-1)
    return torch.stack((of_x, of_y, of_z), -1) / determinant


@functools.cache  # copied to a device once, because each copy stalls a GPU
def _coarse_set(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Orientations (a, 4), embeddings float32 (a, 9), and which are near each other (a, a).

    The tangents of a body-centred cubic lattice, cut to the fundamental zone, which is a truncated
    cube of Rodrigues vectors: no orientation is further than 8° from all of them.
    """
    places = (torch.arange(_CELLS, dtype=torch.float64) + 0.25) / _CELLS
    shifts = (0, 0.5 / _CELLS)
    lattice = torch.cat([torch.cartesian_prod(*[places + shift] * 3) for shift in shifts])
    rodrigues = torch.tan((2 * lattice - 1) * (math.pi / 8))  # of turns up to 45° about ⟨100⟩
    rodrigues = rodrigues[rodrigues.abs().sum(-1) <= 1]
    orientation = functional.normalize(functional.pad(rodrigues, (1, 0), value=1), dim=-1)
    embedding = cubic_embedding(orientation)
    near = embedding @ embedding.T > 1 - 10 / 3 * math.radians(_APART_DEG) ** 2
    return orientation.to(device), embedding.float().to(device), near.to(device)


@functools.cache
def _generators(device: torch.device) -> Tensor:
    """(3, 9, 9): by how much the harmonics change per radian that their vectors turn about x, y, z.

    The ladder operators of angular momentum turn the complex harmonics, of which a row of `real`
    makes a real one.
    """
    m = torch.arange(-_DEGREE, _DEGREE + 1, dtype=torch.float64)
    up = torch.diag((_DEGREE * (_DEGREE + 1) - m * (m + 1))[:-1].sqrt(), -1).to(torch.complex128)
    momenta = torch.stack(((up + up.mT) / 2, (up - up.mT) / 2j, torch.diag(m).to(up)))
    real = torch.zeros_like(up)
    real[_DEGREE, _DEGREE] = 1
    for k in range(1, _DEGREE + 1):
        plus, minus, sign = _DEGREE + k, _DEGREE - k, (-1) ** k
        real[plus, plus], real[plus, minus] = sign * math.sqrt(0.5), math.sqrt(0.5)
        real[minus, plus], real[minus, minus] = -1j * sign * math.sqrt(0.5), 1j * math.sqrt(0.5)
    return (real.conj() @ (-1j * momenta) @ real.mT).real.to(device)
