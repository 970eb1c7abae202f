"""Evenly spread orientations against random ones of scipy, and directions against the sphere's."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest

from tests.unit.quaternions import random_quaternions
from workflow.lib.orientation import misorientation_deg, to_fundamental_zone, to_matrix
from workflow.lib.orientation.uniform import directions, super_fibonacci, zone_spiral


def test_the_spiral_covers_all_rotations_alike():
    """Uniform rotations have matrices of mean 0 whose nine entries are uncorrelated."""
    q = super_fibonacci(5000)
    assert (q.norm(dim=-1) - 1).abs().max() < 1e-12
    entries = to_matrix(q).flatten(1).numpy()
    assert abs(entries.mean(0)).max() < 0.003  # of random ones, 0.008 would be usual
    np.testing.assert_allclose(entries.T @ entries / len(q), np.eye(9) / 3, atol=0.003)
    angle = 2 * q[:, 0].abs().acos().numpy()
    assert kstest(angle, lambda t: (t - np.sin(t)) / np.pi).statistic < 0.005


@pytest.mark.parametrize(("points", "widest_deg"), [(512, 10), (4096, 4.7)])
def test_points_of_the_zone_are_as_many_as_asked_for_and_leave_no_holes(points, widest_deg):
    grid = zone_spiral(points)
    assert len(grid) == pytest.approx(points, rel=0.02)
    torch.testing.assert_close(to_fundamental_zone(grid), grid)
    anywhere = random_quaternions(400)
    nearest = misorientation_deg(anywhere[:, None], grid).amin(1)
    assert nearest.max() < widest_deg


def test_points_of_the_zone_lie_in_it_as_random_orientations_do():
    grid, anywhere = zone_spiral(4096), to_fundamental_zone(random_quaternions(100_000))
    for component in range(4):
        found = ks_2samp(grid[:, component].numpy(), anywhere[:, component].numpy())
        assert found.statistic < 0.01


def test_directions_are_uniform_on_the_sphere():
    found = directions(torch.rand(20_000, 2, generator=torch.Generator().manual_seed(1)).double())
    assert (found.norm(dim=-1) - 1).abs().max() < 1e-12
    for component in found.numpy().T:  # Archimedes: each is uniform
        assert kstest(component, "uniform", (-1, 2)).pvalue > 0.01
    assert (found.T @ found / len(found) - torch.eye(3).double() / 3).abs().max() < 0.01
