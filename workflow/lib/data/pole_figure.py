"""Inverse pole figures of cubic crystals: directions, their standard triangle, its colours.

A point says which crystal direction lies along a fixed specimen direction, here the normal
z: g⁻¹ z, with g as in `workflow.lib.orientation`. The Laue group m-3m makes 48 directions
equivalent, and sorting the absolute components finds the one of them in the triangle
[001]–[101]–[111]. (The 24 rotations alone would leave two triangles, mirror images of each
other.) The projection is Lambert's, of equal area: orientations without texture fill the
triangle evenly, which the stereographic projection would not show.

Letters: n directions, unit vectors (x, y, z) in crystal coordinates.
"""

import itertools

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

CORNERS = {
    "001": np.array([0.0, 0.0, 1.0]),
    "101": np.array([1.0, 0.0, 1.0]) / np.sqrt(2),
    "111": np.array([1.0, 1.0, 1.0]) / np.sqrt(3),
}
DENSITY_RADIUS_DEG = 7.5
DENSITY_CELLS = 40  # along each side of the grid at whose points densities are measured


def _equivalents() -> np.ndarray:
    """The 48 operations of m-3m as matrices (48, 3, 3): all permutations of all signed axes."""
    axes = itertools.permutations(np.eye(3))
    signs = itertools.product((1, -1), repeat=3)
    return np.array([np.diag(s) @ a for s, a in itertools.product(signs, axes)])


EQUIVALENTS = _equivalents()


def normal_in_crystal(orientation: np.ndarray) -> np.ndarray:
    """The specimen normal in crystal coordinates, (n, 3), of unit quaternions (n, 4)."""
    return Rotation.from_quat(orientation, scalar_first=True).inv().apply([0.0, 0.0, 1.0])


def to_standard_triangle(direction: np.ndarray) -> np.ndarray:
    """The equivalent of each direction (n, 3) under m-3m with z ≥ x ≥ y ≥ 0."""
    smallest, middle, largest = np.sort(np.abs(direction), axis=-1).T
    return np.column_stack((middle, smallest, largest))


def project(direction: np.ndarray) -> np.ndarray:
    """Lambert's equal-area projection, (n, 2), of directions (n, 3) with z > −1.

    The pole [001] is the origin, [101] lies on the first axis; areas are those on the sphere.
    """
    return direction[..., :2] * np.sqrt(2 / (1 + direction[..., 2:]))


def unproject(point: np.ndarray) -> np.ndarray:
    """The direction (n, 3) of each point (n, 2) within 2 of the origin."""
    squared = (point**2).sum(-1, keepdims=True)
    return np.concatenate((point * np.sqrt(1 - squared / 4), 1 - squared / 2), axis=-1)


def colours(direction: np.ndarray) -> np.ndarray:
    """Red, green and blue, 0–1, (n, 3) of directions in the standard triangle (n, 3).

    A direction is a sum of [001], [101] and [111]; its shares of these unit vectors are the
    three colours, scaled so that the largest is 1. Corners are pure, equal shares are white.
    """
    x, y, z = direction.T
    shares = np.column_stack((z - x, np.sqrt(2) * (x - y), np.sqrt(3) * y))
    return np.clip(shares / shares.max(axis=1, keepdims=True), 0, 1)


def outline(steps: int = 40) -> np.ndarray:
    """The projected border of the standard triangle, closed: (3 · steps + 1, 2)."""
    corners = list(CORNERS.values())
    share = np.linspace(0, 1, steps, endpoint=False)[:, None]
    sides = [
        (1 - share) * start + share * end
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    border = np.concatenate([*sides, corners[:1]])
    return project(border / np.linalg.norm(border, axis=1, keepdims=True))


def grid(cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A rectangular grid over the projected triangle, and which of its points are inside.

    Returns points (cells, cells, 2), row by row from the bottom; their directions
    (cells, cells, 3); and whether each lies in the triangle, bool (cells, cells).
    """
    width, height = outline().max(axis=0)
    point = np.stack(np.meshgrid(np.linspace(0, width, cells), np.linspace(0, height, cells)), -1)
    direction = unproject(point)
    x, y, z = np.moveaxis(direction, -1, 0)
    return point, direction, (y <= x) & (x <= z)


def density(direction: np.ndarray) -> np.ndarray:
    """How densely directions (n, 3) lie at the points of an even grid in the triangle, (m,).

    In multiples of a random distribution: about 1 everywhere without texture, 0 in a hole.
    Counted are the directions and their equivalents within DENSITY_RADIUS_DEG.
    """
    _, centre, inside = grid(DENSITY_CELLS)
    tree = KDTree((direction @ EQUIVALENTS).reshape(-1, 3))
    chord = 2 * np.sin(np.deg2rad(DENSITY_RADIUS_DEG) / 2)
    count = tree.query_ball_point(centre[inside], chord, return_length=True)
    cap = (1 - np.cos(np.deg2rad(DENSITY_RADIUS_DEG))) / 2  # its share of the sphere
    return count / (cap * tree.n)
