"""Weighted sets of orientations for tests: modes whose middles and weights are known."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import random_quaternions
from workflow.lib.orientation import CUBIC_SYMMETRY, multiply


def scattered(middle: torch.Tensor, spread_deg: float, m: int, seed: int) -> torch.Tensor:
    """Of each middle (..., 4), m orientations (..., m, 4) near it, in random equivalents."""
    random = np.random.default_rng(seed)
    shape = (*middle.shape[:-1], m)
    vectors = random.normal(0, np.radians(spread_deg), (int(np.prod(shape)), 3))
    turns = torch.from_numpy(Rotation.from_rotvec(vectors).as_quat(scalar_first=True))
    return disguised(multiply(middle[..., None, :], turns.reshape(*shape, 4)), seed)


def disguised(q: torch.Tensor, seed: int) -> torch.Tensor:
    """Random equivalents of q (..., 4), with random signs."""
    random = np.random.default_rng(seed + 1000)
    operators = CUBIC_SYMMETRY[torch.from_numpy(random.integers(24, size=q.shape[:-1]))]
    signs = torch.from_numpy(random.choice((-1.0, 1.0), size=(*q.shape[:-1], 1)))
    return multiply(q, operators) * signs


def random_weights(n: int, m: int, seed: int) -> torch.Tensor:
    """(n, m) of sum 1 in each row."""
    weights = np.random.default_rng(seed).dirichlet(np.ones(m), n)
    return torch.from_numpy(weights)


def random_sets(n: int, m: int, seed: int) -> torch.Tensor:
    return random_quaternions(n * m, seed).reshape(n, m, 4)
