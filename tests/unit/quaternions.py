"""Quaternions for tests: random ones, those of an axis and an angle, hypothesis's."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation


def random_quaternions(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(
        Rotation.random(n, rng=np.random.default_rng(seed)).as_quat(scalar_first=True)
    )


def quaternion(axis, angle_deg: float) -> torch.Tensor:
    axis = np.asarray(axis, float)
    rotation = Rotation.from_rotvec(np.radians(angle_deg) * axis / np.linalg.norm(axis))
    return torch.from_numpy(rotation.as_quat(scalar_first=True))


unit_quaternions = (
    arrays(np.float64, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 1e-3)
    .map(lambda q: torch.from_numpy(q / np.linalg.norm(q)))
)
