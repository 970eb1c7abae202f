"""orientation.py against scipy, orix, hand-derived crystallography and its own symmetries."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import random_quaternions, unit_quaternions
from workflow.lib import orientation as ori

RNG = np.random.default_rng(7)


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
