"""Clusters of orientations that are known beforehand, whatever the disguise of their members."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.orientation.weighted_sets import (
    disguised,
    random_sets,
    random_weights,
    scattered,
)
from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.orientation import (
    azimuth_rotation,
    cluster,
    misorientation_deg,
    multiply,
    pairs,
)


def apart(n: int, angle_deg: float, seed: int) -> torch.Tensor:
    """Pairs of middles (n, 2, 4) that are so far apart, below 45°."""
    first = random_quaternions(n, seed)
    axes = np.random.default_rng(seed).normal(size=(n, 3))
    turn = torch.stack([quaternion(axis, angle_deg) for axis in axes])
    return torch.stack((first, multiply(first, turn)), 1)


def test_equivalents_of_one_orientation_become_one():
    middle = random_quaternions(30, 1)
    found = cluster(
        disguised(middle[:, None].expand(-1, 40, -1), 2), random_weights(30, 40, 3), 1, 3
    )
    assert misorientation_deg(found.orientation[:, 0], middle).max() < 1e-5
    assert found.orientation[:, 1:].isnan().all()
    torch.testing.assert_close(found.probability[:, 0], torch.ones(30).double())
    assert (found.probability[:, 1:] == 0).all()
    assert found.left_out.abs().max() < 1e-12


def test_two_orientations_20_degrees_apart_stay_two_with_their_weights():
    middles = apart(25, 20, 4)
    weights = torch.cat(
        (0.3 * random_weights(25, 30, 5), 0.6 * random_weights(25, 50, 6)), 1
    )  # of a sum of 0.9: one in ten answers is none
    q = torch.cat((scattered(middles[:, 0], 1, 30, 7), scattered(middles[:, 1], 1, 50, 8)), 1)
    found = cluster(q, weights, 10, 4)
    assert misorientation_deg(found.orientation[:, :2], middles.flip(1)).max() < 1
    expected = torch.tensor([0.6, 0.3, 0, 0], dtype=torch.float64).expand(25, -1)
    torch.testing.assert_close(found.probability, expected)
    torch.testing.assert_close(found.left_out, torch.full((25,), 0.1, dtype=torch.float64))


def test_a_cluster_is_the_mean_of_its_members_and_not_cut_by_a_leader_at_its_side():
    """A row of points 12° long: from its middle all are within 7°, from its ends they aren't."""
    first = random_quaternions(10, 9)
    row = torch.stack([quaternion([1, 2, 3], angle) for angle in np.linspace(0, 12, 13)])
    q = disguised(multiply(first[:, None], row), 10)
    found = cluster(q, torch.full((10, 13), 1 / 13).double(), 7, 2)
    middle = multiply(first, quaternion([1, 2, 3], 6))
    assert misorientation_deg(found.orientation[:, 0], middle).max() < 1e-4
    torch.testing.assert_close(found.probability[:, 0], torch.ones(10).double())


def test_what_does_not_fit_into_k_is_left_out_and_the_heaviest_are_kept():
    middles = torch.stack([quaternion([0, 0, 1], 22 * k) for k in range(4)])
    middles = middles[[2, 0, 3, 1]].expand(3, -1, -1)
    weights = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.float64).expand(3, -1)
    found = cluster(middles, weights, 10, 3)
    torch.testing.assert_close(found.probability, weights[:, [1, 3, 2]])
    torch.testing.assert_close(found.left_out, weights[:, 0])
    assert misorientation_deg(found.orientation, middles[:, [1, 3, 2]]).max() < 1e-5


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(0, 71))
def test_clusters_turn_with_the_points_and_not_with_equivalents_or_their_order(seed, k):
    q = scattered(random_sets(2, 3, seed), 4, 12, seed).flatten(1, 2)
    weights = random_weights(2, 36, seed)
    found = cluster(q, weights, 10, 6)
    turn = azimuth_rotation(k)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(36))
    other = cluster(disguised(multiply(turn, q), seed)[:, order], weights[:, order], 10, 6)
    torch.testing.assert_close(other.probability, found.probability, atol=1e-9, rtol=0)
    torch.testing.assert_close(other.left_out, found.left_out, atol=1e-9, rtol=0)
    angle = misorientation_deg(other.orientation, multiply(turn, found.orientation))
    assert angle[found.probability > 0].max() < 1e-5
    total = found.probability.sum(1) + found.left_out
    torch.testing.assert_close(total, torch.ones(2).double())


def test_members_are_within_the_radius_and_counted_once():
    q, weights = random_sets(20, 60, 11), random_weights(20, 60, 12)
    found = cluster(q, weights, 15, 60)
    assert found.left_out.abs().max() < 1e-12
    assert (found.probability.diff(dim=1) <= 0).all()
    # the most that any 15° hold, by brute force
    table = misorientation_deg(q[:, :, None], q[:, None]) <= 15
    densest = (table * weights[:, None]).sum(-1).amax(1)
    assert (found.probability[:, 0] >= 0.5 * densest).all()


def test_nan_and_weights_of_nothing_take_no_part():
    q, weights = scattered(random_quaternions(5, 13), 2, 8, 14), random_weights(5, 8, 15)
    q[0] = torch.nan
    q[1, 3] = torch.nan
    weights[2, 4], weights[3] = torch.nan, 0
    found = cluster(q, weights, 20, 2)
    expected = torch.stack(
        [weights[0, 0] * 0, 1 - weights[1, 3], weights[2].nansum(), weights[3, 0], weights[4].sum()]
    )
    torch.testing.assert_close(found.probability[:, 0], expected)
    torch.testing.assert_close(found.left_out, 1 - expected)
    empty = found.probability == 0
    assert torch.equal(found.orientation.isnan().all(-1), empty)
    assert torch.equal(found.orientation.isfinite().all(-1), ~empty)


def test_chunks_change_nothing(monkeypatch):
    q, weights = random_sets(40, 20, 16), random_weights(40, 20, 17)
    whole = cluster(q, weights, 20, 5)
    monkeypatch.setitem(pairs._PAIRS, "cpu", 1)
    parts = cluster(q, weights, 20, 5)
    for name in ("orientation", "probability", "left_out"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), equal_nan=True)
    assert cluster(q[:0], weights[:0], 20, 5).orientation.shape == (0, 5, 4)


@pytest.mark.parametrize(("dtype", "tolerance_deg"), [(torch.float64, 1e-5), (torch.float32, 0.15)])
def test_the_table_of_cosines_holds_misorientations(dtype, tolerance_deg):
    p, q = random_sets(3, 7, 18), random_sets(3, 11, 19)
    q[:, :3] = scattered(p[:, :3], 0.1, 1, 20)[:, :, 0]
    angle_deg = torch.rad2deg(
        2 * pairs.nearest_cosines(p.to(dtype), q.to(dtype)).clamp(max=1).acos()
    )
    expected = misorientation_deg(p[:, :, None], q[:, None])
    torch.testing.assert_close(angle_deg.double(), expected, atol=tolerance_deg, rtol=0)


def test_the_nearest_equivalent_is_one_and_the_nearest():
    q, near = random_quaternions(200, 21), random_quaternions(200, 22)
    found = pairs.nearest_equivalent(q, near)
    assert misorientation_deg(found, q).max() < 1e-5
    # as rotations, not as crystals: the scalar product is cos of half their angle
    half = (found * near).sum(-1).clamp(max=1).acos()
    torch.testing.assert_close(torch.rad2deg(2 * half), misorientation_deg(q, near))
