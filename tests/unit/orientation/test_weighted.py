"""Means against scipy's and orix's; the least expected misorientation against brute force."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from tests.unit.orientation.weighted_sets import (
    disguised,
    random_sets,
    random_weights,
    scattered,
)
from tests.unit.quaternions import random_quaternions
from workflow.lib.orientation import (
    azimuth_rotation,
    expected_misorientation_deg,
    least_expected,
    misorientation_deg,
    misorientation_deg_by_operators,
    multiply,
    pairs,
    symmetric_mean,
)

NAN = torch.full((4,), torch.nan, dtype=torch.float64)


def expected_by_operators(answer, q, weights) -> torch.Tensor:
    """(a,) of answers (a, 4) for one set (m, 4)."""
    table = misorientation_deg_by_operators(answer[:, None], q[None])
    return (table * weights).sum(1) / weights.sum()


@pytest.mark.parametrize("spread_deg", [0.1, 3, 8])
def test_mean_is_scipys_once_all_are_in_the_same_zone(spread_deg):
    middle = random_quaternions(20, 1)
    plain = scattered(middle, spread_deg, 15, 2)
    weights = 7 * random_weights(20, 15, 3)
    near = scattered(middle, 1, 1, 4)[:, 0]
    means = symmetric_mean(plain, weights, near)
    for i in range(20):
        # scipy knows the symmetry as well, from the right in an inverted convention
        theirs = Rotation.from_quat(plain[i].numpy(), scalar_first=True)
        reduced = [r.reduce(right=Rotation.create_group("O")) for r in as_seen(near[i], theirs)]
        mean = Rotation.concatenate(reduced).mean(weights[i].numpy())
        back = Rotation.from_quat(near[i].numpy(), scalar_first=True) * mean
        expected = torch.from_numpy(back.as_quat(scalar_first=True))
        assert misorientation_deg(means[i], expected) < 1e-5


def as_seen(near: torch.Tensor, rotations: Rotation) -> list[Rotation]:
    inverse = Rotation.from_quat(near.numpy(), scalar_first=True).inv()
    return [inverse * rotation for rotation in rotations]


def test_mean_is_orix_mean_of_a_set_without_symmetry():
    """orix has no mean that knows of symmetry; its plain one is of equivalents that agree."""
    from orix.quaternion import Orientation

    middle = random_quaternions(1, 5)[0]
    turns = scattered(torch.tensor([1.0, 0, 0, 0], dtype=torch.float64), 4, 30, 6)
    q = multiply(middle, pairs.nearest_equivalent(turns, torch.eye(4, dtype=torch.float64)[0]))
    theirs = torch.from_numpy(Orientation(q.numpy()).mean().data.ravel())
    ours = symmetric_mean(disguised(q, 7), torch.ones(30), middle)
    assert misorientation_deg(ours, theirs) < 1e-5


def test_mean_takes_no_part_of_nan_and_of_weight_nothing():
    q = scattered(random_quaternions(3, 8), 3, 6, 9)
    weights = random_weights(3, 6, 10)
    near = q[:, 0]
    expected = symmetric_mean(q[:, :4], weights[:, :4], near)
    q[:, 4], weights[:, 4] = torch.nan, 0
    weights[:, 5] = torch.nan
    torch.testing.assert_close(symmetric_mean(q, weights, near), expected)
    weights[1] = 0
    mean = symmetric_mean(q, weights, torch.stack((NAN, near[1], near[2])))
    assert mean[:2].isnan().all()
    torch.testing.assert_close(mean[2], expected[2])


@pytest.mark.parametrize("m", [1, 2, 3, 5, 8, 40])
def test_no_point_is_better_than_the_least_expected(m):
    q, weights = random_sets(60, m, m), random_weights(60, m, m)
    answer = least_expected(q, weights)
    for one, points, weight in zip(answer, q, weights, strict=True):
        least = expected_by_operators(points, points, weight).min()
        assert expected_by_operators(one[None], points, weight) <= least + 1e-9


def test_least_expected_of_two_unequal_points_is_the_heavier_one():
    q = torch.stack((random_quaternions(50, 1), random_quaternions(50, 2)), 1)
    weights = torch.tensor([[0.4, 0.6]], dtype=torch.float64).expand(50, -1)
    assert misorientation_deg(least_expected(q, weights), q[:, 1]).max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_least_expected_of_concentrated_sets_is_scipys_minimum(dtype):
    middle = random_quaternions(12, 3)
    q, weights = scattered(middle, 4, 25, 4), random_weights(12, 25, 5)
    answer = least_expected(q.to(dtype), weights.to(dtype)).double()
    for one, points, weight, start in zip(answer, q, weights, middle, strict=True):

        def expected(vector, points=points, weight=weight, start=start):
            turn = Rotation.from_rotvec(vector, degrees=True).as_quat(scalar_first=True)
            moved = multiply(start, torch.from_numpy(turn))
            return expected_by_operators(moved[None], points, weight).item()

        best = minimize(expected, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-4})
        turn = Rotation.from_rotvec(best.x, degrees=True).as_quat(scalar_first=True)
        theirs = multiply(start, torch.from_numpy(turn))
        assert misorientation_deg(one, theirs) < 0.05
        ours = expected_by_operators(one[None], points, weight).item()
        assert ours == pytest.approx(best.fun, abs=1e-3)


def test_least_expected_finds_the_heavier_mode_and_looks_where_it_is_told():
    modes = torch.stack((random_quaternions(10, 6), random_quaternions(10, 7)), 1)
    q = scattered(modes, 2, 20, 8).flatten(1, 2)
    weights = torch.cat((torch.full((10, 20), 0.015), torch.full((10, 20), 0.035)), 1).double()
    answer = least_expected(q, weights)
    assert misorientation_deg(answer, modes[:, 1]).max() < 4
    told = least_expected(q, weights, torch.stack((modes[:, 1], NAN.expand(10, 4)), 1))
    better = expected_misorientation_deg(told[:, None], q, weights)
    assert (better <= expected_misorientation_deg(answer[:, None], q, weights) + 1e-3).all()


def test_least_expected_turns_with_the_points_and_not_with_their_equivalents():
    q, weights = random_sets(30, 12, 9), random_weights(30, 12, 10)
    before = expected_misorientation_deg(least_expected(q, weights)[:, None], q, weights)
    turned = disguised(multiply(azimuth_rotation(13), q), 11)
    after = expected_misorientation_deg(least_expected(turned, weights)[:, None], turned, weights)
    torch.testing.assert_close(after, before, atol=0.01, rtol=0)


def test_least_expected_passes_over_nan_and_bears_sets_of_nothing(monkeypatch):
    q, weights = random_sets(7, 9, 12), random_weights(7, 9, 13)
    q[:, 7:], weights[:, 8] = torch.nan, 0
    q[3] = torch.nan
    answer = least_expected(q, weights)
    torch.testing.assert_close(answer, least_expected(q[:, :7], weights[:, :7]), equal_nan=True)
    assert answer.isfinite().all(-1).tolist() == [i != 3 for i in range(7)]
    monkeypatch.setitem(pairs._PAIRS, "cpu", 1)
    torch.testing.assert_close(least_expected(q, weights), answer, equal_nan=True)
    lead = least_expected(q.reshape(7, 1, 9, 4), weights.reshape(7, 1, 9))
    torch.testing.assert_close(lead[:, 0], answer, equal_nan=True)
    assert least_expected(q[:0], weights[:0]).shape == (0, 4)


def test_expected_misorientation_is_the_mean_over_operators():
    q, weights, answers = random_sets(4, 6, 14), random_weights(4, 6, 15), random_sets(4, 3, 16)
    table = expected_misorientation_deg(answers, q, 3 * weights)
    for i in range(4):
        expected = expected_by_operators(answers[i], q[i], weights[i])
        torch.testing.assert_close(table[i], expected, atol=1e-9, rtol=0)
