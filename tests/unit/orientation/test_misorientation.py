"""misorientation.py against the 24 operators, orix, hand-derived angles and a plain loop."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions, unit_quaternions
from workflow.lib import orientation as ori
from workflow.lib.orientation import misorientation

RNG = np.random.default_rng(7)


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


def disguised(q: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """q turned by `turn` in the crystal's frame, (n, 4), then one of its 24 equivalents."""
    operators = ori.CUBIC_SYMMETRY[RNG.integers(24, size=len(q))]
    return ori.multiply(ori.multiply(q, turn), operators)


def test_random_pairs_agree_with_operators_and_orix():
    from orix.quaternion import Orientation, symmetry

    q1, q2 = random_quaternions(2000, 6), random_quaternions(2000, 7)
    angles = ori.misorientation_deg(q1, q2)
    by_operators = ori.misorientation_deg_by_operators(q1, q2)
    np.testing.assert_allclose(angles, by_operators, rtol=0, atol=1e-12)
    # orix takes specimen to crystal, hence the conjugates. None of the angles is below 1°, so
    # that its arccos has all digits that are asked for.
    theirs = [Orientation(ori.conjugate(q).numpy(), symmetry=symmetry.O) for q in (q1, q2)]
    np.testing.assert_allclose(
        angles, theirs[0].angle_with(theirs[1], degrees=True), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("angle_deg", [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1, 40])
def test_small_angles_are_exact(angle_deg):
    q = random_quaternions(500, 14)
    axes = RNG.normal(size=(500, 3))
    turn = torch.stack([quaternion(axis, angle_deg) for axis in axes])
    for measure in (ori.misorientation_deg, ori.misorientation_deg_by_operators):
        np.testing.assert_allclose(measure(q, disguised(q, turn)), angle_deg, rtol=0, atol=1e-12)


def test_angles_on_the_boundary_of_the_zone():
    """There two or three of the closed form's candidates are equal, or change places."""
    vector = RNG.normal(size=(500, 3))
    vector[0] = 1, 1, math.sqrt(2) - 1  # a corner: the largest angle there is
    vector[1] = 0, 0, 1  # 45°, the middle of an octagon
    vector[2] = 1, 1, 1  # 60°, the middle of a triangle
    octagon = (math.sqrt(2) - 1) / np.abs(vector).max(-1)  # limits of the Rodrigues vector
    triangle = 1 / np.abs(vector).sum(-1)
    vector *= np.minimum(octagon, triangle)[:, None]
    expected_deg = np.degrees(2 * np.arctan(np.linalg.norm(vector, axis=-1)))
    turn = torch.from_numpy(np.column_stack((np.ones(500), vector)))
    turn /= turn.norm(dim=-1, keepdim=True)
    q = random_quaternions(500, 15)
    for measure in (ori.misorientation_deg, ori.misorientation_deg_by_operators):
        np.testing.assert_allclose(measure(q, disguised(q, turn)), expected_deg, rtol=0, atol=1e-12)
    assert expected_deg[:3] == pytest.approx([ori.MAX_MISORIENTATION_DEG, 45, 60])


@pytest.mark.parametrize("n", [0, 1, 49_999, 50_000, 50_001, 100_001])
def test_blocks_change_nothing(monkeypatch, n):
    q1, q2 = random_quaternions(100_001, 16)[:n], random_quaternions(100_001, 17)[:n]
    monkeypatch.setattr(misorientation, "_PAIRS_ON_CPU", 50_000)
    in_blocks = ori.misorientation_deg(q1, q2)
    monkeypatch.setattr(misorientation, "_PAIRS_ON_CPU", 1_000_000)
    at_once = ori.misorientation_deg(q1, q2)
    assert in_blocks.shape == (n,)
    torch.testing.assert_close(in_blocks, at_once, rtol=0, atol=1e-12)


def test_any_layout_of_the_numbers():
    rows = random_quaternions(60, 18)
    q = rows.reshape(3, 4, 5, 4)
    components_first = q.movedim(-1, 0).contiguous().movedim(0, -1)
    every_second = torch.stack((rows, rows), -1).flatten(-2)[:, ::2].reshape(3, 4, 5, 4)
    one = random_quaternions(1, 19)[0]
    expected = ori.misorientation_deg_by_operators(q, one)
    for layout in (components_first, every_second, q):
        assert ori.misorientation_deg(layout, one).shape == (3, 4, 5)
        torch.testing.assert_close(ori.misorientation_deg(layout, one), expected)
        torch.testing.assert_close(ori.misorientation_deg(one, layout), expected)
    table = ori.misorientation_deg_by_operators(q[:, :, None], q[:, None])
    torch.testing.assert_close(ori.misorientation_deg(q[:, :, None], q[:, None]), table)
    assert ori.misorientation_deg(one, one).shape == ()
    assert ori.misorientation_deg(q[:, :0], one).shape == (3, 0, 5)


def test_the_arguments_stay_as_they_are():
    q1, q2 = random_quaternions(10, 20), random_quaternions(10, 21)
    before = q1.clone(), q2.clone()
    ori.misorientation_deg(q1, q2)
    ori.medoid(q1)
    assert torch.equal(q1, before[0])
    assert torch.equal(q2, before[1])


def test_norms_do_not_matter_and_nan_stays():
    q1, q2 = random_quaternions(100, 22), random_quaternions(100, 23)
    expected = ori.misorientation_deg(q1, q2)
    torch.testing.assert_close(ori.misorientation_deg(1.01 * q1, 0.9 * q2), expected)
    q1[3, 2] = torch.nan
    angles = ori.misorientation_deg(q1, q2)
    assert angles.isnan().nonzero().tolist() == [[3]]


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
    assert ori.misorientation_deg(q1, q1.double()).dtype == torch.float64


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


def medoid_by_loops(votes: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """For one set (k, 4), one voter after the other; of two valid votes it is the first."""
    voters = votes[valid].double()
    if not len(voters):
        return torch.full((4,), torch.nan, dtype=votes.dtype)
    means = [ori.misorientation_deg_by_operators(voter, voters).mean().item() for voter in voters]
    first = next(i for i, mean in enumerate(means) if mean <= min(means) + 1e-9)
    return votes[valid][first]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_medoid_is_the_one_of_a_plain_loop(k, dtype):
    n = 60
    votes = random_quaternions(n * k, k).reshape(n, k, 4).to(dtype)
    valid = torch.from_numpy(RNG.random((n, k)) < 0.7)
    valid[0] = False
    votes[~valid] = torch.nan
    expected = torch.stack([medoid_by_loops(*pair) for pair in zip(votes, valid, strict=True)])
    assert torch.equal(ori.medoid(votes, valid).nan_to_num(9), expected.nan_to_num(9))
    everyone = votes.nan_to_num(0.5)
    expected = torch.stack([medoid_by_loops(v, torch.ones(k, dtype=torch.bool)) for v in everyone])
    assert torch.equal(ori.medoid(everyone), expected)


def test_medoid_of_no_sets():
    assert ori.medoid(random_quaternions(0).reshape(0, 72, 4)).shape == (0, 4)


def test_medoid_in_blocks_with_invalid_votes(monkeypatch):
    votes = random_quaternions(6 * 5, 13).reshape(2, 3, 5, 4)
    valid = torch.ones(2, 3, 5, dtype=torch.bool)
    valid[0, 0, 2:] = False
    valid[1, 2] = False
    votes[0, 0, 2] = torch.nan
    whole = ori.medoid(votes, valid)
    monkeypatch.setattr(misorientation, "_PAIRS_ON_CPU", 30)
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
