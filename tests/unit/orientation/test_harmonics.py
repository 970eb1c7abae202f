"""The embedding against scipy's harmonics and the tensor itself; the way back against a search."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from tests.unit.quaternions import quaternion, random_quaternions, unit_quaternions
from workflow.lib import orientation as ori
from workflow.lib.orientation import harmonics
from workflow.lib.orientation.harmonics import cubic_embedding, nearest_orientation


def tensors(q: torch.Tensor) -> np.ndarray:
    """Σ_i of the fourth power of each axis, (n, 81), without its mean over all rotations."""
    axes = Rotation.from_quat(q.numpy(), scalar_first=True).as_matrix()
    found = np.einsum("nai,nbi,nci,ndi->nabcd", axes, axes, axes, axes)
    one = np.eye(3)
    mean = sum(np.einsum(f"{pair},{rest}->abcd", one, one) for pair, rest in
               (("ab", "cd"), ("ac", "bd"), ("ad", "bc"))) / 5  # fmt: skip
    return (found - mean).reshape(len(q), -1)


def similarity(q: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (cubic_embedding(q) * y).sum(-1)


@given(unit_quaternions)
def test_all_24_equivalents_are_one_point(q):
    points = cubic_embedding(ori.multiply(q, ori.CUBIC_SYMMETRY))
    assert (points - points[0]).abs().max() < 1e-12
    assert points.norm(dim=-1).sub(1).abs().max() < 1e-12


def test_inner_products_are_those_of_the_tensors():
    q1, q2 = random_quaternions(40, 1), random_quaternions(50, 2)
    left, right = tensors(q1), tensors(q2)
    np.testing.assert_allclose((left**2).sum(-1), 6 / 5)  # 3 by hand, less 9/5 of the mean
    ours = cubic_embedding(q1) @ cubic_embedding(q2).T
    np.testing.assert_allclose(ours, left @ right.T / (6 / 5), atol=1e-12)


def test_coordinates_are_the_real_harmonics_of_scipy():
    q = random_quaternions(30, 3)
    x, y, z = Rotation.from_quat(q.numpy(), scalar_first=True).as_matrix().transpose(1, 0, 2)
    theta, phi = np.arccos(z), np.arctan2(y, x)
    for m in range(-4, 5):
        values = sph_harm_y(4, abs(m), theta, phi)
        sign = math.sqrt(2) * (-1) ** m if m else 1
        real = (values.imag if m < 0 else values.real) * sign
        scaled = real.sum(-1) * math.sqrt(4 * math.pi / 9 / 5.25)
        np.testing.assert_allclose(cubic_embedding(q)[:, 4 + m], scaled, atol=1e-12)


def test_its_mean_over_rotations_is_zero():
    """And they spread evenly over the nine dimensions."""
    points = cubic_embedding(random_quaternions(100_000, 4))
    assert points.mean(0).abs().max() < 0.01
    np.testing.assert_allclose(points.T @ points / len(points), np.eye(9) / 9, atol=0.005)


@given(unit_quaternions, unit_quaternions, unit_quaternions)
def test_turning_the_specimen_changes_no_distance(turn, q1, q2):
    before = similarity(q1, cubic_embedding(q2)).item()
    after = similarity(ori.multiply(turn, q1), cubic_embedding(ori.multiply(turn, q2))).item()
    assert after == pytest.approx(before, abs=1e-12)


def test_turning_the_specimen_is_linear():
    turn, q = random_quaternions(1, 5), random_quaternions(40, 6)
    before, after = cubic_embedding(q), cubic_embedding(ori.multiply(turn, q))
    matrix = torch.linalg.lstsq(before[:20], after[:20]).solution
    torch.testing.assert_close(before[20:] @ matrix, after[20:])
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(9).double())


@pytest.mark.parametrize("axis", [(0, 0, 1), (0, 1, 1), (1, 1, 1), (0.3, -0.5, 0.9)])
def test_near_zero_distance_is_the_angle_whatever_the_axis(axis):
    angle_deg = 0.5
    turned = ori.multiply(random_quaternions(5, 7), quaternion(axis, angle_deg))
    apart = (cubic_embedding(turned) - cubic_embedding(random_quaternions(5, 7))).norm(dim=-1)
    expected = math.sqrt(20 / 3) * math.radians(angle_deg)
    torch.testing.assert_close(apart, torch.full_like(apart, expected), rtol=1e-3, atol=0)


def test_different_orientations_are_different_points():
    """A distance is at least 1.2 times the angle, everywhere; at 60° about ⟨111⟩ as well."""
    q = random_quaternions(40_000, 8).reshape(2, -1, 4)
    q = torch.cat(
        (q, torch.stack((quaternion((1, 0, 0), 0), quaternion((1, 1, 1), 60)))[:, None]), 1
    )
    apart = (cubic_embedding(q[0]) - cubic_embedding(q[1])).norm(dim=-1)
    angle = torch.deg2rad(ori.misorientation_deg(q[0], q[1]))
    assert (apart / angle).min() > 1.2


def test_generators_are_the_derivative():
    q, small = random_quaternions(20, 9), 1e-4
    for axis, generator in zip(np.eye(3), harmonics._generators(torch.device("cpu")), strict=True):
        there, back = (
            cubic_embedding(ori.multiply(quaternion(axis, angle_deg), q))
            for angle_deg in (math.degrees(small), -math.degrees(small))
        )
        expected = cubic_embedding(q) @ generator.T
        torch.testing.assert_close((there - back) / (2 * small), expected, atol=1e-6, rtol=0)


def test_no_orientation_is_far_from_the_coarse_set():
    coarse = harmonics._coarse_set(torch.device("cpu"))[0]
    blocks = random_quaternions(3000, 10).split(250)
    apart = [ori.misorientation_deg(q[:, None], coarse).amin(1) for q in blocks]
    assert torch.cat(apart).max() < 8
    assert len(coarse) == 1004


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_way_back_from_an_embedding(dtype):
    q = random_quaternions(3000, 11)
    special = [quaternion(axis, deg) for axis, deg in
               [((0, 0, 1), 0), ((0, 0, 1), 45), ((1, 1, 1), 60), ((0, 1, 1), 62.8)]]  # fmt: skip
    q = torch.cat((q, torch.stack(special)))
    length = torch.linspace(0.01, 30, len(q)).double()[:, None]
    back = nearest_orientation((length * cubic_embedding(q)).to(dtype))
    assert back.dtype == torch.float64
    assert (back[:, 0] >= 0).all()
    torch.testing.assert_close(back.norm(dim=-1), torch.ones(len(q)).double())
    assert ori.misorientation_deg(back, q).max() < (1e-2 if dtype == torch.float32 else 1e-4)


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.3, 1, 10])
def test_no_orientation_is_nearer_than_the_answer(noise):
    """Neither the truth that noise was added to, nor any of a thousand others, nor one beside."""
    truth = random_quaternions(500, 15)
    rng = torch.Generator().manual_seed(16)
    y = cubic_embedding(truth) + noise * torch.randn(500, 9, generator=rng).double()
    answer = nearest_orientation(y)
    limit = similarity(answer, y) + 1e-9
    assert (similarity(truth, y) <= limit).all()
    assert ((cubic_embedding(random_quaternions(1000, 17)) @ y.T).amax(0) <= limit).all()
    for axis in np.vstack((np.eye(3), -np.eye(3))):
        assert (similarity(ori.multiply(quaternion(axis, 0.1), answer), y) <= limit).all()


def test_no_other_maximum_is_higher():
    """Of directions at random, a hundredth of which have several: climbs from everywhere."""
    y = torch.randn(1000, 9, generator=torch.Generator().manual_seed(0)).double()
    y = y / y.norm(dim=-1, keepdim=True)
    everywhere = harmonics._coarse_set(torch.device("cpu"))[0][::50].expand(len(y), -1, -1)
    _, heights = harmonics._climbed(everywhere, y[:, None], 20)
    assert (heights.amax(1) - heights.amin(1) > 1e-3).sum() > 5
    assert (similarity(nearest_orientation(y), y) >= heights.amax(1) - 1e-9).all()


def test_shapes_and_rows_do_not_matter(monkeypatch):
    y = torch.randn(4, 5, 9, generator=torch.Generator().manual_seed(0))
    whole = nearest_orientation(y)
    assert whole.shape == (4, 5, 4)
    monkeypatch.setitem(harmonics._ROWS, "cpu", 3)
    assert ori.misorientation_deg(nearest_orientation(y), whole).max() < 1e-3
    assert nearest_orientation(y[0, 0]).shape == (4,)
    assert nearest_orientation(y[:0]).shape == (0, 5, 4)


def test_what_is_no_number_is_no_orientation():
    y = cubic_embedding(random_quaternions(5, 13))
    y[1, 3], y[2, 0], y[3] = torch.nan, torch.inf, 0
    answer = nearest_orientation(y.requires_grad_())
    assert answer.isfinite().all(-1).tolist() == [True, False, False, True, True]
    assert not answer.requires_grad


def test_its_gradient_is_finite_and_right():
    q = random_quaternions(5, 14).requires_grad_()
    assert torch.autograd.gradcheck(cubic_embedding, (q,))
