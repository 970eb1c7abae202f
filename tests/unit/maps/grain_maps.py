"""Maps whose grains are known, for the tests of what finds them."""

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map

HEADER = Header("made up", "simulated", "not stated", "known", 1, 1, 1)


def written(
    path: Path,
    orientation: np.ndarray,
    is_indexed: np.ndarray | None = None,
    step_um: float = 1.0,
    confidence: np.ndarray | None = None,
    anomaly: np.ndarray | None = None,
) -> Path:
    """A map of orientations (ny, nx, 4), of which nothing else is known unless it is given."""
    bare = Pixels.of_orientations(orientation)
    is_indexed = bare.is_indexed if is_indexed is None else is_indexed
    confidence = bare.confidence if confidence is None else confidence
    anomaly = bare.anomaly if anomaly is None else anomaly
    ny, nx = is_indexed.shape
    with new_map(path, Raster(nx, ny, step_um), HEADER) as writer:
        writer.append(Pixels(orientation, confidence, anomaly, is_indexed))
    return path


def cells(shape: tuple[int, int], n: int, seed: int) -> np.ndarray:
    """Voronoi cells of n points, (ny, nx): the truth of a polycrystal."""
    points = np.random.default_rng(seed).random((n, 2)) * shape
    return cKDTree(points).query(np.stack(np.indices(shape), -1) + 0.5)[1]


def random_orientations(n: int, seed: int) -> np.ndarray:
    return Rotation.random(n, np.random.default_rng(seed)).as_quat(scalar_first=True)


def turned(
    orientation: np.ndarray, angle_deg: float | np.ndarray, axis: np.ndarray | None = None, seed=0
) -> np.ndarray:
    """Orientations (…, 4) turned about an axis; each about a random one of its own if None."""
    flat = orientation.reshape(-1, 4)
    if axis is None:
        axis = np.random.default_rng(seed).standard_normal((len(flat), 3))
    axis = np.broadcast_to(axis, (len(flat), 3))
    vector = axis / np.linalg.norm(axis, axis=1, keepdims=True)
    angle_deg = np.broadcast_to(angle_deg, orientation.shape[:-1]).reshape(-1, 1)
    turn = Rotation.from_rotvec(vector * angle_deg, degrees=True)
    product = turn * Rotation.from_quat(flat, scalar_first=True)
    return product.as_quat(scalar_first=True).reshape(orientation.shape)


def two_halves(shape: tuple[int, int], angle_deg: float) -> np.ndarray:
    """Orientations (ny, nx, 4): the right half of the columns is turned by so much."""
    orientation = np.broadcast_to(random_orientations(1, 5), (*shape, 4)).copy()
    orientation[:, shape[1] // 2 :] = turned(orientation[0, 0], angle_deg, np.array([1.0, 2, 3]))
    return orientation
