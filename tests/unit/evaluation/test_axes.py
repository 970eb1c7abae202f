"""Parts of disorientations, by hand and by SciPy's rotation vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orix.quaternion import symmetry
from orix.vector import Vector3d
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.evaluation.axes import PARTS, parts_deg, rotation_vector_deg
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    MAX_MISORIENTATION_DEG,
    misorientation_deg,
    multiply,
)

X, Y, Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
REFERENCE = random_quaternions(200, seed=1)
ANSWER = random_quaternions(200, seed=2)


def turned(rotation, q=REFERENCE):
    """The rotation on the left, in specimen coordinates."""
    return multiply(rotation, q).numpy()


@pytest.mark.parametrize(
    ("axis", "in_plane", "out_of_plane"),
    [
        ([0, 0, 1], 5, 0),
        ([1, 0, 0], 0, 5),
        ([0, -1, 0], 0, 5),
        ([3, 4, 0], 0, 5),
        ([0, 3, -4], 4, 3),
    ],
)
def test_five_degrees_about_an_axis_of_the_specimen(axis, in_plane, out_of_plane):
    parts = parts_deg(turned(quaternion(axis, 5)), REFERENCE.numpy())
    assert list(parts) == list(PARTS)
    np.testing.assert_allclose(parts["in_plane"], in_plane, atol=1e-6)
    np.testing.assert_allclose(parts["out_of_plane"], out_of_plane, atol=1e-6)


def test_directions_along_an_axis_are_those_of_orix():
    """The inverse pole figure of each axis: reduced to the triangle of m-3m, then compared."""
    directions = {
        name: Vector3d(Rotation.from_quat(q.numpy(), scalar_first=True).inv().apply(axis))
        for axis in (X, Y)
        for name, q in ((f"a{axis}", ANSWER), (f"r{axis}", REFERENCE))
    }
    parts = parts_deg(ANSWER.numpy(), REFERENCE.numpy())
    for name, axis in (("x", X), ("y", Y)):
        reduced = [
            directions[f"{who}{axis}"].in_fundamental_sector(symmetry.Oh).unit for who in "ar"
        ]
        expected = reduced[0].angle_with(reduced[1], degrees=True)
        np.testing.assert_allclose(parts[name], expected, atol=1e-5)
        assert parts[name].max() > 30


@pytest.mark.parametrize(("part", "axis"), [("x", X), ("y", Y), ("z", Z)])
def test_a_turn_about_an_axis_leaves_the_direction_along_it(part, axis):
    parts = parts_deg(turned(quaternion(list(axis), 7)), REFERENCE.numpy())
    np.testing.assert_allclose(parts[part], 0, atol=1e-6)
    others = {"x", "y", "z"} - {part}
    assert all(np.median(parts[other]) > 3 for other in others)


def test_the_vector_is_scipys_where_it_is_too_short_to_have_an_equivalent():
    rng = np.random.default_rng(3)
    omega = rng.normal(size=(200, 3))
    omega *= rng.uniform(0, 44.9, (200, 1)) / np.linalg.norm(omega, axis=1, keepdims=True)
    g = Rotation.from_rotvec(omega, degrees=True) * Rotation.from_quat(REFERENCE, scalar_first=True)
    found = rotation_vector_deg(g.as_quat(scalar_first=True), REFERENCE.numpy())
    np.testing.assert_allclose(found, omega, atol=1e-9)


def test_its_length_is_the_misorientation():
    length = np.linalg.norm(rotation_vector_deg(ANSWER.numpy(), REFERENCE.numpy()), axis=1)
    np.testing.assert_allclose(length, misorientation_deg(ANSWER, REFERENCE), atol=1e-9)
    assert length.max() > 50


@pytest.mark.parametrize("operator", range(24))
def test_equivalents_of_either_have_the_same_parts(operator):
    expected = rotation_vector_deg(ANSWER.numpy(), REFERENCE.numpy())
    other = -multiply(ANSWER, CUBIC_SYMMETRY[operator]).numpy()
    np.testing.assert_allclose(rotation_vector_deg(other, REFERENCE.numpy()), expected, atol=1e-9)
    other = multiply(REFERENCE, CUBIC_SYMMETRY[operator]).numpy()
    np.testing.assert_allclose(rotation_vector_deg(ANSWER.numpy(), other), expected, atol=1e-9)


@given(st.floats(0, 360))
def test_a_turn_of_the_specimen_about_its_normal_keeps_what_is_in_and_out_of_plane(angle_deg):
    rotation = quaternion([0, 0, 1], angle_deg)
    before = parts_deg(ANSWER.numpy(), REFERENCE.numpy())
    after = parts_deg(turned(rotation, ANSWER), turned(rotation))
    for part in ("in_plane", "out_of_plane"):
        np.testing.assert_allclose(after[part], before[part], atol=1e-9)


def test_out_of_plane_is_nearly_the_tilt_of_the_normal():
    omega = rotation_vector_deg(ANSWER.numpy(), REFERENCE.numpy())
    normal = Rotation.from_rotvec(omega, degrees=True).apply([0, 0, 1])
    tilt = np.degrees(np.arctan2(np.hypot(*normal.T[:2]), normal[:, 2]))
    more = parts_deg(ANSWER.numpy(), REFERENCE.numpy())["out_of_plane"] - tilt
    assert more.min() > -1e-9
    assert 0.5 < more.max() < 2


def test_an_exact_answer_has_no_parts_and_none_at_all_counts_with_the_most():
    answer = REFERENCE.numpy().copy()
    answer[0] = np.nan
    for values in parts_deg(answer, REFERENCE.numpy()).values():
        assert values[0] == MAX_MISORIENTATION_DEG
        assert (values[1:] < 1e-9).all()
