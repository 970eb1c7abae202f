"""The forward model a signal at a time, and an archive read and written without any check."""

from pathlib import Path

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from workflow.lib.simulation import reflectance as model
from workflow.lib.simulation.reflectance import Specimen

ELEVATIONS, AZIMUTHS = np.deg2rad(
    np.meshgrid(model.ELEVATION_DEG, model.AZIMUTH_DEG, indexing="ij")
)
SCANS = {
    "samples/08/drm_data": "samples/08/drm_data.npy",
    "samples/08/eulers": "samples/08/eulers.npy",
    "anomaly_specimen/drm_data": "anomaly_specimen.npy",
}
UP = np.array([0.0, 0.0, 1.0])


def simulate(n: int, specimen: Specimen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Signals uint8 (n, 6, 72) and Euler angles (n, 3) in radians of a specimen without fibre."""
    half = half_vectors()
    signals, angles = zip(*(_simulate_one(half, specimen, rng) for _ in range(n)), strict=True)
    return np.stack(signals), np.stack(angles)


def half_vectors() -> np.ndarray:
    """Between each light and the camera, (6, 72, 3)."""
    light = np.stack(
        (
            np.cos(ELEVATIONS) * np.cos(AZIMUTHS),
            np.cos(ELEVATIONS) * np.sin(AZIMUTHS),
            np.sin(ELEVATIONS),
        ),
        axis=-1,
    )
    return (light + UP) / np.linalg.norm(light + UP, axis=-1, keepdims=True)


def ideal_signal(rotation: Rotation, weights: np.ndarray, half: np.ndarray) -> np.ndarray:
    """The intensity (6, 72) of one grain, without noise."""
    signal = np.zeros(half.shape[:2])
    for normal, weight in zip(rotation.apply(model.PLANE_NORMALS), weights, strict=True):
        normal = normal if normal[2] >= 0 else -normal
        trace = np.cross(normal, UP)
        sine = np.linalg.norm(trace)
        across = half @ (trace / sine)
        ridge = np.exp(-(across**2) / (2 * model.RIDGE_WIDTH**2))
        angle = np.arccos(np.clip(half @ normal, -1, 1))
        facet = np.exp(-(angle**2) / (2 * model.FACET_WIDTH_RAD**2))
        signal += weight * (model.RIDGE_AMPLITUDE * sine * ridge + model.FACET_AMPLITUDE * facet)
    return signal


def _simulate_one(
    half: np.ndarray, specimen: Specimen, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rotation = Rotation.from_quat(rng.standard_normal(4))
    ideal = ideal_signal(rotation, np.exp(model.WEIGHT_LOG_STD * rng.standard_normal(4)), half)
    background = specimen.background * (1 + model.BACKGROUND_STD * rng.standard_normal())
    gain = np.exp(model.GAIN_LOG_STD * rng.standard_normal())
    response = np.sqrt(np.sin(ELEVATIONS)) * (1 + specimen.tilt * np.linspace(-1, 1, 6)[:, None])
    noise = specimen.noise * ideal.mean() * rng.standard_normal(ideal.shape)
    counts = model.COUNTS_PER_INTENSITY * ((ideal + background) * gain * response + noise)
    turn_deg = rng.normal(0, model.LABEL_NOISE_RMS_DEG / np.sqrt(3), 3)
    label = Rotation.from_rotvec(turn_deg, degrees=True) * rotation
    return np.clip(np.rint(counts), 0, 255).astype(np.uint8), label.as_euler("ZYZ")


def ingest(archive: Path, dataset: Path, scans: Path) -> None:
    """The sets and scans of a trusted archive as HDF5; whatever its pickles say is done."""
    with h5py.File(dataset, "w") as file:
        for path in sorted(archive.glob("data/*_sets/*.npy")):
            # Runs what the file says, which is why the library has its own reader. This one is
            # given only what the benchmark has written itself a moment before.
            content = np.load(path, allow_pickle=True).item()
            group = file.create_group(f"{path.parent.name.removesuffix('_sets')}/{path.stem}")
            rotation = Rotation.from_euler("ZYZ", content["ytr"])
            group["signals"] = content["xtr"]
            group["euler_zyz_rad"] = content["ytr"]
            group["orientation"] = rotation.as_quat(canonical=True, scalar_first=True)
    with h5py.File(scans, "w") as file:
        for name, path in SCANS.items():
            file.create_dataset(name, data=np.load(archive / "data" / path), compression="gzip")
