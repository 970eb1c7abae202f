"""Distances from the faces of the fundamental zone and from the seams of Euler angles.

Against values by hand, and against what they mean: within the distance no turn makes what is
written or regressed jump, a little beyond it one does.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions, unit_quaternions
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    from_euler_zyz,
    misorientation_deg,
    multiply,
    to_fundamental_zone,
)
from workflow.lib.orientation.euler_seams import (
    euler_azimuth_deg,
    euler_gimbal_deg,
    euler_seam_deg,
    euler_sheet_deg,
)
from workflow.lib.orientation.zone import MAX_DEPTH_DEG, depth_deg, spellings, zone_face_deg

EDGE_DEG = math.degrees(2 * math.atan(math.sqrt(2) * math.tan(math.pi / 8)))
OCTAHEDRAL = Rotation.create_group("O")


def euler(*deg: float) -> torch.Tensor:
    return from_euler_zyz(torch.deg2rad(torch.tensor(deg, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("axis", "angle_deg", "expected"),
    [
        ([1, 0, 0], 0, 45),  # the six faces are nearer the identity than the eight
        ([0, -1, 0], 10, 35),
        ([0, 0, 1], 50, 5),  # beyond a face, in the neighbour's zone
        ([0, 0, 1], 90, 45),
        ([1, 1, 1], 50, 10),
        ([1, -1, -1], 65, 5),
        ([1, 1, 0], EDGE_DEG, 0),  # where two of the six meet
    ],
)
def test_faces_by_hand(axis, angle_deg, expected):
    q = quaternion(axis, angle_deg)
    assert zone_face_deg(q).item() == pytest.approx(expected, abs=1e-4)
    assert zone_face_deg(multiply(q, CUBIC_SYMMETRY)).numpy() == pytest.approx(
        np.full(24, expected), abs=1e-4
    )


def test_depth_is_negative_outside():
    turns = torch.stack([quaternion([1, 0, 0], deg) for deg in (44, 45, 52)])
    assert depth_deg(turns).tolist() == pytest.approx([1, 0, -7])


def test_spellings_are_those_within_the_margin_of_a_face():
    q = quaternion([1, 0, 0], 42)  # 42° of it, or 48° the other way round
    assert spellings(q, 2.9)[1].sum() == 1  # the other one is 3° beyond its face
    equivalents, could_be = spellings(q, 3.1)
    assert could_be.sum() == 2
    written = equivalents[could_be]
    angles = torch.rad2deg(2 * torch.atan2(written[:, 1], written[:, 0]))
    assert sorted(angles.tolist()) == pytest.approx([-48, 42])
    assert misorientation_deg(written, q).max() < 1e-6


def test_gimbal_sheet_and_azimuth_by_hand():
    """Rz(α) Ry(β) alone: γ = 0, and the normal in the crystal is (−sin β, 0, cos β)."""
    q = euler(90, 30, 0)
    assert euler_gimbal_deg(q).item() == pytest.approx(30)
    assert euler_azimuth_deg(q).item() == pytest.approx(30)
    assert euler_sheet_deg(q).item() == pytest.approx(15)  # from β = 45°
    assert euler_azimuth_deg(euler(0, 30, 0)).item() == pytest.approx(30)
    close = np.degrees(np.arcsin(np.sin(np.radians(10)) * 0.5))
    assert euler_azimuth_deg(euler(170, 30, 0)).item() == pytest.approx(close)
    assert euler_azimuth_deg(euler(-170, 30, 0)).item() == pytest.approx(close)
    assert euler_seam_deg(euler(170, 30, 0)).item() == pytest.approx(close)
    assert euler_sheet_deg(euler(20, 30, 45)).item() == pytest.approx(0, abs=1e-6)
    assert euler_sheet_deg(euler(20, 45, 0)).item() == pytest.approx(0, abs=1e-6)
    assert euler_gimbal_deg(euler(20, 92, 0)).item() == pytest.approx(2)  # another ⟨100⟩ axis


@given(unit_quaternions, st.integers(0, 23))
def test_equivalents_are_as_far_from_all_seams(q, i):
    moved = multiply(q, CUBIC_SYMMETRY[i])
    for measure in (zone_face_deg, euler_gimbal_deg, euler_sheet_deg):
        assert measure(moved).item() == pytest.approx(measure(q).item(), abs=1e-4)
    assert 0 <= zone_face_deg(q) <= MAX_DEPTH_DEG + 1e-9
    assert euler_seam_deg(q) <= euler_gimbal_deg(q) + 1e-6


def in_zone(g: Rotation) -> np.ndarray:
    """What a writer writes, as rotation matrices (n, 3, 3)."""
    q = torch.from_numpy(g.as_quat(scalar_first=True))
    return Rotation.from_quat(to_fundamental_zone(q).numpy(), scalar_first=True).as_matrix()


def chosen(g: Rotation) -> np.ndarray:
    """What is regressed, by brute force: of 24 sets of ZYZ angles that of least β, |γ| ≤ 45°.

    As α and the matrix: (n, 10); α counts, so that a full turn is a jump.
    """
    equivalents = Rotation.concatenate([g * operator for operator in OCTAHEDRAL])
    angles = equivalents.as_euler("ZYZ", degrees=True).reshape(24, -1, 3)
    beta = np.where(np.abs(angles[..., 2]) <= 45, angles[..., 1], np.inf)
    best = beta.argmin(0), np.arange(angles.shape[1])
    matrices = equivalents.as_matrix().reshape(24, -1, 9)
    return np.column_stack((angles[best][:, 0] / 100, matrices[best]))


@pytest.mark.parametrize(
    ("measure", "representative"), [(zone_face_deg, in_zone), (euler_seam_deg, chosen)]
)
def test_no_turn_by_less_than_the_distance_makes_a_jump_and_one_by_more_does(
    measure, representative
):
    rng = np.random.default_rng(3)
    found = []
    for q in random_quaternions(24, 5):
        g, distance = Rotation.from_quat(q.numpy(), scalar_first=True), measure(q).item()
        if distance < 1:
            continue
        axes = rng.standard_normal((300, 3))
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)

        def jumps(share: float, g=g, axes=axes, distance=distance) -> np.ndarray:
            """Of turns about each axis in small steps: whether any step jumps."""
            steps = [
                representative(Rotation.from_rotvec(np.radians(share * distance * part) * axes) * g)
                for part in np.linspace(0, 1, 6)
            ]
            sizes = [np.abs(a - b).reshape(len(axes), -1).max(1) for a, b in pairwise(steps)]
            return np.max(sizes, 0) > 0.6

        found.append((jumps(0.98).any(), jumps(1.15).any()))
    assert len(found) > 12
    before, beyond = np.array(found).T
    assert not before.any()
    assert beyond.all()
