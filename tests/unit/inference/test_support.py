"""Kernel densities with a uniform share, their levels, and the product of views, by brute force."""

import math

import numpy as np
import pytest
import torch

from tests.unit.inference.known_tasks import moved
from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.inference import support
from workflow.lib.inference.levels import level
from workflow.lib.inference.support import FLOOR, Support, log_density
from workflow.lib.models.task import Draws
from workflow.lib.orientation import misorientation_deg_by_operators, multiply

UNIFORM = random_quaternions(150_000, 1)[None]
BANDWIDTH_DEG = 6.0


def points(weights: list[float]) -> Support:
    """The second, 35° from the first."""
    first = random_quaternions(1, 2)[0]
    second = multiply(first, quaternion([1, 0.3, 0.2], 35))
    third = torch.full((4,), torch.nan, dtype=torch.float64)
    q = torch.stack((first, second, third))[: len(weights)]
    return Support(q[None], torch.tensor([weights], dtype=torch.float64))


@pytest.mark.parametrize("weights", [[1.0, 0.0], [0.7, 0.3], [0.3, 0.3, 0.0], [0.0, 0.0]])
def test_a_density_integrates_to_one_and_what_lacks_is_uniform(weights):
    density = log_density(UNIFORM, points(weights), BANDWIDTH_DEG).exp()[0]
    error = density.std().item() / math.sqrt(len(density))
    assert density.mean().item() == pytest.approx(1, abs=4 * error + 1e-12)
    uniform = 1 - (1 - FLOOR) * sum(weights)
    assert density.min().item() == pytest.approx(uniform)


@pytest.mark.parametrize("angle_deg", [1.0, 4.0, 8.0, 12.0, 20.0])
def test_the_level_of_one_kernel_is_the_share_within_the_angle(angle_deg):
    one = points([1.0])
    reference = multiply(one.orientation[:, 0], quaternion([2, 1, -1], angle_deg))
    angle = np.radians(np.linspace(0, 60, 6001))
    share = np.exp(-((angle / math.radians(BANDWIDTH_DEG)) ** 2) / 2) * (1 - np.cos(angle))
    within = share[angle <= math.radians(angle_deg)].sum() / share.sum()
    found = level(reference, one, BANDWIDTH_DEG)
    assert found.item() == pytest.approx(within, abs=0.01)


@pytest.mark.parametrize("weights", [[0.7, 0.3], [0.5, 0.1]])
@pytest.mark.parametrize("at", [(0, 3.0), (0, 9.0), (1, 3.0), (1, 9.0), (1, 30.0)])
def test_a_level_is_the_mass_of_what_is_denser(weights, at):
    two, (index, angle_deg) = points(weights), at
    reference = multiply(two.orientation[:, index], quaternion([0, 1, 2], angle_deg))
    density = log_density(UNIFORM, two, BANDWIDTH_DEG).exp()[0]
    threshold = log_density(reference[:, None], two, BANDWIDTH_DEG).exp()
    expected = torch.where(density > threshold, density, 0).mean().item()
    allowed = 0.05 + 4 * density.std().item() / math.sqrt(len(density))
    if sum(weights) < 1 and angle_deg == 30:  # where all is uniform, ties are counted or not
        assert found_in(two, reference) >= 0.55
    else:
        assert found_in(two, reference) == pytest.approx(expected, abs=allowed)


def found_in(two: Support, reference: torch.Tensor) -> float:
    return level(reference, two, BANDWIDTH_DEG).item()


def test_levels_of_what_is_drawn_from_the_density_are_uniform():
    n = 300
    first = random_quaternions(n, 3)
    second = multiply(first, quaternion([1, 1, 0], 30))
    both = torch.stack((first, second), 1)
    weights = torch.tensor([[0.6, 0.4]], dtype=torch.float64).expand(n, -1)
    chosen = torch.from_numpy((np.random.default_rng(4).random(n) > 0.6).astype(int))
    # a normal rotation vector of 4° in each direction is the kernel of 4°, nearly
    reference = moved(both[torch.arange(n), chosen], 4.0, 5)
    found = level(reference, Support(both, weights), 4.0)
    for claimed in (0.1, 0.5, 0.8, 0.95):
        allowed = 3 * (claimed * (1 - claimed) / n) ** 0.5
        assert (found <= claimed).double().mean().item() == pytest.approx(claimed, abs=allowed)


def test_the_product_weighs_draws_by_all_views_over_their_mean():
    q = moved(random_quaternions(2, 6)[:, None, None].expand(-1, 4, 3, -1), 9.0, 7)
    q[0, 1, 2] = torch.nan  # a view of two
    q[1, 3] = torch.nan  # a view of nothing
    one = torch.full((2, 1, 1, 4), torch.nan, dtype=torch.float64)
    found = support.support("product", Draws(one), Draws(q), 8.0)
    peak = log_density(q[:1, 0, :1], Support(q[:1, 0, :1], torch.ones(1, 1)), 8.0).exp() - FLOOR
    for i in range(2):
        table = misorientation_deg_by_operators(q[i].reshape(1, 12, 1, 4), q[i][:, None])
        kernels = peak / (1 - FLOOR) * torch.exp(-((table / 8) ** 2) / 2)  # (view, at, draw)
        valid = q[i].isfinite().all(-1)
        each = (kernels.nan_to_num(0) * valid[:, None]).sum(-1) / valid.sum(-1)[:, None].clamp(
            min=1
        )
        each = torch.where(valid.any(-1)[:, None], (1 - FLOOR) * each + FLOOR, 1)
        expected = torch.where(valid.flatten(), each.prod(0) / each.mean(0), 0)
        expected = expected / expected.sum()
        torch.testing.assert_close(found.weights[i], expected, rtol=2e-2, atol=1e-4)


def test_a_product_of_nothing_weighs_nothing_and_of_many_draws_the_heaviest_are_kept(monkeypatch):
    nothing = torch.full((1, 3, 2, 4), torch.nan, dtype=torch.float64)
    assert support.support("product", Draws(nothing), Draws(nothing), 3.0).weights.sum() == 0
    q = moved(random_quaternions(1, 8)[:, None, None].expand(-1, 5, 4, -1), 5.0, 9)
    whole = support.support("product", Draws(q), Draws(q), 3.0)
    monkeypatch.setattr(support, "_POINTS_OF_PRODUCT", 6)
    few = support.support("product", Draws(q), Draws(q), 3.0)
    heaviest = whole.weights[0].sort().values[-6:]
    torch.testing.assert_close(few.weights[0].sort().values, heaviest / heaviest.sum())
    assert few.weights.sum().item() == pytest.approx(1)


def test_of_views_or_draws_that_are_none_the_weight_lacks():
    views = random_quaternions(24, 10).reshape(2, 3, 4, 4)
    views[0, 1] = torch.nan
    found = support.support("mixture", Draws(views[:, :1]), Draws(views), 3.0)
    torch.testing.assert_close(found.weights.sum(1), torch.tensor([2 / 3, 1]).double())
    assert (found.weights[0, 4:8] == 0).all()


def test_seeds_are_the_same_for_the_same_signals_and_differ_between_them():
    seeds = support.seeds_of(500, 1, torch.device("cpu"))
    assert torch.equal(seeds[:100], support.seeds_of(100, 1, torch.device("cpu")))
    assert len(seeds.unique()) == 500
    assert seeds.dtype == torch.int64
    assert not torch.equal(seeds, support.seeds_of(500, 2, torch.device("cpu")))
