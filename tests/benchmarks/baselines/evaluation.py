"""Straightforward predictions: 64 signals at a time, roll by roll, a loop for the medoids."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import nn

from tests.benchmarks.baselines.networks import END, ROLLS, standardised

BATCH = 64
STEP_RAD = 2 * np.pi / ROLLS
PLACES = np.array([100, 10, 1])
OPERATORS = Rotation.create_group("O").as_quat(scalar_first=True)  # the 24 of the cube

Answer = Callable[[np.ndarray, int], np.ndarray]
"""From signals (n, 6, 72) rolled by k and from k to quaternions (n, 4), NaN where invalid."""


def sequence_answers(network: nn.Module) -> Answer:
    """What SequenceNet writes, digit by digit."""
    device = next(network.parameters()).device

    def answer(signals: np.ndarray, k: int) -> np.ndarray:
        rolls = torch.full((len(signals),), k, device=device)
        inputs = torch.from_numpy(standardised(signals)).to(device)
        return read_digits(network.generate(inputs, rolls).cpu().numpy())

    return answer


def euler_answers(network: nn.Module) -> Answer:
    """The rotations of EulerNet's angles."""
    device = next(network.parameters()).device

    @torch.no_grad()
    def answer(signals: np.ndarray, k: int) -> np.ndarray:
        angles = network(torch.from_numpy(signals.astype(np.float32)).to(device))
        return Rotation.from_euler("ZYZ", angles.cpu().numpy()).as_quat(scalar_first=True)

    return answer


def read_digits(tokens: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4) of digit sequences (n, 14), NaN where one is invalid."""
    digits = tokens[:, 1:-1]
    components = (digits.reshape(-1, 4, 3) * PLACES).sum(-1) / 500 - 1
    norm = np.linalg.norm(components, axis=1)
    valid = (digits < 10).all(1) & (tokens[:, -1] == END) & (norm > 1e-6)
    return np.where(valid, components.T / np.maximum(norm, 1e-6), np.nan).T


def predict_plain(answer: Answer, signals: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4) of signals (n, 6, 72) as they are."""
    starts = range(0, len(signals), BATCH)
    return np.concatenate([answer(signals[i : i + BATCH], 0) for i in starts])


def predict_tta(answer: Answer, signals: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4) by a vote of all 72 rolls of each signal."""
    chosen = []
    for i in range(0, len(signals), BATCH):
        block = signals[i : i + BATCH]
        votes = [turned_back(answer(np.roll(block, k, axis=2), k), k) for k in range(ROLLS)]
        chosen += [medoid(votes_of_one) for votes_of_one in np.stack(votes, axis=1)]
    return np.stack(chosen)


def turned_back(q: np.ndarray, k: int) -> np.ndarray:
    """Rotations (n, 4) by −k azimuth steps after q (n, 4), by way of Euler angles."""
    valid = np.isfinite(q).all(1)
    rotation = Rotation.from_quat(q[valid], scalar_first=True)
    angles = rotation.as_euler("ZYZ", suppress_warnings=True)
    angles[:, 0] -= k * STEP_RAD
    turned = np.full_like(q, np.nan)
    turned[valid] = Rotation.from_euler("ZYZ", angles).as_quat(scalar_first=True)
    return turned


def medoid(q: np.ndarray) -> np.ndarray:
    """Of votes (k, 4), the valid one nearest to all others; NaN if none is valid."""
    q = q[np.isfinite(q).all(1)]
    if len(q) == 0:
        return np.full(4, np.nan)
    return q[misorientation_rad(q[:, None], q[None]).sum(1).argmin()]


def misorientation_rad(q1: np.ndarray, q2: np.ndarray) -> np.ndarray:
    """The least angle over the 24 operators, of quaternions (…, 4) that broadcast."""
    difference = multiply(q1 * [1, -1, -1, -1], q2)
    equivalents = multiply(difference[..., None, :], OPERATORS)
    vector = np.linalg.norm(equivalents[..., 1:], axis=-1)
    return 2 * np.arctan2(vector, np.abs(equivalents[..., 0])).min(-1)


def multiply(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Hamilton products of quaternions (…, 4), scalar first."""
    (pw, px, py, pz), (qw, qx, qy, qz) = np.moveaxis(p, -1, 0), np.moveaxis(q, -1, 0)
    product = (
        pw * qw - px * qx - py * qy - pz * qz,
        pw * qx + px * qw + py * qz - pz * qy,
        pw * qy - px * qz + py * qw + pz * qx,
        pw * qz + px * qy - py * qx + pz * qw,
    )
    return np.stack(product, -1)
