"""Uniform: orientations evenly spread over all of them, and directions on the sphere.

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import functools
import math

import torch
from torch import Tensor

from workflow.lib.orientation.quaternion import canonical_sign
from workflow.lib.orientation.symmetry import CUBIC_SYMMETRY, to_fundamental_zone

_PSI = 1.533751168755204288118041  # the real root of ψ⁴ = ψ + 4


def super_fibonacci(n: int) -> Tensor:
    """n rotations (n, 4), float64, each for an equal share of all (Alexa, CVPR 2022, Alg. 1)."""
    place = torch.arange(n, dtype=torch.float64) + 0.5
    alpha, beta = 2 * math.pi * place / math.sqrt(2), 2 * math.pi * place / _PSI
    inner, outer = (place / n).sqrt(), (1 - place / n).sqrt()
    parts = inner * alpha.sin(), inner * alpha.cos(), outer * beta.sin(), outer * beta.cos()
    return torch.stack(parts, -1)


@functools.cache
def zone_spiral(points: int) -> Tensor:
    """About so many orientations (m, 4) of the cubic fundamental zone, each for an equal share.

    Those of 24 times as many super-Fibonacci rotations that lie in the zone: of 4 096, 4 102 come,
    and no orientation is further than 4.6° from all of them. All of 4 096 rotations folded into
    the zone would leave holes of 5.6°.
    """
    q = canonical_sign(super_fibonacci(len(CUBIC_SYMMETRY) * points))
    inside = (to_fundamental_zone(q) - q).abs().amax(-1) < 1e-12
    return q[inside]


def directions(numbers: Tensor) -> Tensor:
    """Unit vectors (…, 3), uniform on the sphere, of numbers (…, 2) uniform on [0, 1)."""
    height, azimuth = 2 * numbers[..., 0] - 1, 2 * math.pi * numbers[..., 1]
    around = (1 - height.square()).sqrt()
    return torch.stack((around * azimuth.cos(), around * azimuth.sin(), height), -1)
