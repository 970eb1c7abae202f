"""A cube in the picture, against hand-derived views and the convex hull."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions, unit_quaternions
from workflow.lib.report.style.unit_cell import (
    EDGES,
    corners,
    outline,
    visible_edges,
    visible_faces,
)

# [111] of the crystal to z of the specimen: about [1 −1 0], by the angle between [001] and [111]
ALONG_111 = quaternion([1, -1, 0], np.degrees(np.arccos(1 / np.sqrt(3)))).numpy()
ALONG_110 = quaternion([1, -1, 0], 90).numpy()


def segments(orientation, chosen):
    """Edges as they lie in the picture: a set, whichever way round they are named."""
    place = corners(orientation)[:, :2].round(6) + 0.0  # no −0
    return {
        frozenset(map(tuple, place[list(edge)].tolist()))
        for edge, wanted in zip(EDGES, chosen, strict=True)
        if wanted
    }


def polygons(orientation):
    faces = np.flatnonzero(visible_faces(orientation))
    return sorted(sorted(map(tuple, outline(orientation, f).round(6) + 0.0)) for f in faces)


def area(polygon):
    (x, y), (u, v) = polygon.T, np.roll(polygon, -1, axis=0).T
    return abs((x * v - u * y).sum()) / 2


@pytest.mark.parametrize(("angle_deg", "first_corner_deg"), [(0, 45), (45, 0)])
def test_along_a_cube_axis_a_square_is_seen(angle_deg, first_corner_deg):
    orientation = quaternion([0, 0, 1], angle_deg).numpy()
    (face,) = np.flatnonzero(visible_faces(orientation))
    square = outline(orientation, face)
    azimuth_deg = np.degrees(np.arctan2(square[:, 1], square[:, 0])) % 360
    expected = first_corner_deg + np.array([0, 90, 180, 270])
    np.testing.assert_allclose(sorted(azimuth_deg.round(9) % 360), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(square, axis=1), np.sqrt(0.5))
    assert area(square) == pytest.approx(1)
    assert visible_edges(orientation).sum() == 4


def test_along_111_a_hexagon_is_seen():
    place, seen = corners(ALONG_111), visible_edges(ALONG_111)
    assert visible_faces(ALONG_111).sum() == 3
    assert seen.sum() == 9
    # The three edges behind meet in the corner farthest from the reader, half a diagonal deep.
    hidden = np.array(EDGES)[~seen]
    assert all(place[:, 2].argmin() in edge for edge in hidden)
    assert place[:, 2].min() == pytest.approx(-np.sqrt(3) / 2)
    hexagon = place[np.argsort(np.abs(place[:, 2]))[:6], :2]
    np.testing.assert_allclose(np.linalg.norm(hexagon, axis=1), np.sqrt(2 / 3))
    azimuth_deg = np.sort(np.degrees(np.arctan2(hexagon[:, 1], hexagon[:, 0])))
    np.testing.assert_allclose(np.diff(azimuth_deg), 60, atol=1e-9)


def test_along_110_two_faces_make_a_rectangle():
    assert visible_faces(ALONG_110).sum() == 2
    assert visible_edges(ALONG_110).sum() == 7  # the one in the middle belongs to both
    width, height = sorted(np.ptp(corners(ALONG_110) @ turn, axis=0)[0] for turn in _in_plane())
    assert (width, height) == pytest.approx((1, np.sqrt(2)))


def _in_plane():
    """Directions along the rectangle's sides: the axis of the rotation, and across it."""
    return [np.array([[x], [y], [0]]) / np.sqrt(2) for x, y in ((1, -1), (1, 1))]


@settings(max_examples=50, deadline=None)
@given(unit_quaternions)
def test_visible_faces_fill_the_outline_of_the_cube(q):
    orientation = q.numpy()
    faces = np.flatnonzero(visible_faces(orientation))
    filled = sum(area(outline(orientation, face)) for face in faces)
    assert filled == pytest.approx(ConvexHull(corners(orientation)[:, :2]).volume, abs=1e-4)


def test_equivalent_orientations_look_the_same():
    q = Rotation.from_quat(random_quaternions(1).numpy()[0], scalar_first=True)
    equivalents = [(q * s).as_quat(scalar_first=True) for s in Rotation.create_group("O")]
    assert len(equivalents) == 24
    assert all(polygons(other) == polygons(equivalents[0]) for other in equivalents)
    pictures = {frozenset(segments(other, ~visible_edges(other))) for other in equivalents}
    assert len(pictures) == 1


@pytest.mark.parametrize("q", random_quaternions(4, seed=2).numpy())
def test_half_a_turn_exchanges_front_and_back(q):
    """Necker's cube: the same lines, and what was hidden lies in front."""
    half_turn = Rotation.from_rotvec([0, 0, np.pi])
    other = (half_turn * Rotation.from_quat(q, scalar_first=True)).as_quat(scalar_first=True)
    everything = [True] * 12
    assert segments(q, everything) == segments(other, everything)
    assert segments(q, ~visible_edges(q)) <= segments(other, visible_edges(other))
    assert segments(other, ~visible_edges(other)) <= segments(q, visible_edges(q))
