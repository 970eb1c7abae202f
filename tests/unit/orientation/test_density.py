"""Kernel densities integrate to 1, are uniform where points are, and are what a sum gives."""

import math

import numpy as np
import pytest
import torch

from tests.unit.orientation.weighted_sets import (
    disguised,
    random_sets,
    random_weights,
    scattered,
)
from tests.unit.quaternions import random_quaternions
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    conjugate,
    kernel_log_density,
    misorientation_deg,
    multiply,
    pairs,
)


@pytest.mark.parametrize("bandwidth_deg", [3.0, 5.0, 7.0, 12.0])
def test_it_integrates_to_one(bandwidth_deg):
    """Uniform rotations are uniform in the zone as well, whichever equivalent each is."""
    at = random_quaternions(200_000, 1)[None]
    density = kernel_log_density(
        at, random_sets(1, 4, 2), random_weights(1, 4, 3), bandwidth_deg
    ).exp()
    error = density.std().item() / math.sqrt(200_000)
    assert density.mean().item() == pytest.approx(1, abs=4 * error)
    assert error < 0.05


def test_narrow_kernels_integrate_to_one_near_their_point():
    """By the shell: of uniform rotations, (1 − cos θ)/π per radian of θ lie at θ."""
    point = random_quaternions(1, 4)
    for bandwidth_deg in (0.7, 1.5):
        angle = np.linspace(0, math.radians(9 * bandwidth_deg), 2001)
        turns = np.column_stack((np.cos(angle / 2), 0 * angle, 0 * angle, np.sin(angle / 2)))
        at = multiply(point, torch.from_numpy(turns))[None]
        density = kernel_log_density(at, point[None], torch.ones(1, 1).double(), bandwidth_deg)
        shell = 24 * density.exp()[0].numpy() * (1 - np.cos(angle)) / math.pi
        assert np.trapezoid(shell, angle) == pytest.approx(1, abs=1e-4)


def test_uniform_points_give_a_uniform_density():
    q = random_quaternions(40_000, 5)[None]
    weights = torch.full((1, 40_000), 1 / 40_000, dtype=torch.float64)
    log_density = kernel_log_density(random_quaternions(50, 6)[None], q, weights, 9)
    assert log_density.abs().max() < 0.15


def test_it_is_the_sum_over_all_operators():
    at, q, weights = random_sets(2, 9, 7), random_sets(2, 5, 8), random_weights(2, 5, 9)
    q[:, 0] = scattered(at[:, 0], 4, 1, 10)[:, 0]
    one = torch.ones(1, 1).double()
    peak = kernel_log_density(q[:1, :1], q[:1, :1], one, 7.0).exp().item()
    difference = multiply(conjugate(at)[:, :, None], q[:, None])[..., None, :]
    half = multiply(difference, CUBIC_SYMMETRY)[..., 0].abs().clamp(max=1).acos()
    kernels = peak * torch.exp(-((2 * half / math.radians(7)) ** 2) / 2).sum(-1)
    expected = (kernels * weights[:, None]).sum(-1).log()
    found = kernel_log_density(at, disguised(q, 11), weights, 7.0)
    near = expected > -6  # further out there are several that are equally near
    torch.testing.assert_close(found[near], expected[near], atol=1e-3, rtol=0)
    assert near.sum() >= 2


def test_the_others_are_those_without_oneself():
    q, weights = scattered(random_quaternions(3, 12), 5, 6, 13), random_weights(3, 6, 14)
    q[1, 2], weights[1, 2] = torch.nan, 0
    found = kernel_log_density(q, q, weights, 4, others=True)
    for i in range(6):
        rest = [j for j in range(6) if j != i]
        scaled = weights[:, rest] / weights[:, rest].sum(1, keepdim=True)
        scaled *= weights.sum(1, keepdim=True)
        expected = kernel_log_density(q[:, i : i + 1], q[:, rest], scaled, 4)[:, 0]
        valid = q[:, i].isfinite().all(-1)
        torch.testing.assert_close(found[valid, i], expected[valid])
    alone = kernel_log_density(q[:, :1], q[:, :1], torch.ones(3, 1), 4, others=True)
    assert alone.tolist() == [[-math.inf]] * 3


def test_half_the_weight_is_half_the_density_and_no_weight_none():
    at, q, weights = random_sets(2, 4, 15), random_sets(2, 3, 16), random_weights(2, 3, 17)
    whole = kernel_log_density(at, q, weights, 10)
    half = kernel_log_density(at, q, weights / 2, 10)
    torch.testing.assert_close(half, whole - math.log(2))
    assert (kernel_log_density(at, q, 0 * weights, 10) == -math.inf).all()
    q[:, 1] = torch.nan
    weights[:, 1] = 0
    rest = kernel_log_density(at, q[:, [0, 2]], weights[:, [0, 2]], 10)
    torch.testing.assert_close(kernel_log_density(at, q, weights, 10), rest)


def test_far_away_it_is_exact_and_single_precision_will_do(monkeypatch):
    at, q, weights = random_sets(5, 6, 18), random_sets(5, 7, 19), random_weights(5, 7, 20)
    exact = kernel_log_density(at, q, weights, 0.7)
    assert exact.min() < -500
    nearest = misorientation_deg(at[:, :, None], q[:, None])
    slope = -((nearest / 0.7) ** 2).amin(-1) / 2
    assert (exact - slope).abs().max() < 20  # the peak and the weights
    single = kernel_log_density(at.float(), q.float(), weights.float(), 0.7)
    torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=0.05)
    monkeypatch.setitem(pairs._PAIRS, "cpu", 1)
    torch.testing.assert_close(kernel_log_density(at, q, weights, 0.7), exact)
