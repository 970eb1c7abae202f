"""Errors over the standard triangle: its cells, and the crystal direction of the normal by orix."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.data.pole_figure import normal_in_crystal, to_standard_triangle
from workflow.lib.evaluation.hypotheses import Answers, Evidence
from workflow.lib.evaluation.triangle import SIDE, cell_corners, cells, triangle_table

REFERENCE = Rotation.random(300, rng=np.random.default_rng(2)).as_quat(scalar_first=True)


def area(corners: np.ndarray) -> np.ndarray:
    """Of spherical triangles (..., 3, 3), by Van Oosterom and Strackee."""
    a, b, c = np.moveaxis(corners, -2, 0)
    volume = np.abs(np.linalg.det(corners))
    dots = 1 + (a * b).sum(-1) + (b * c).sum(-1) + (c * a).sum(-1)
    return 2 * np.arctan2(volume, dots)


@pytest.mark.parametrize("side", [1, 4, SIDE])
def test_cells_fill_the_triangle_and_are_of_similar_size(side):
    areas = area(cell_corners(side))
    assert len(areas) == side**2
    assert areas.sum() == pytest.approx(4 * np.pi / 48)
    assert areas.max() / areas.min() < 1.5


def test_a_direction_lies_in_its_cell():
    direction = to_standard_triangle(np.random.default_rng(0).standard_normal((500, 3)))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    number = cells(direction)
    weights = np.linalg.solve(cell_corners()[number].transpose(0, 2, 1), direction[..., None])
    assert weights.min() > -1e-6
    middles = cell_corners().sum(1)
    np.testing.assert_array_equal(cells(middles), np.arange(SIDE**2))


def test_directions_on_lines_and_corners_have_a_cell_that_touches_them():
    corners = cell_corners().reshape(-1, 3)
    number = cells(corners)
    assert number.min() >= 0
    assert number.max() < SIDE**2
    off = np.abs(cell_corners()[number] - corners[:, None]).max(-1).min(-1)
    assert off.max() < 1e-7


def test_the_normals_direction_is_orixs():
    """orix's orientations take specimen to crystal: the inverse of ours."""
    from orix.quaternion import Orientation, symmetry
    from orix.vector import Vector3d

    inverse = REFERENCE * [1, -1, -1, -1]
    direction = Orientation(inverse, symmetry=symmetry.Oh) * Vector3d.zvector()
    theirs = direction.in_fundamental_sector(symmetry.Oh).unit.data
    ours = to_standard_triangle(normal_in_crystal(REFERENCE))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_array_equal(cells(ours), cells(theirs))
    wrong = Orientation(REFERENCE, symmetry=symmetry.Oh) * Vector3d.zvector()
    mixed_up = wrong.in_fundamental_sector(symmetry.Oh).unit.data
    assert np.abs(ours - mixed_up).max() > 0.1  # the data tell the two apart


def test_errors_stand_in_their_cells():
    number = cells(to_standard_triangle(normal_in_crystal(REFERENCE)))
    error = np.stack((number + 1.0, number + 3.0))
    answers = Answers(np.stack([REFERENCE] * 2), error, error)
    table = triangle_table(Evidence({"one": answers}, REFERENCE, False), {"one": "One"})
    assert table["bin"].tolist() == list(range(SIDE**2))
    assert table["n"].tolist() == np.bincount(number, minlength=SIDE**2).tolist()
    there = table[table["n"] > 0]
    np.testing.assert_allclose(there["mean_deg"], there["bin"] + 2)
    np.testing.assert_allclose(there["median_deg"], there["bin"] + 2)
    few = Evidence(
        {"one": Answers(answers.orientation[:, :1], error[:, :1], error[:, :1])},
        REFERENCE[:1],
        False,
    )
    assert triangle_table(few, {"one": "One"})["mean_deg"].isna().sum() == SIDE**2 - 1
