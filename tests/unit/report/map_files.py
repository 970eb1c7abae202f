"""A small map for tests of its pictures: 10 × 7 pixels, two grains, one pixel unindexed."""

from pathlib import Path

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map

RASTER = Raster(10, 7, 2.5)
HEADER = Header("mine", "simulated", "simulated", "sequencenet", 8, 1, 1, "release.zip 0123abcd")
MEASURED = Header("mine", "measured", "measured", "sequencenet", 8, 1, 1, "release.zip 0123abcd")


def labels_of(raster: Raster = RASTER) -> np.ndarray:
    """Two grains beside each other, numbers 0 and 1; the last pixel of the first row is of none."""
    labels = np.zeros((raster.ny, raster.nx), np.int32)
    labels[:, raster.nx // 3 :] = 1
    labels[0, -1] = -1
    return labels


def pixels_of(raster: Raster = RASTER, turned_deg: float = 0.0) -> Pixels:
    """Its pixels; each grain's crystal may be turned about its own axis [123] by `turned_deg`."""
    grains = Rotation.random(2, rng=np.random.default_rng(5))
    axis = np.deg2rad(turned_deg) * np.array([1, 2, 3]) / np.sqrt(14)
    grains = grains * Rotation.from_rotvec(axis)
    labels = labels_of(raster)
    orientation = grains.as_quat(scalar_first=True)[np.maximum(labels, 0)]
    confidence = np.linspace(0, 1, labels.size, dtype=np.float32).reshape(labels.shape)
    anomaly = confidence[::-1] * 30 + 1
    return Pixels(orientation, confidence, anomaly, labels >= 0)


def write_map(
    path: Path,
    raster: Raster = RASTER,
    header: Header = HEADER,
    turned_deg: float = 0.0,
    unknown: tuple[int, int] | None = None,
) -> Pixels:
    """Write the map; at `unknown` (row, column) it has no answer."""
    pixels = pixels_of(raster, turned_deg)
    if unknown is not None:
        pixels.orientation[unknown] = np.nan
        pixels.is_indexed[unknown] = False
    with new_map(path, raster, header) as writer:
        writer.append(pixels)
    return pixels


def write_grains(path: Path, raster: Raster = RASTER) -> np.ndarray:
    labels = labels_of(raster)
    with h5py.File(path, "w") as file:
        file["labels"] = labels
    return labels
