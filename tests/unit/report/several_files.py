"""Files of predictions whose probabilities are true by construction, or sharpened by a power."""

from pathlib import Path

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from workflow.lib.inference.predictions import Predictions, write_predictions

FAR_DEG = 30.0  # of wrong candidates; below 45° a rotation's angle is the misorientation


def turned(reference: np.ndarray, angle_deg: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each (..., 4) turned by an angle (...) about a random axis."""
    axis = rng.normal(size=(*angle_deg.shape, 3))
    axis *= np.radians(angle_deg)[..., None] / np.linalg.norm(axis, axis=-1, keepdims=True)
    q = Rotation.from_quat(
        np.broadcast_to(reference, (*angle_deg.shape, 4)).reshape(-1, 4), scalar_first=True
    ) * Rotation.from_rotvec(axis.reshape(-1, 3))
    return q.as_quat(scalar_first=True).reshape(*angle_deg.shape, 4)


def labels(n: int) -> np.ndarray:
    return Rotation.random(n, rng=np.random.default_rng(5)).as_quat(scalar_first=True)


def forecasts(n: int, k: int, sharpened: float, rng: np.random.Generator, reference: np.ndarray):
    """Candidates (n, k, 4), their probabilities, the left-out one; true if `sharpened` is 1.

    Which candidate lies near the reference is drawn by the true probabilities, heaviest first; the
    last place is empty.
    """
    true = rng.dirichlet(np.r_[6.0, 2.0, np.full(k - 2, 0.5)], n)  # the last: left out
    true[:, :-1] = -np.sort(-true[:, :-1])
    chosen = (rng.random(n)[:, None] >= true.cumsum(1)).sum(1).clip(max=k - 1)
    far = np.full((n, k), FAR_DEG)
    near = np.arange(k) == chosen[:, None]
    angle = np.where(near, np.abs(rng.normal(0, 2, (n, k))), far)
    q = turned(reference[:, None], angle, rng)
    q[:, -1] = np.nan
    claimed = true**sharpened
    claimed /= claimed.sum(1, keepdims=True)
    probability = np.where(np.arange(k) < k - 1, claimed, 0)
    return q, probability, claimed[:, -1], np.log(1e3 * claimed[near])


def write_several(
    path: Path, network: str, seed: int, n: int = 60, k: int = 5, sharpened: float = 3.0,
    simulated: bool = True, kinds=("one_view", "mixture", "product"),
) -> Path:  # fmt: skip
    """One file of predictions; before the temperature was fitted the weights are sharpened."""
    rng = np.random.default_rng([seed, len(network)])
    reference = labels(n)
    plain, tta = np.abs(rng.normal(0, 9, n)), np.abs(rng.normal(0, 6, n))
    answers = [turned(reference, deg, rng) for deg in (plain, tta)]
    attributes = {
        "network": network, "fold": 1, "seed": seed, "source": "simulated benchmark",
        "simulated": simulated,
    }  # fmt: skip
    write_predictions(path, Predictions(*answers, reference, plain, tta), attributes)
    with h5py.File(path, "a") as file:
        for kind in kinds:
            group = file.create_group(f"several/{kind}")
            group.attrs.update(temperature=1.7, bandwidth_deg=np.nan if kind == "one_view" else 1.5)
            state = rng.bit_generator.state
            for prefix, power in (("before_", sharpened), ("", 1.0)):
                rng.bit_generator.state = state  # the same candidates at both temperatures
                q, p, rest, log_density = forecasts(n, k, power, rng, reference)
                group[prefix + "candidate_orientation"] = q
                group[prefix + "candidate_probability"] = p
                group[prefix + "left_out_probability"] = rest
                group[prefix + "log_density"] = log_density
                group[prefix + "level"] = rng.random(n) ** (1 / power)
            group["heaviest_orientation"] = group["most_probable_orientation"] = q[:, 0]
            group["medoid_orientation"] = answers[kind != "one_view"]
            group["least_expected_orientation"] = turned(reference, tta * (1.2 - p.max(1)), rng)
    return path


def write_posterior(path: Path, n: int = 60, k: int = 5) -> Path:
    rng = np.random.default_rng(9)
    reference = labels(n)
    q, p, rest, log_density = forecasts(n, k, 1.0, rng, reference)
    error = np.abs(rng.normal(0, 1, n))
    with h5py.File(path, "w") as file:
        file["candidate_orientation"] = q
        file["candidate_probability"] = p
        file["left_out_probability"] = rest
        file["log_density"] = log_density
        file["level"] = rng.random(n)
        file["reference"] = reference
        file["least_expected_orientation"] = turned(reference, error, rng)
        file["most_probable_orientation"] = q[:, 0]
        file["misorientation_deg"] = error
        file.attrs["simulated"] = True
    return path
