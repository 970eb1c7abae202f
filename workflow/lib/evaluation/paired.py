"""Two models on the same signals: differences with intervals, the effect's size, and p-values.

Trainings are paired by their place where both models have as many; else those of the two models
are drawn each for themselves. See `workflow.lib.evaluation.clustered` for what is drawn.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from workflow.lib.evaluation.clustered import (
    degrees_of_freedom,
    draw_clusters,
    interval,
    resampled_means,
)


@dataclass(frozen=True)
class Estimate:
    """A statistic of a model's trainings, (s,), and of each on the signals of a resample, (s, b).

    Its value is the mean over trainings.
    """

    trainings: np.ndarray
    of_resamples: np.ndarray

    @property
    def value(self) -> float:
        return float(self.trainings.mean())

    @property
    def resampled(self) -> np.ndarray:
        """(b,), signals and seeds drawn."""
        return (_shares(self.of_resamples) * self.of_resamples).sum(0)

    def interval(self) -> tuple[float, float]:
        """95 % interval of the value."""
        resampled = self.resampled
        return interval(resampled, degrees_of_freedom(resampled.var(), self.trainings))


def difference(network: Estimate, reference: Estimate) -> dict[str, float]:
    """Network minus reference: value, low, high; percent, …_low, …_high; p.

    percent: the share of the reference's value by which the network's is lower, 100 at most. p:
    two-sided, of Student's t with the standard deviation over resamples, which is uncertain for
    signals and seeds alike, as the interval is. No difference in any resample has p = 1.
    """
    of_network, of_reference = network.resampled, reference.resampled
    resampled = of_network - of_reference
    freedom = degrees_of_freedom(resampled.var(), *_independent(network, reference))
    low, high = interval(resampled, freedom)
    value = network.value - reference.value
    percent = percent_lower(of_network, of_reference)
    percent_low, percent_high = interval(percent, freedom)
    return {
        "value": value,
        "low": low,
        "high": high,
        "percent": float(percent_lower(network.value, reference.value)),
        "percent_low": percent_low,
        "percent_high": percent_high,
        "p": _p_value(value, resampled.std(), freedom),
    }


def effect(network: np.ndarray, reference: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Share of signals on which the network is nearer, minus that on which it is farther, −1 to 1.

    network, reference: misorientations (s, n) of the same n signals, matched signal by signal; each
    training of the one with each of the other, because which is first among seeds means nothing.
    Returns effect, effect_low and effect_high. drawn: see `draw_signals`.
    """
    signs = np.sign(reference[None] - network[:, None])  # (s, s', n)
    pairs = signs.mean(-1)
    resampled = resampled_means(signs.reshape(-1, signs.shape[-1]), drawn)
    resampled = resampled.reshape(*pairs.shape, -1)
    shares, other_shares = (draw_clusters(s, drawn.shape[1]) for s in pairs.shape)
    resampled = (resampled * shares[:, None] * other_shares).sum((0, 1))
    freedom = degrees_of_freedom(resampled.var(), pairs.mean(1), pairs.mean(0))
    low, high = interval(resampled, freedom)
    return {"effect": float(pairs.mean()), "effect_low": low, "effect_high": high}


def holm(p: np.ndarray) -> np.ndarray:
    """p-values (m,) corrected for m comparisons (Holm 1979, Scand. J. Statist. 6, 65), same order.

    The i-th smallest is multiplied by how many are left, m − i + 1, and is never less than a
    smaller one's, nor more than 1.
    """
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected[np.argsort(order)]


def percent_lower(network: np.ndarray | float, reference: np.ndarray | float) -> np.ndarray:
    """By what share of the reference the network is lower, in per cent; negative if higher.

    0 where both are equal, also if both are 0; −∞ where only the reference is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(network == reference, 0.0, 100 * (1 - np.divide(network, reference)))


def _independent(network: Estimate, reference: Estimate) -> list[np.ndarray]:
    if len(network.trainings) == len(reference.trainings):
        return [network.trainings - reference.trainings]
    return [network.trainings, reference.trainings]


def _p_value(value: float, standard_error: float, freedom: float) -> float:
    if standard_error == 0:
        return float(value == 0)
    return float(2 * stats.t.sf(abs(value) / standard_error, freedom))


def _shares(of_resamples: np.ndarray) -> np.ndarray:
    return draw_clusters(*of_resamples.shape)
