"""Intervals where results come in clusters: against NumPy, formulas and known truths."""

import numpy as np
import pytest
from scipy import stats

from workflow.lib.evaluation.clustered import (
    degrees_of_freedom,
    draw_clusters,
    draw_signals,
    interval,
    resampled_means,
    resampled_medians,
)
from workflow.lib.evaluation.paired import Estimate


@pytest.mark.parametrize("n", [1, 2, 5, 80, 301, 1500])
def test_medians_and_means_are_those_of_the_signals_drawn(n):
    rng, drawn = np.random.default_rng(n), draw_signals(n, 1203)
    values = np.round(rng.exponential(size=(3, n)), 1)  # with ties
    medians, means = resampled_medians(values, drawn), resampled_means(values, drawn)
    for resample in (0, 1, 1000, 1202):
        signals = np.repeat(values, drawn[:, resample], axis=1)
        assert signals.shape == (3, n)
        np.testing.assert_allclose(medians[:, resample], np.median(signals, axis=1))
        np.testing.assert_allclose(means[:, resample], signals.mean(axis=1))


def test_signals_are_drawn_with_replacement_and_the_same_each_time():
    drawn = draw_signals(100, 2500)
    assert (drawn.sum(0) == 100).all()
    np.testing.assert_allclose((drawn == 0).mean(), 0.99**100, atol=0.005)
    assert (drawn == draw_signals(100, 2500)).all()


@pytest.mark.parametrize("k", [1, 2, 3, 10])
def test_clusters_drawn_one_fewer_have_the_variance_of_their_mean(k):
    values = np.random.default_rng(k).normal(size=k)
    shares = draw_clusters(k, 40_000)
    np.testing.assert_allclose(shares.sum(0), 1)
    expected = values.var(ddof=1) / k if k > 1 else 0
    np.testing.assert_allclose((values @ shares).var(), expected, rtol=0.04)


def test_the_interval_of_many_is_the_percentiles_and_of_few_students():
    normal = np.random.default_rng(0).normal(size=400_000)
    np.testing.assert_allclose(interval(normal), [-1.96, 1.96], atol=0.02)
    np.testing.assert_allclose(interval(normal, 9), stats.t.interval(0.95, 9), atol=0.03)


def test_degrees_of_freedom_are_those_of_the_trainings_if_nothing_else_varies():
    values = np.array([1.0, 2.0, 4.0])
    alone = values.var(ddof=1) / 3
    assert degrees_of_freedom(alone, values) == pytest.approx(2)
    assert degrees_of_freedom(2 * alone, values) == pytest.approx(8)
    assert degrees_of_freedom(2 * alone, values, values) == pytest.approx(4)  # as Welch's
    assert degrees_of_freedom(1.0, np.array([1.0])) == np.inf
    assert degrees_of_freedom(0.0, np.ones(3)) == np.inf


@pytest.mark.parametrize(("seeds", "sd"), [(1, 0.0), (3, 0.0), (3, 0.1), (3, 0.2)])
def test_the_interval_covers_the_truth_for_other_signals_and_other_seeds(seeds, sd):
    """Errors exponential over signals, times a factor of the training: its mean is known."""
    rng, drawn, hits = np.random.default_rng(1), draw_signals(150, 500), 0
    for _ in range(300):
        factor = np.exp(rng.normal(0, sd, (seeds, 1)) - sd**2 / 2)
        deg = factor * rng.exponential(size=150)
        low, high = Estimate(deg.mean(1), resampled_means(deg, drawn)).interval()
        hits += low <= 1 <= high
    assert 0.9 <= hits / 300 <= 0.99


def test_with_one_seed_the_interval_is_blind_to_what_another_would_have_given():
    """Why models have several: the same as above with one."""
    rng, drawn, hits = np.random.default_rng(1), draw_signals(150, 500), 0
    for _ in range(200):
        deg = np.exp(rng.normal(0, 0.2)) * rng.exponential(size=(1, 150))
        low, high = Estimate(deg.mean(1), resampled_means(deg, drawn)).interval()
        hits += low <= np.exp(0.02) <= high
    assert hits / 200 < 0.75


def test_the_interval_over_ten_specimens_covers_their_mean():
    rng, shares = np.random.default_rng(2), draw_clusters(10, 2000)
    ends = np.array([interval(rng.normal(5, 1, 10) @ shares, 9) for _ in range(400)])
    assert 0.92 <= ((ends[:, 0] <= 5) & (ends[:, 1] >= 5)).mean() <= 0.98
