"""Forecasters that are true, or wrong by a known amount, by construction."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.transform import Rotation

from workflow.lib.evaluation.answers import Forecast, Posterior, error_deg
from workflow.lib.evaluation.calibration import (
    calibration_error,
    coverage,
    divergence,
    error_if_true,
    heaviest,
    log_score,
    moved_weight,
    reliability,
)
from workflow.lib.evaluation.risk import SHARES, at_share, best_curve, risk_coverage
from workflow.lib.evaluation.scores import (
    mean_interval,
    mean_reduction,
    mean_reduction_interval,
    resampled_means,
)
from workflow.lib.orientation import MAX_MISORIENTATION_DEG


def categorical(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (1, n, 4), the rest for none of them, and outcomes drawn by them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([3, 1, 0.5, 0.5, 0.5], n)
    outcome = np.array([rng.multinomial(1, row) for row in p], dtype=bool)
    return p[None, :, :4], outcome[None, :, :4]


def test_an_error_by_hand():
    """Half of the forecasts claim 0.95 and come true in 0.70, half 0.55 and 0.55: 0.25 / 2."""
    probability = np.repeat([0.95, 0.55], 100).reshape(1, 200, 1)
    right = np.r_[np.arange(100) < 70, np.arange(100) < 55].reshape(1, 200, 1)
    error, low, high = calibration_error(probability, right, 500)
    assert error == pytest.approx(0.125)
    assert low < 0.125 < high
    points = reliability(probability, right)
    assert points.forecasts[[5, 9]].tolist() == [100, 100]
    assert points.claimed[[5, 9]] == pytest.approx([0.55, 0.95])
    assert points.came_true[[5, 9]] == pytest.approx([0.55, 0.70])
    assert np.isnan(points.came_true[[0, 1, 2, 3, 4, 6, 7, 8]]).all()
    assert points.low[9] == pytest.approx(stats.beta.ppf(0.025, 70, 31))
    assert points.high[9] == pytest.approx(stats.beta.ppf(0.975, 71, 30))


def test_the_error_is_that_of_a_loop_over_bins_and_seeds():
    rng = np.random.default_rng(3)
    probability = rng.random((2, 80, 3)) * (rng.random((2, 80, 3)) < 0.8)
    right = rng.random((2, 80, 3)) < 0.4
    errors = []
    for p, hit in zip(probability, right, strict=True):
        p, hit = p[p > 0], hit[p > 0]
        bins = np.digitize(p, np.linspace(0, 1, 11)[1:-1])
        parts = [(bins == b).mean() * abs(p[bins == b].mean() - hit[bins == b].mean())
                 for b in range(10) if (bins == b).any()]  # fmt: skip
        errors.append(sum(parts))
    assert calibration_error(probability, right, 10)[0] == pytest.approx(np.mean(errors))


def test_true_forecasts_have_the_error_that_chance_gives_and_no_more():
    probability, _ = categorical(200, 0)
    errors = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rest = 1 - probability[0].sum(-1, keepdims=True)
        rows = np.append(probability[0], rest, -1)
        right = np.array([rng.multinomial(1, row / row.sum()) for row in rows], dtype=bool)
        errors.append(calibration_error(probability, right[None, :, :4], 10)[0])
    tolerance = 3 * np.std(errors) * np.sqrt(1 / 60 + 1 / 200)
    assert error_if_true(probability) == pytest.approx(np.mean(errors), abs=tolerance)
    assert error_if_true(probability) < 0.05


def test_the_interval_holds_a_known_overconfidence():
    """What is claimed comes true less often by 0.1, whatever is claimed."""
    hits, rng = 0, np.random.default_rng(1)
    for _ in range(60):
        claimed = rng.uniform(0.2, 0.9, (1, 300, 1))
        right = rng.random(claimed.shape) < claimed - 0.1
        error, low, high = calibration_error(claimed, right, 300)
        hits += low <= 0.1 <= high
        assert low <= error <= high
    assert hits >= 53  # of a 95 % interval: fewer in 1 of 100 such tests


def test_certainty_in_the_wrong_is_an_error_of_one_and_nobody_is_judged_for_saying_nothing():
    ones = np.ones((1, 5, 1))
    assert calibration_error(ones, ~ones.astype(bool), 50) == (1, 1, 1)
    assert calibration_error(ones, ones.astype(bool), 50) == (0, 0, 0)
    assert np.isnan(calibration_error(0 * ones, ~ones.astype(bool), 50)).all()
    padded = np.append(ones, 0 * ones, -1)  # an empty place is no forecast
    assert calibration_error(padded, padded.astype(bool), 50) == (0, 0, 0)


def test_the_heaviest_candidate_alone():
    forecast = Forecast(
        orientation=np.zeros((1, 2, 2, 4)),
        probability=np.array([[[0.7, 0.2], [0.1, 0.6]]]),
        left_out=np.array([[0.1, 0.3]]),
        distance_deg=np.array([[[3.0, 40.0], [2.0, np.nan]]]),
        log_density=np.zeros((1, 2)),
        level=np.zeros((1, 2)),
    )
    probability, right = heaviest(forecast, 10)
    assert probability[..., 0].tolist() == [[0.7, 0.6]]
    assert right[..., 0].tolist() == [[True, False]]
    assert forecast.certainty.tolist() == [[0.7, 0.6]]


def test_levels_that_are_uniform_are_covered_as_claimed():
    """In 1 of 1000 such tests, a share outside its binomial limits."""
    level = np.random.default_rng(2).random((1, 2000))
    for claim in (0.5, 0.8, 0.95):
        share, low, high = coverage(level, claim)
        least, most = stats.binom.ppf([5e-4, 1 - 5e-4], 2000, claim) / 2000
        assert least <= share <= most
        k = round(share * 2000)
        assert low == pytest.approx(stats.beta.ppf(0.025, k, 2001 - k))
        assert high == pytest.approx(stats.beta.ppf(0.975, k + 1, 2000 - k))


def test_where_there_is_no_distribution_nothing_is_covered():
    assert coverage(np.full((2, 40), np.nan), 0.95)[0] == 0
    assert coverage(np.zeros((2, 40)), 0.5) == pytest.approx((1, stats.beta.ppf(0.025, 40, 1), 1))


def test_seeds_of_the_same_signals_narrow_no_interval():
    level = np.random.default_rng(2).random((1, 50))
    assert coverage(np.repeat(level, 5, 0), 0.8) == pytest.approx(coverage(level, 0.8))


def test_the_log_score_and_what_was_ruled_out():
    density = np.log([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    assert log_score(density, 100)[0] == pytest.approx(np.log(2))
    ruled_out = np.append(density, [[-np.inf], [0.0]], 1)
    mean, low, high = log_score(ruled_out, 400)
    assert mean == low == -np.inf
    assert high < np.log(4)


def test_the_divergence_is_estimated_from_labels_of_the_posterior():
    """Of discrete distributions, whose divergence is a sum over what there is."""
    rng = np.random.default_rng(4)
    n = 3000
    p, q = rng.dirichlet([2, 2, 1], n), rng.dirichlet([8, 8, 4], n)
    label = (rng.random(n)[:, None] > p.cumsum(1)).sum(1)
    exact, model = (np.log(x[np.arange(n), label])[None] for x in (p, q))
    expected = stats.entropy(p, q, axis=1).mean()
    _, low, high = divergence(exact, model, 500)
    assert low < expected < high
    assert high - low < 0.3 * expected
    assert divergence(exact, exact, 50) == (0, 0, 0)
    assert divergence(exact, np.full((2, n), -np.inf), 50)[0] == np.inf
    assert np.isnan(divergence(np.full((1, n), -np.inf), model, 50)).all()
    exact[0, :100] = -np.inf
    rest = divergence(exact[:, 100:], model[:, 100:], 50)
    assert divergence(exact, model, 50) == rest


def turned(degrees: list[float]) -> np.ndarray:
    return Rotation.from_rotvec([[0, 0, degree] for degree in degrees], degrees=True).as_quat(
        scalar_first=True
    )


def test_the_weight_that_would_have_to_be_moved():
    """Modes at 0° and 30° about z; 92° is 2° from the first, and some weight is near neither."""

    def forecast(degrees: list[float], p: list[float]) -> Forecast:
        q = np.append(turned(degrees), [[np.nan] * 4], 0)[None, None]
        weight = np.append(p, 0.0)[None, None]
        empty = np.zeros((1, 1))
        return Forecast(q, weight, 1 - weight.sum(-1), np.zeros_like(weight), empty, empty)

    exact = Posterior({}, forecast([0, 30], [0.6, 0.4]))
    mine = forecast([92, 30, 15], [0.5, 0.3, 0.1])  # 0.1 at 15° and 0.1 left out
    assert moved_weight(exact, mine, 10).tolist() == [[pytest.approx((0.1 + 0.1 + 0.2) / 2)]]
    assert moved_weight(exact, exact.forecast, 10).tolist() == [[0]]
    assert moved_weight(exact, forecast([15], [1.0]), 10).tolist() == [[1]]


def test_no_answer_is_the_worst_one():
    q, missing = turned([0.0, 20.0]), np.full((2, 4), np.nan)
    assert error_deg(q, turned([90.0, 0.0])) == pytest.approx([0, 20])
    assert error_deg(missing, q).tolist() == [MAX_MISORIENTATION_DEG] * 2


def test_a_certainty_without_ties_by_hand():
    curve = risk_coverage(np.array([[0.2, 0.9, 0.5, 0.4]]), np.array([[8.0, 1.0, 3.0, 4.0]]))
    assert curve.area_deg == pytest.approx(np.mean([1, 2, 8 / 3, 4]))
    assert at_share(curve.mean_deg, 0.25) == 1
    assert at_share(curve.mean_deg, 0.26) == 2  # more than one of four are two
    assert at_share(curve.median_deg, 0.75) == 3
    assert curve.mean_deg[-1] == 4
    assert curve.median_deg[-1] == 3.5
    assert len(curve.mean_deg) == len(SHARES)


def test_equally_certain_signals_count_as_in_all_orders():
    certainty, deg = np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([2.0, 9.0, 1.0, 4.0, 30.0])
    orders = [
        order for order in permutations(range(5)) if (np.diff(certainty[[*order]]) <= 0).all()
    ]
    risks = [np.cumsum(deg[[*order]]) / np.arange(1, 6) for order in orders]
    curve = risk_coverage(certainty[None], deg[None])
    assert len(orders) == 6
    assert curve.area_deg == pytest.approx(np.mean(risks))
    assert at_share(curve.mean_deg, 0.4) == pytest.approx(np.mean(risks, 0)[1])
    assert at_share(curve.median_deg, 0.4) == np.median(deg[:4])


def test_a_certainty_that_says_nothing_and_the_best_one():
    deg = np.random.default_rng(0).exponential(size=(2, 90))
    nothing = risk_coverage(np.ones_like(deg), deg)
    np.testing.assert_allclose(nothing.mean_deg, deg.mean())
    np.testing.assert_allclose(nothing.median_deg, np.median(deg, 1).mean())
    best, shuffled = best_curve(deg), risk_coverage(np.random.default_rng(1).random(deg.shape), deg)
    assert (best.mean_deg <= shuffled.mean_deg + 1e-12).all()
    assert best.area_deg < shuffled.area_deg
    assert best.mean_deg[-1] == pytest.approx(deg.mean())
    two = [risk_coverage(deg[[i]], deg[[i]]) for i in (0, 1)]  # the worst first
    both = risk_coverage(deg, deg)
    np.testing.assert_allclose(both.mean_deg, (two[0].mean_deg + two[1].mean_deg) / 2)


def test_the_interval_of_a_mean_is_that_of_scipy():
    deg = np.random.default_rng(0).exponential(5, (2, 150))
    found = mean_interval(deg, 4000)
    expected = stats.bootstrap(
        (deg.mean(0),), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(7)
    ).confidence_interval
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert mean_interval(deg, 4000) == found


def test_reductions_of_means_are_paired():
    deg = np.random.default_rng(0).exponential(5, (2, 150))
    assert mean_reduction(deg, deg / 4) == pytest.approx(0.75)
    assert mean_reduction_interval(deg, deg / 4, 200) == pytest.approx((0.75, 0.75))
    assert mean_reduction_interval(0 * deg, 0 * deg, 50) == (0, 0)
    assert mean_reduction(0 * deg, deg) == -np.inf
    low, high = mean_reduction_interval(deg, deg[:, ::-1], 500)
    assert low < 0 < high


def test_resampled_means_of_columns_share_their_signals():
    values = np.random.default_rng(0).normal(size=(40, 1))
    both = resampled_means(np.hstack((values, 2 * values + 1)), 300)
    np.testing.assert_allclose(both[:, 1], 2 * both[:, 0] + 1)
    assert both[:, 0].std() == pytest.approx(values.std() / np.sqrt(40), rel=0.15)
