"""orientation.py against scipy, orix, hand-derived crystallography and its own symmetries."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from workflow.lib import orientation as ori

RNG = np.random.default_rng(7)


def random_quaternions(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(
        Rotation.random(n, rng=np.random.default_rng(seed)).as_quat(scalar_first=True)
    )


def quaternion(axis, angle_deg: float) -> torch.Tensor:
    axis = np.asarray(axis, float)
    rotation = Rotation.from_rotvec(np.radians(angle_deg) * axis / np.linalg.norm(axis))
    return torch.from_numpy(rotation.as_quat(scalar_first=True))


unit_quaternions = (
    arrays(np.float64, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 1e-3)
    .map(lambda q: torch.from_numpy(q / np.linalg.norm(q)))
)


def as_rotation(q: torch.Tensor) -> Rotation:
    return Rotation.from_quat(q.numpy(), scalar_first=True)


def test_symmetry_group_is_scipys_octahedral_group():
    ours = as_rotation(ori.CUBIC_SYMMETRY).as_matrix()
    theirs = Rotation.create_group("O").as_matrix()
    assert ori.CUBIC_SYMMETRY.shape == (24, 4)
    distance = np.abs(ours[:, None] - theirs[None]).max((-1, -2))
    assert (distance < 1e-12).sum(0).tolist() == [1] * 24
    assert (distance < 1e-12).sum(1).tolist() == [1] * 24


def test_multiply_and_conjugate_agree_with_scipy():
    p, q = random_quaternions(100, 1), random_quaternions(100, 2)
    product = as_rotation(p) * as_rotation(q)
    np.testing.assert_allclose(ori.to_matrix(ori.multiply(p, q)), product.as_matrix(), atol=1e-14)
    inverse = as_rotation(q).inv().as_matrix()
    np.testing.assert_allclose(ori.to_matrix(ori.conjugate(q)), inverse, atol=1e-14)


def test_euler_angles_are_intrinsic_zyz():
    rad = torch.from_numpy(RNG.uniform(-7, 7, (200, 3)))
    expected = Rotation.from_euler("ZYZ", rad.numpy()).as_matrix()
    np.testing.assert_allclose(ori.to_matrix(ori.from_euler_zyz(rad)), expected, atol=1e-13)


def test_euler_angles_are_not_bunges_zxz_but_related_to_them():
    """A mix-up cancels in Table 1, so it has to be caught here."""
    a, b, c = 0.4, 0.9, -1.3
    ours = ori.to_matrix(ori.from_euler_zyz(torch.tensor([a, b, c], dtype=torch.float64)))
    related = Rotation.from_euler("ZXZ", [a + math.pi / 2, b, c - math.pi / 2]).as_matrix()
    mixed_up = Rotation.from_euler("ZXZ", [a, b, c]).as_matrix()
    np.testing.assert_allclose(ours, related, atol=1e-14)
    assert np.abs(ours.numpy() - mixed_up).max() > 0.3


def test_euler_angles_by_hand():
    """β = 90° alone turns the crystal's z axis onto the specimen's x axis."""
    q = ori.from_euler_zyz(torch.tensor([0.0, math.pi / 2, 0.0], dtype=torch.float64))
    expected = torch.tensor([1.0, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(ori.to_matrix(q)[:, 2], expected)


def test_orix_agrees_once_transposed():
    """orix's from_euler takes specimen to crystal; ours is its inverse."""
    from orix.quaternion import Orientation, symmetry

    bunge = RNG.uniform([0, 0, 0], [2 * np.pi, np.pi, 2 * np.pi], (50, 3))
    theirs = Orientation.from_euler(bunge, symmetry=symmetry.O)
    zyz = torch.from_numpy(bunge - [np.pi / 2, 0, -np.pi / 2])
    ours = ori.to_matrix(ori.from_euler_zyz(zyz)).numpy()
    np.testing.assert_allclose(ours, theirs.to_matrix().transpose(0, 2, 1), atol=1e-12)
    assert np.abs(ours - theirs.to_matrix()).max() > 0.5


@given(unit_quaternions)
def test_euler_and_matrix_round_trips(q):
    for back in (
        ori.from_euler_zyz(ori.to_euler_zyz(q)),
        ori.from_matrix(ori.to_matrix(q)),
    ):
        np.testing.assert_allclose(ori.to_matrix(back), ori.to_matrix(q), atol=1e-7)
        assert back[0] >= 0


def test_euler_ranges():
    rad = ori.to_euler_zyz(random_quaternions(1000))
    assert rad[:, 1].min() >= 0
    assert rad[:, 1].max() <= math.pi
    assert rad[:, [0, 2]].abs().max() <= math.pi


@given(unit_quaternions, st.integers(-100, 100))
def test_azimuth_rotation_shifts_alpha(q, k):
    turned = ori.to_matrix(ori.multiply(ori.azimuth_rotation(k), q))
    by_hand = Rotation.from_euler("z", 5.0 * k, degrees=True).as_matrix()
    np.testing.assert_allclose(turned, by_hand @ ori.to_matrix(q).numpy(), atol=1e-12)
    euler = ori.to_euler_zyz(q)
    euler[0] += 2 * math.pi * k / 72
    np.testing.assert_allclose(ori.to_matrix(ori.from_euler_zyz(euler)), turned, atol=1e-7)


@pytest.mark.parametrize(
    ("axis", "angle_deg", "expected_deg"),
    [
        ([0, 0, 1], 0, 0),
        ([0, 0, 1], 90, 0),  # a symmetry operator
        ([1, 1, 1], 120, 0),  # a symmetry operator
        ([1, 1, 0], 180, 0),  # a symmetry operator
        ([0, 0, 1], 1e-4, 1e-4),
        ([1, 2, 3], 1e-6, 1e-6),
        ([0, 0, 1], 45, 45),  # the most about ⟨100⟩
        ([0, 0, 1], 50, 40),  # 50° about ⟨100⟩ is 40° back
        ([1, 1, 1], 60, 60),  # the twin, Σ3: the most about ⟨111⟩
        ([1, 1, 0], 70.528779366, 60),  # the same twin, seen along ⟨110⟩
        ([1, 1, 0], 38.942441268, 38.942441268),  # Σ9
    ],
)
def test_hand_derived_misorientations(axis, angle_deg, expected_deg):
    identity = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    other = quaternion(axis, angle_deg)
    for measure in (ori.misorientation_deg, ori.misorientation_deg_by_operators):
        assert measure(identity, other).item() == pytest.approx(expected_deg, abs=1e-6)


def test_largest_misorientation_is_mackenzies():
    """90° about ⟨1 1 √2−1⟩: the corner of the zone, 62.799° (Mackenzie 1958)."""
    corner = quaternion([1, 1, math.sqrt(2) - 1], math.degrees(math.acos((2 * 2**0.5 - 1) / 4)))
    identity = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    assert math.isclose(ori.MAX_MISORIENTATION_DEG, 62.7994, abs_tol=1e-4)
    for measure in (ori.misorientation_deg, ori.misorientation_deg_by_operators):
        assert measure(identity, corner).item() == pytest.approx(62.799429620, abs=1e-6)
    many = ori.misorientation_deg(random_quaternions(200_000, 3), identity)
    assert 62 < many.max() <= 62.799430


def test_random_pairs_have_the_mackenzie_distribution():
    angles = ori.misorientation_deg(random_quaternions(200_000, 4), random_quaternions(200_000, 5))
    assert angles.median().item() == pytest.approx(42.4, abs=0.15)
    assert angles.mean().item() == pytest.approx(40.8, abs=0.15)


def test_closed_form_operators_and_orix_agree():
    from orix.quaternion import Misorientation, symmetry

    q1, q2 = random_quaternions(2000, 6), random_quaternions(2000, 7)
    # Half of the pairs nearly equal, where arccos loses its digits.
    near = torch.from_numpy(
        Rotation.from_rotvec(RNG.normal(0, 1e-5, (1000, 3))).as_quat(scalar_first=True)
    )
    operators = ori.CUBIC_SYMMETRY[RNG.integers(24, size=1000)]
    q2[:1000] = ori.multiply(ori.multiply(q1[:1000], near), operators)
    closed = ori.misorientation_deg(q1, q2)
    np.testing.assert_allclose(closed, ori.misorientation_deg_by_operators(q1, q2), atol=1e-6)
    difference = Misorientation(
        ori.multiply(ori.conjugate(q1), q2).numpy(), symmetry=(symmetry.O, symmetry.O)
    )
    theirs = np.degrees(difference.reduce().angle)
    # orix takes an arccos, so it is good to 2e-6° only where the angle is not tiny.
    np.testing.assert_allclose(closed[1000:], theirs[1000:], atol=1e-6)
    np.testing.assert_allclose(closed[:1000], theirs[:1000], atol=1e-5)


@given(unit_quaternions, unit_quaternions, st.integers(0, 23), st.integers(0, 23))
def test_misorientation_knows_the_symmetry_side(q1, q2, i, j):
    s1, s2 = ori.CUBIC_SYMMETRY[i], ori.CUBIC_SYMMETRY[j]
    angle = ori.misorientation_deg(q1, q2).item()
    moved = ori.misorientation_deg(ori.multiply(q1, s1), -ori.multiply(q2, s2)).item()
    assert moved == pytest.approx(angle, abs=1e-6)
    turn = ori.azimuth_rotation(11)
    turned = ori.misorientation_deg(ori.multiply(turn, q1), ori.multiply(turn, q2)).item()
    assert turned == pytest.approx(angle, abs=1e-6)
    assert ori.misorientation_deg(q2, q1).item() == pytest.approx(angle, abs=1e-6)


def test_symmetry_on_the_left_is_something_else():
    q = random_quaternions(100, 8)
    left = ori.multiply(ori.CUBIC_SYMMETRY[5], q)
    assert ori.misorientation_deg(q, left).min() > 1


def test_misorientation_broadcasts_and_keeps_dtype():
    q1, q2 = random_quaternions(5).float(), random_quaternions(3, 1).float()
    angles = ori.misorientation_deg(q1[:, None], q2[None])
    assert angles.shape == (5, 3)
    assert angles.dtype == torch.float32
    exact = ori.misorientation_deg(q1[4].double(), q2[2].double())
    assert angles[4, 2].item() == pytest.approx(exact.item(), abs=1e-4)
    assert ori.misorientation_deg(q1, q1).max() < 1e-4  # arccos would give 0.04


@given(unit_quaternions, st.integers(0, 23))
def test_fundamental_zone(q, i):
    zone = ori.to_fundamental_zone(q)
    moved = ori.to_fundamental_zone(ori.multiply(q, ori.CUBIC_SYMMETRY[i]))
    assert ori.misorientation_deg(zone, q).item() < 1e-6
    assert zone[0].item() == pytest.approx(moved[0].item(), abs=1e-9)
    # In the zone the angle is the misorientation from the identity; Rodrigues' limits by hand.
    assert zone[0] >= math.cos(math.radians(62.7995 / 2))
    rodrigues = (zone[1:] / zone[0]).abs()
    assert rodrigues.max() <= math.sqrt(2) - 1 + 1e-9
    assert rodrigues.sum() <= 1 + 1e-9


def test_loss_is_eq_3_with_matrices():
    q1, q2 = random_quaternions(200, 9), random_quaternions(200, 10)
    g1, g2, s = (ori.to_matrix(q) for q in (q1, q2, ori.CUBIC_SYMMETRY))
    traces = torch.einsum("nij,sjk,nik->ns", g1, s, g2)
    expected = (3 - traces).amin(-1).sqrt()
    torch.testing.assert_close(ori.disorientation_loss(q1, q2), expected, atol=1e-6, rtol=0)


def test_loss_has_a_finite_gradient_where_it_vanishes():
    rad = torch.tensor([[0.3, 0.4, 0.5]], dtype=torch.float64, requires_grad=True)
    target = ori.from_euler_zyz(rad.detach())
    ori.disorientation_loss(ori.from_euler_zyz(rad), target).sum().backward()
    assert torch.isfinite(rad.grad).all()
    away = torch.tensor([[0.35, 0.4, 0.45]], dtype=torch.float64, requires_grad=True)

    def loss(angles):
        return ori.disorientation_loss(ori.from_euler_zyz(angles), target)

    assert torch.autograd.gradcheck(loss, (away,))


def test_medoid_is_a_member_and_ignores_an_outlier():
    centre = random_quaternions(1, 11)[0]
    noise = Rotation.from_rotvec(RNG.normal(0, 0.01, (20, 3))).as_quat(scalar_first=True)
    votes = ori.multiply(centre, torch.from_numpy(noise))
    votes[3] = random_quaternions(1, 12)[0]  # an outlier
    votes[4:] = ori.multiply(votes[4:], ori.CUBIC_SYMMETRY[RNG.integers(24, size=16)])
    chosen = ori.medoid(votes)
    assert (votes == chosen).all(-1).any()
    table = ori.misorientation_deg_by_operators(votes[:, None], votes[None])
    torch.testing.assert_close(chosen, votes[table.mean(-1).argmin()])
    assert ori.misorientation_deg(chosen, centre) < 1.5


def test_medoid_in_blocks_with_invalid_votes(monkeypatch):
    votes = random_quaternions(6 * 5, 13).reshape(2, 3, 5, 4)
    valid = torch.ones(2, 3, 5, dtype=torch.bool)
    valid[0, 0, 2:] = False
    valid[1, 2] = False
    votes[0, 0, 2] = torch.nan
    whole = ori.medoid(votes, valid)
    monkeypatch.setattr(ori, "_MEDOID_PAIRS", 30)
    torch.testing.assert_close(ori.medoid(votes, valid), whole, equal_nan=True)
    assert whole.shape == (2, 3, 4)
    assert whole[1, 2].isnan().all()
    torch.testing.assert_close(whole[0, 0], votes[0, 0, 0])  # of two, a tie: the first


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_medoid_does_not_depend_on_the_frame(seed):
    votes = random_quaternions(9, seed)
    turn = ori.azimuth_rotation(17)
    expected = ori.multiply(turn, ori.medoid(votes))
    torch.testing.assert_close(ori.medoid(ori.multiply(turn, votes)), expected)
