"""The integral over a grain's numbers, and samples of known densities of orientations."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from workflow.lib.orientation import CUBIC_SYMMETRY, multiply
from workflow.lib.simulation.fit import nearest_turn, turned
from workflow.lib.simulation.importance import draw_samples, mixture, thinned
from workflow.lib.simulation.likelihood import Model
from workflow.lib.simulation.marginal import log_evidence
from workflow.lib.simulation.reflectance import (
    SPECIMENS,
    ideal_signal,
    random_orientations,
    row_response,
    simulate_signals,
)


def quaternions(n, seed=1):
    rotations = Rotation.random(n, rng=np.random.default_rng(seed))
    return torch.as_tensor(rotations.as_quat(scalar_first=True))


def log_joint(counts, orientation, specimen, c, grain):
    """Log probability of counts (6, 72) and of grains (a, 6), as the simulator is described."""
    weights = np.exp(grain[:, :4])
    signal = ideal_signal(np.broadcast_to(orientation, (len(grain), 4)), weights, c)
    background, gain = grain[:, 4, None, None], np.exp(grain[:, 5, None, None])
    response = row_response(specimen)[:, None]
    mean = 50 * (signal + background) * gain * response
    std = np.sqrt((50 * specimen.noise * signal.mean((1, 2))) ** 2 + 1 / 12)[:, None, None]
    pixels = np.where(
        counts == 255,
        stats.norm.logsf((254.5 - mean) / std),
        np.where(
            counts == 0,
            stats.norm.logcdf((0.5 - mean) / std),
            stats.norm.logpdf(counts, mean, std) + 0.5 * math.log(2 * math.pi),
        ),
    )
    prior = (grain - [0, 0, 0, 0, specimen.background, 0]) / prior_std(specimen)
    return pixels.sum((1, 2)) - 0.5 * (prior**2).sum(1)


def prior_std(specimen):
    return np.array([0.7, 0.7, 0.7, 0.7, 0.3 * specimen.background, 0.3])


def integral_by_sampling(log_density, start, rng):
    """Log of the integral of exp(log_density) over six numbers, and its standard error."""
    best = minimize(lambda grain: -log_density(grain[None])[0], start, method="BFGS")
    mean, covariance = best.x, best.hess_inv
    for number in (1000, 1500, 1500, 3000):
        covariance = (covariance + covariance.T) / 2 + 1e-6 * np.eye(6)
        proposal = stats.multivariate_t(mean, 1.5 * covariance, df=5, seed=rng)
        grain = proposal.rvs(number)
        log_weight = log_density(grain) - proposal.logpdf(grain)
        total = np.logaddexp.reduce(log_weight)
        weight = np.exp(log_weight - total)
        mean, covariance = weight @ grain, np.cov(grain.T, aweights=weight)
    return total - math.log(number), math.sqrt((weight**2).sum())


def differences(number):
    """Found and sampled integrals of a specimen's two signals at two orientations each, (4,)."""
    specimen, c = SPECIMENS[number - 1], 0.1
    rng = np.random.default_rng(number)
    orientation = random_orientations(40, specimen.fibre_fraction, rng)
    signals = simulate_signals(orientation, specimen, rng, c)
    clipped = ((signals == 0) | (signals == 255)).sum((1, 2))
    chosen = [0, int(clipped.argmax())]
    assert clipped[chosen[1]] > 10
    model = Model(specimen, c)
    turn = torch.tensor([[0, 0, 0], [0.02, 0, 0.01]]).double()
    places = turned(torch.as_tensor(orientation[chosen]).unsqueeze(1), turn)  # (2, 2, 4)
    found = log_evidence(model, torch.as_tensor(signals[chosen]).flatten(1).float(), places)
    found = (found - model.oriented(places)[0]).numpy()
    start = [0, 0, 0, 0, specimen.background, 0]
    for i, j in np.ndindex(2, 2):
        work = partial(log_joint, signals[chosen[i]], places[i, j].numpy(), specimen, c)
        expected, error = integral_by_sampling(work, start, rng)
        assert error < 0.12
        found[i, j] -= expected
    return np.abs(found).ravel()


def test_the_integral_is_what_sampling_the_grains_numbers_gives():
    off = np.concatenate([differences(number) for number in (4, 8)])
    assert np.median(off) < 0.08
    assert off.max() < 0.4  # of a signal with many pixels at an end of the scale


def test_equivalent_orientations_explain_a_signal_alike():
    orientation = quaternions(1)
    signal = simulate_signals(orientation.numpy(), SPECIMENS[3], np.random.default_rng(2))
    counts = torch.as_tensor(signal).flatten(1).float()
    found = log_evidence(
        Model(SPECIMENS[3], 0.15), counts, multiply(orientation, CUBIC_SYMMETRY)[None]
    )
    assert found.max() - found.min() < 0.1


def two_peaks(centre, std, share):
    """A density with two normal peaks about centres (n, 2, 4), of mass 1 where turns are small."""

    def target(rows, orientation):
        turn = nearest_turn(centre[rows], orientation)
        height = share.log() - 3 * math.log(std) - 1.5 * math.log(2 * math.pi)
        return (height - turn.square().sum(-1) / (2 * std**2)).logsumexp(-1)

    return target


def test_samples_have_the_mass_and_the_shares_of_a_known_density():
    """From a first mixture that is too narrow, beside the peaks, and gives them equal shares."""
    n, std = 6, 0.02
    centre = quaternions(2 * n).view(n, 2, 4)
    share = torch.tensor([0.8, 0.2]).double()
    beside = turned(centre, torch.tensor([0.03, 0, 0]).double())
    narrow = (0.6 * std) ** 2 * torch.eye(3).double().expand(n, 2, 3, 3)
    first = mixture(beside, narrow, torch.full((n, 2), 0.5).double())
    found = draw_samples(two_peaks(centre, std, share), first, 384)
    assert found.orientation.shape == (n, 384, 4)
    torch.testing.assert_close(found.weight.sum(1), torch.ones(n).double())
    assert found.log_evidence.abs().max() < 0.1
    turn = nearest_turn(centre, found.orientation)
    nearest = turn.norm(dim=-1).argmin(-1)
    assert ((found.weight * nearest).sum(1) - 0.2).abs().max() < 0.04
    own = turn.gather(2, nearest[..., None, None].expand(-1, -1, 1, 3)).squeeze(2)
    variance = (found.weight.unsqueeze(-1) * own.square()).sum(1).mean() / std**2
    assert variance == pytest.approx(1, abs=0.1)


def test_a_bent_ridge_is_followed_beyond_its_ellipsoid():
    """A banana: x normal, and y normal about a parabola of x; all of it has mass 1."""
    centre = quaternions(4)
    wide, thin, bend = 0.08, 0.006, 2.0

    def target(rows, orientation):
        x, y, z = nearest_turn(centre[rows].unsqueeze(1), orientation).squeeze(2).unbind(-1)
        log_density = -0.5 * ((x / wide) ** 2 + ((y - bend * x**2) / thin) ** 2 + (z / thin) ** 2)
        return log_density - 1.5 * math.log(2 * math.pi) - math.log(wide * thin**2)

    covariance = torch.diag(torch.tensor([wide, thin, thin]).double() ** 2)
    first = mixture(centre.unsqueeze(1), covariance.expand(4, 1, 3, 3), torch.ones(4, 1).double())
    found = draw_samples(target, first, 512)
    assert found.log_evidence.abs().max() < 0.1
    turn = nearest_turn(centre.unsqueeze(1), found.orientation).squeeze(2)
    outside = (found.weight * (turn[..., 0].abs() > wide)).sum(1)
    expected = 2 * stats.norm.sf(1)
    assert (outside - expected).abs().max() < 0.08


def test_thinned_samples_have_the_weights_as_their_numbers():
    n = 3
    centre = quaternions(n).unsqueeze(1)
    first = mixture(
        centre, 1e-3 * torch.eye(3).double().expand(n, 1, 3, 3), torch.ones(n, 1).double()
    )
    samples = draw_samples(two_peaks(centre, 0.04, torch.ones(1).double()), first, 128)
    few = thinned(samples, 64)
    for one, other in zip(samples.orientation, few.orientation, strict=True):
        same = (other[:, None] == one[None]).all(-1)
        assert (same.sum(1) == 1).all()
    count = (few.orientation[:, :, None] == samples.orientation[:, None]).all(-1).sum(1)
    assert (count - 64 * samples.weight).abs().max() < 1 + 1e-9
