"""Resampled sums, medians and rank correlations against NumPy and SciPy on the drawn signals."""

import numpy as np
import pytest
from scipy import stats

from workflow.lib.evaluation.resampling import Resamples, ends

N, B = 25, 40


@pytest.fixture
def drawn() -> Resamples:
    return Resamples(N, B)


def test_each_resample_draws_as_many_signals_with_replacement(drawn):
    assert drawn.times.shape == (B, N)
    assert (drawn.times.sum(1) == N).all()
    assert 0.3 < (drawn.times == 0).mean() < 0.44  # 1/e
    np.testing.assert_array_equal(drawn.times, Resamples(N, B).times)


def test_statistics_are_those_of_the_drawn_signals(drawn):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 8, N).astype(float), rng.normal(size=N)  # x with ties
    member = rng.random(N) < 0.4
    expected_sums, expected_medians, expected_rho = [], [], []
    for times in drawn.times:
        signals = np.repeat(np.arange(N), times)
        expected_sums.append([x[signals].sum(), y[signals].sum()])
        expected_medians.append(np.median(y[signals][member[signals]]))
        expected_rho.append(stats.spearmanr(x[signals], y[signals]).statistic)
    np.testing.assert_allclose(drawn.sums(np.stack((x, y), 1)), expected_sums)
    np.testing.assert_allclose(drawn.medians(y, member), expected_medians)
    np.testing.assert_allclose(drawn.rank_correlations(x, y), expected_rho)


def test_blocks_do_not_show(monkeypatch):
    monkeypatch.setattr("workflow.lib.evaluation.resampling.AT_ONCE", 3 * N)
    drawn = Resamples(N, 10)
    x = np.arange(N) % 7.0
    assert (drawn.times.sum(1) == N).all()
    assert len(drawn.medians(x, x > 2)) == len(drawn.rank_correlations(x, -x)) == 10
    np.testing.assert_allclose(drawn.rank_correlations(x, -x), -1)


def test_what_is_not_defined_is_left_out():
    drawn = Resamples(N, B)
    only = np.arange(N) == 3
    medians = drawn.medians(np.arange(N), only)
    np.testing.assert_array_equal(np.isnan(medians), drawn.times[:, 3] == 0)
    assert ends(medians) == (3, 3)
    assert np.isnan(ends(drawn.medians(np.arange(N), only & False))).all()
    assert np.isnan(ends(drawn.rank_correlations(np.zeros(N), np.arange(N)))).all()
    assert ends(np.array([1.0, 2.0, np.inf, np.inf])) == (1, np.inf)
