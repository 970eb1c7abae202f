"""The posterior's parts against SciPy, finite differences, and the model that made the data."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

from workflow.lib.orientation import CUBIC_SYMMETRY, misorientation_deg, multiply
from workflow.lib.simulation.fit import turn_between, turned
from workflow.lib.simulation.forward import basis
from workflow.lib.simulation.likelihood import Model
from workflow.lib.simulation.prior import fibre_density, log_prior
from workflow.lib.simulation.reflectance import (
    SPECIMENS,
    ideal_signal,
    random_orientations,
    random_weights,
    simulate_signals,
)
from workflow.lib.simulation.screen import non_negative, screen_grid, zone_grid


def uniform(n, seed=1):
    rotations = Rotation.random(n, rng=np.random.default_rng(seed))
    return torch.as_tensor(rotations.as_quat(scalar_first=True))


@pytest.mark.parametrize("c", [0.0, 0.15])
def test_the_basis_adds_up_to_the_frozen_model(c):
    rng = np.random.default_rng(1)
    orientation, weights = uniform(40), random_weights(40, rng)
    signal = basis(orientation, c, torch.float64).signal
    total = (signal * torch.as_tensor(weights)[..., None]).sum(1)
    expected = ideal_signal(orientation.numpy(), weights, c).reshape(40, 432)
    np.testing.assert_allclose(total, expected, atol=1e-9)


def test_an_equivalent_orientation_has_the_same_planes_in_another_order():
    orientation = uniform(1).expand(24, 4)
    signal = basis(orientation, 0.15, torch.float64).signal
    other = basis(multiply(orientation, CUBIC_SYMMETRY), 0.15, torch.float64).signal
    distance = (other.unsqueeze(2) - signal.unsqueeze(1)).abs().amax(-1)  # (24, 4, 4)
    assert distance.amin(2).max() < 1e-9
    order = distance.argmin(2)
    assert (order.sort(1).values == torch.arange(4)).all()
    assert len(order.unique(dim=0)) == 24  # S4: no two operators order the four planes alike


def problem(specimen, seed=2, n=30):
    rng = np.random.default_rng(seed)
    orientation = random_orientations(n, specimen.fibre_fraction, rng)
    counts = simulate_signals(orientation, specimen, rng).reshape(n, 432)
    counts[0, :60], counts[1, :30] = 255, 0  # clipped at both ends
    grain = rng.normal(0, 0.3, (n, 6))
    grain[:, 4] += specimen.background
    return (torch.as_tensor(value).double() for value in (counts, orientation, grain))


@pytest.mark.parametrize("number", [1, 4])
def test_the_gradient_is_that_of_finite_differences(number):
    model = Model(SPECIMENS[number - 1], 0.15, torch.float64)
    counts, orientation, grain = problem(model.specimen)
    about = model.expand(counts, orientation, grain)
    step = 1e-6
    for i in range(9):
        change = step * torch.eye(9, dtype=torch.float64)[i]
        higher, lower = (
            model.expand(
                counts, turned(orientation, sign * change[:3]), grain + sign * change[3:]
            ).value
            for sign in (1, -1)
        )
        expected = (higher - lower) / (2 * step)
        torch.testing.assert_close(about.gradient[:, i], expected, rtol=1e-5, atol=1e-2)


def test_the_curvature_is_the_mean_one_of_signals_of_the_model():
    """Fisher's information: the mean over signals of the outer product of their gradients."""
    model = Model(SPECIMENS[0], 0.15, torch.float64)
    rng = np.random.default_rng(3)
    n, orientation = 4000, uniform(1, 5)
    grain = torch.tensor([[-0.6, -0.9, -0.5, -0.7, 0.8, 0.0]]).double()
    signal = (basis(orientation, 0.15, torch.float64).signal * grain[:, :4, None].exp()).sum(1)
    mean = (signal + 0.8) * model.response(grain)
    std = (50 * 0.08 * signal.mean()).square().add(1 / 12).sqrt()
    counts = mean + std * torch.as_tensor(rng.standard_normal((n, 432)))
    assert 5 < counts.min() < counts.max() < 250
    args = counts, orientation.expand(n, 4), grain.expand(n, 6)
    about = model.expand(*args)
    _, precision = model.prior_moments(grain)
    curvature = about.curvature[0] - torch.diag(torch.nn.functional.pad(precision, (3, 0)))
    slope = about.gradient - about.gradient.mean(0)
    found = slope.T @ slope / n
    scale = curvature.diagonal().sqrt()
    np.testing.assert_allclose(
        found / scale / scale[:, None], curvature / scale / scale[:, None], atol=0.1
    )


def test_the_fibres_density_has_mean_one_and_the_shares_of_the_grains():
    """Uniform rotations of SciPy weighed by it are distributed as grains of the simulator are."""
    rotations = uniform(400_000)
    weight = fibre_density(rotations).numpy()
    assert weight.mean() == pytest.approx(1, abs=0.02)
    grains = random_orientations(50_000, 1.0, np.random.default_rng(4))

    def nearest_deg(q):
        rows = Rotation.from_quat(q, scalar_first=True).as_matrix()[:, 0]
        return np.rad2deg(np.arccos(np.clip(np.abs(rows).max(1), 0, 1)))

    bins = np.arange(0, 50, 4)
    expected, _ = np.histogram(nearest_deg(grains), bins)
    found, _ = np.histogram(nearest_deg(rotations.numpy()), bins, weights=weight)
    np.testing.assert_allclose(found / len(weight), expected / len(grains), atol=0.01)


def test_the_priors_slope_is_that_of_finite_differences_and_symmetric():
    orientation = uniform(200)
    log_density, slope = log_prior(orientation, 0.7)
    for i in range(3):
        turn = 1e-6 * torch.eye(3, dtype=torch.float64)[i]
        higher, lower = (log_prior(turned(orientation, s * turn), 0.7)[0] for s in (1, -1))
        torch.testing.assert_close(slope[:, i], (higher - lower) / 2e-6, rtol=1e-4, atol=1e-5)
    for operator in CUBIC_SYMMETRY:
        other = log_prior(multiply(orientation, operator), 0.7)[0]
        torch.testing.assert_close(other, log_density)
    assert torch.isfinite(log_prior(turned(uniform(1), torch.zeros(3)), 1.0)[0]).all()


def test_turns_are_scipys_rotation_vectors():
    orientation, turn = (
        uniform(50),
        torch.as_tensor(np.random.default_rng(6).normal(0, 0.5, (50, 3))),
    )
    moved = turned(orientation, turn)
    expected = Rotation.from_rotvec(turn) * Rotation.from_quat(orientation, scalar_first=True)
    found = Rotation.from_quat(moved, scalar_first=True)
    assert (found * expected.inv()).magnitude().max() < 1e-7
    torch.testing.assert_close(turn_between(orientation, moved), turn)


def test_the_grid_covers_the_zone():
    angle = torch.cat(
        [misorientation_deg(q[:, None], zone_grid()).amin(1) for q in uniform(1500).split(250)]
    )
    assert angle.max() < 3.4
    assert 1.5 < angle.mean() < 2.3


def test_non_negative_least_squares_are_scipys():
    model = Model(SPECIMENS[0], 0.15, torch.float64)
    grid = screen_grid(model)
    rng = np.random.default_rng(7)
    signals = simulate_signals(uniform(5).numpy(), SPECIMENS[0], rng).reshape(5, 432).astype(float)
    chosen = rng.choice(len(grid.orientation), 60, replace=False)
    columns = grid.columns[chosen]
    products = torch.einsum("akp,np->kna", columns, torch.as_tensor(signals))
    gram = grid.gram[chosen].permute(1, 2, 0)[:, :, None]
    (_, exact), (_, explained) = non_negative(gram, products, 500), non_negative(gram, products)
    for n, signal in enumerate(signals):
        total = signal @ signal
        expected = [nnls(matrix.T.numpy(), signal)[1] ** 2 for matrix in columns]
        np.testing.assert_allclose(total - exact[n].numpy(), expected, rtol=1e-3)
        # The few sweeps of the screening are near enough for all but a few.
        assert np.quantile((total - explained[n].numpy()) / expected, 0.9) < 1.02
