"""Parts of disorientations, by hand and by SciPy's rotation vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.evaluation.axes import PARTS, parts_deg, rotation_vector_deg
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    MAX_MISORIENTATION_DEG,
    misorientation_deg,
    multiply,
)

REFERENCE = random_quaternions(200, seed=1)
ANSWER = random_quaternions(200, seed=2)


def turned(rotation, q=REFERENCE):
    """The rotation on the left, in specimen coordinates."""
    return multiply(rotation, q).numpy()


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ([0, 0, 1], {"x": 0, "y": 0, "z": 5, "in_plane": 5, "out_of_plane": 0}),
        ([1, 0, 0], {"x": 5, "y": 0, "z": 0, "in_plane": 0, "out_of_plane": 5}),
        ([0, -1, 0], {"x": 0, "y": 5, "z": 0, "in_plane": 0, "out_of_plane": 5}),
        ([3, 4, 0], {"x": 3, "y": 4, "z": 0, "in_plane": 0, "out_of_plane": 5}),
        ([0, 3, -4], {"x": 0, "y": 3, "z": 4, "in_plane": 4, "out_of_plane": 3}),
    ],
)
def test_five_degrees_about_an_axis_of_the_specimen(axis, expected):
    parts = parts_deg(turned(quaternion(axis, 5)), REFERENCE.numpy())
    assert list(parts) == list(PARTS)
    for part, deg in expected.items():
        np.testing.assert_allclose(parts[part], deg, atol=1e-6)


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
