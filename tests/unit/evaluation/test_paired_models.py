"""Differences of models whose errors are chosen here, p-values, and Holm's correction by hand."""

import numpy as np
import pytest
from scipy import stats

from workflow.lib.evaluation.clustered import draw_signals, resampled_means, resampled_medians
from workflow.lib.evaluation.paired import Estimate, difference, effect, holm, percent_lower

N = 300
DRAWN = draw_signals(N, 2000)
RNG = np.random.default_rng(7)
DEG = RNG.exponential(5, (3, N))


def mean(deg) -> Estimate:
    return Estimate(deg.mean(1), resampled_means(deg, DRAWN))


def median(deg) -> Estimate:
    return Estimate(np.median(deg, axis=1), resampled_medians(deg, DRAWN))


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        # sorted: 4 × 0.005, 3 × 0.01, 2 × 0.03, and 0.04, which may not be less than that before
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.6], [1, 1]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(p, expected):
    np.testing.assert_allclose(holm(np.array(p)), expected)


@pytest.mark.parametrize("statistic", [mean, median])
def test_the_same_model_twice_is_no_difference(statistic):
    found = difference(statistic(DEG), statistic(DEG.copy()))
    assert found.pop("p") == 1
    assert set(found.values()) == {0.0}
    assert list(effect(DEG, DEG, DRAWN).values()) == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("statistic", [mean, median])
def test_a_degree_more_for_every_signal_is_a_degree(statistic):
    found = difference(statistic(DEG + 1), statistic(DEG))
    np.testing.assert_allclose([found[name] for name in ("value", "low", "high")], 1)
    assert found["p"] < 1e-100
    assert found["percent"] == pytest.approx(-100 / statistic(DEG).value)
    assert found["percent_low"] < found["percent"] < found["percent_high"] < 0


def test_half_of_every_error_is_fifty_per_cent_lower():
    found = difference(median(DEG / 2), median(DEG))
    np.testing.assert_allclose([found[f"percent{end}"] for end in ("", "_low", "_high")], 50)
    assert found["low"] < found["value"] == -median(DEG).value / 2 < found["high"] < 0


def test_of_one_training_the_p_value_is_that_of_a_paired_t_test():
    network, reference = DEG[:1] + RNG.normal(0.15, 1, (1, N)), DEG[:1]
    expected = stats.ttest_rel(network[0], reference[0]).pvalue
    assert 0.001 < expected < 0.2
    assert difference(mean(network), mean(reference))["p"] == pytest.approx(expected, rel=0.15)


def test_trainings_that_differ_as_much_as_the_models_are_no_evidence():
    """On each signal the one is better by 0.1°, but its trainings lie 2° apart."""
    apart = np.array([[-2.0], [0.0], [2.0]])
    found = difference(mean(DEG + 9.9 + apart), mean(DEG + 10 - apart))
    assert found["p"] > 0.5
    assert found["low"] < -1 < 1 < found["high"]


@pytest.mark.parametrize(("sd_of_signals", "most"), [(1.0, 0.05), (0.3, 0.1)])
def test_of_models_that_are_equal_few_have_a_low_p_value(sd_of_signals, most):
    """Two with seeds of their own and signals in common: about 5 % are below 0.05.

    Less where trainings differ signal by signal; a little more where they differ as a whole, in
    which case three of them are all that is known.
    """
    rng, p = np.random.default_rng(3), []
    drawn = draw_signals(60, 300)
    for _ in range(400):
        deg = rng.exponential(5, 60)
        two = []
        for _ in range(2):
            own = deg + rng.normal(0, sd_of_signals, (3, 60)) + rng.normal(0, 0.1, (3, 1))
            two.append(Estimate(own.mean(1), resampled_means(own, drawn)))
        p.append(difference(*two)["p"])
    assert 0.005 <= np.mean(np.array(p) < 0.05) <= most


def test_seeds_may_be_unbalanced():
    one, three = mean(DEG.mean(0, keepdims=True) - 2), mean(DEG)
    found = difference(one, three)
    assert found["value"] == pytest.approx(-2)
    assert found["low"] < -2 < found["high"] < 0
    size = effect(DEG[:1] - 2, DEG, DRAWN)
    pairs = [np.mean(np.sign(other - (DEG[0] - 2))) for other in DEG]
    assert size["effect"] == pytest.approx(np.mean(pairs))
    assert size["effect_low"] < size["effect"] < size["effect_high"] <= 1


def test_the_effect_is_the_share_of_signals_nearer_less_that_farther():
    reference = np.full((2, 10), 5.0)
    network = reference.copy()
    network[:, :6], network[:, 6:8] = 4, 6  # and two as near
    drawn = draw_signals(10, 999)
    assert effect(network, reference, drawn)["effect"] == pytest.approx(0.4)
    assert effect(reference, network, drawn)["effect"] == pytest.approx(-0.4)
    sure = effect(np.zeros((2, 10)), reference, drawn)
    assert sure == {"effect": 1, "effect_low": 1, "effect_high": 1}


def test_per_cent_of_nothing():
    found = percent_lower(np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 4.0]))
    assert found.tolist() == [0, -np.inf, 75]
