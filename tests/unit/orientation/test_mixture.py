"""The kernel's integral by scipy, its Gaussian limit, and draws against the density itself."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import cumulative_trapezoid, quad
from scipy.stats import kstest

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    kernel_log_density,
    misorientation_deg_by_operators,
    multiply,
)
from workflow.lib.orientation.mixture import NUMBERS, Mixture, draw, log_density

IDENTITY = torch.tensor([[1.0, 0, 0, 0]]).double()


def single(concentration: float, mean: torch.Tensor = IDENTITY) -> Mixture:
    zero = torch.zeros(1).double()
    return Mixture(mean, zero, zero + concentration)


def three() -> Mixture:
    weights = torch.tensor([0.5, 0.3, 0.2]).double()
    return Mixture(random_quaternions(3, 5), weights.log(), torch.tensor([20.0, 60, 0]).double())


def kernel(concentration: float, angle: float) -> float:
    """Without symmetry: the 24 equivalents of a turn are undone by counting each rotation once."""
    gammas = math.lgamma(concentration + 2) - math.lgamma(concentration + 0.5)
    return math.exp(gammas) * math.sqrt(math.pi) * math.cos(angle / 2) ** (2 * concentration)


def turns(angles_deg) -> torch.Tensor:
    return torch.stack([quaternion([1, 2, -1], angle) for angle in angles_deg])


@pytest.mark.parametrize("concentration", [0, 0.3, 5, 400, 7e4])
def test_the_kernel_s_mean_over_all_rotations_is_one(concentration):
    width = min(math.pi, 12 * math.sqrt(2 / max(concentration, 1e-9)))
    mean, _ = quad(
        lambda t: kernel(concentration, t) * (1 - math.cos(t)) / math.pi, 0, width, epsabs=0
    )
    assert mean == pytest.approx(1, rel=1e-6)


def test_the_density_is_the_mean_of_kernels_at_the_equivalents():
    mixture, at = three(), random_quaternions(6, 9)
    for one, found in zip(at, log_density(mixture, at), strict=True):
        expected = 0.0
        for mean, weight, kappa in zip(
            mixture.mean, mixture.log_weight.exp(), mixture.concentration, strict=True
        ):
            cosines = [abs(float(multiply(mean, s) @ one)) for s in CUBIC_SYMMETRY]
            kernels = [kernel(float(kappa), 2 * math.acos(min(1, c))) for c in cosines]
            expected += float(weight) * sum(kernels) / 24
        assert found.item() == pytest.approx(math.log(expected), abs=1e-9)


def test_its_mean_over_uniform_orientations_is_one():
    density = log_density(three(), random_quaternions(100_000, 2)).exp()
    assert density.mean().item() == pytest.approx(1, abs=4 * density.std().item() / 100_000**0.5)
    assert density.max() > 10


def test_equivalents_of_means_and_of_what_is_asked_about_change_nothing():
    mixture, at = three(), random_quaternions(5, 3)
    expected = log_density(mixture, at)
    for operator in CUBIC_SYMMETRY:
        torch.testing.assert_close(log_density(mixture, multiply(at, operator)), expected)
        turned = Mixture(
            -multiply(mixture.mean, operator), mixture.log_weight, mixture.concentration
        )
        torch.testing.assert_close(log_density(turned, at), expected)


@pytest.mark.parametrize("width_deg", [0.3, 2.0])
def test_narrow_kernels_are_gaussians(width_deg):
    mean, at = random_quaternions(1, 4), torch.tensor([0, 0.5, 1, 2]).double() * width_deg
    at = multiply(mean, turns(at.tolist()))
    found = log_density(single(2 / math.radians(width_deg) ** 2, mean), at)
    expected = kernel_log_density(at[None], mean[None], torch.ones(1, 1).double(), width_deg)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-3)


def test_a_widened_mixture_has_the_sum_of_the_variances():
    widened = single(2 / 0.03**2).widened(0.04)
    assert widened.concentration.item() == pytest.approx(2 / 0.05**2)
    assert single(0).widened(0.1).concentration.item() == 0


def test_gradients_are_right_and_finite_at_the_centre_and_opposite_to_it():
    numbers = torch.tensor([[3.0, 50.0]]).double().requires_grad_()
    at = random_quaternions(2, 8)

    def of(mean, kappa, log_weight):
        mixture = Mixture(mean / mean.norm(dim=-1, keepdim=True), log_weight, kappa)
        return log_density(mixture, at)

    means = random_quaternions(2, 7)[None].requires_grad_()
    weights = torch.tensor([[-0.3, -1.2]]).double().requires_grad_()
    assert torch.autograd.gradcheck(of, (means, numbers, weights))
    for angle_deg in (0, 90, 180):
        kappa = torch.tensor([7e4]).double().requires_grad_()
        mean = IDENTITY.clone().requires_grad_()
        mixture = Mixture(mean, torch.zeros(1).double(), kappa)
        log_density(mixture, quaternion([0, 0, 1], angle_deg)[None]).sum().backward()
        assert mean.grad.isfinite().all()
        assert kappa.grad.isfinite().all()


def numbers(m: int) -> torch.Tensor:
    return torch.rand(m, NUMBERS, generator=torch.Generator().manual_seed(3)).double()


@pytest.mark.parametrize("concentration", [0, 3, 500, 7e4])
def test_angles_of_draws_follow_the_kernel(concentration):
    drawn = draw(single(concentration), numbers(4000))
    assert (drawn.norm(dim=-1) - 1).abs().max() < 1e-12
    angle = 2 * torch.atan2(drawn[:, 1:].norm(dim=-1), drawn[:, 0].abs()).numpy()
    grid = np.linspace(0, min(np.pi, 12 * math.sqrt(2 / max(concentration, 1e-9))), 20_000)
    share = [kernel(concentration, t) * (1 - math.cos(t)) / math.pi for t in grid]
    cumulated = cumulative_trapezoid(share, grid, initial=0)
    assert kstest(angle, lambda t: np.interp(t, grid, cumulated)).pvalue > 0.01


def test_draws_fall_to_components_by_weight_and_nowhere_prefer_a_direction():
    means = torch.stack((IDENTITY[0], quaternion([1, 1, 1], 40)))
    mixture = Mixture(
        means, torch.tensor([0.3, 0.7]).double().log(), torch.full((2,), 5e3).double()
    )
    drawn = draw(mixture, numbers(6000))
    to_each = misorientation_deg_by_operators(drawn[:, None], means)
    assert (to_each.amin(1) < 10).all()
    assert to_each.argmin(1).double().mean().item() == pytest.approx(0.7, abs=0.02)
    vectors = drawn[to_each.argmin(1) == 0][:, 1:]
    assert vectors.mean(0).abs().max() < 4 * vectors.std() / len(vectors) ** 0.5
