"""Are the probabilities true? Each candidate is a forecast: "the reference is within radius of me".

Arrays are (s, n, …): seeds, signals. A statistic is computed per seed and averaged over seeds;
intervals are for drawing signals, as in `evaluation.scores`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from workflow.lib.evaluation.answers import Forecast, Posterior
from workflow.lib.evaluation.scores import CONFIDENCE, interval, mean_interval, resampled_means
from workflow.lib.orientation import misorientation_deg

BINS = 10  # of equal width, those that the diagram shows
Estimate = tuple[float, float, float]  # a value and the ends of its 95 % interval
UNKNOWN: Estimate = (np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Reliability:
    """By bin of probability, (BINS,), of all seeds together; NaN where a bin is empty.

    forecasts: their number per seed. claimed: their mean probability. came_true: the share of
    them that was right, with low and high of its exact binomial 95 % interval.
    """

    forecasts: np.ndarray
    claimed: np.ndarray
    came_true: np.ndarray
    low: np.ndarray
    high: np.ndarray


def reliability(probability: np.ndarray, right: np.ndarray) -> Reliability:
    """The points of a reliability diagram. probability, right: (s, n, k); 0 is no forecast."""
    number, claimed, true = _sums(probability, right).sum((0, 1))
    per_seed = number / len(probability)
    with np.errstate(invalid="ignore"):
        share = true / number
    ends = [proportion(*pair)[1:] for pair in zip(share, per_seed, strict=True)]
    with np.errstate(invalid="ignore"):
        return Reliability(per_seed, claimed / number, share, *np.array(ends).T)


def calibration_error(probability: np.ndarray, right: np.ndarray, resamples: int) -> Estimate:
    """Expected calibration error: the mean distance of claim and truth over bins, by forecasts.

    probability: (s, n, k) of the forecasts, 0–1, where 0 is none. right: which came true. The bins
    are those of the diagram, of equal width, so that the number can be seen in it (Naeini et al.
    2015). NaN without a forecast. True forecasts have an error as well, by chance (see
    `error_if_true`), and resampling adds that chance a second time. So the interval's high end is
    the percentile's, and its low end lies as far below the estimate (the basic bootstrap's), at 0
    or above: it errs on the wide side. Whether an error could be 0 is for `error_if_true` to say.
    """
    sums = _sums(probability, right)
    seeds, n = sums.shape[:2]
    columns = sums.swapaxes(0, 1).reshape(n, -1)
    drawn = resampled_means(columns, resamples).reshape(-1, seeds, 3, BINS)
    found = float(_error(sums.mean(1)).mean())
    errors = _error(drawn).mean(-1)
    if np.isnan(found):
        return UNKNOWN
    _, high = interval(errors[~np.isnan(errors)])  # without a forecast there is none
    high = max(found, high)
    return found, max(0.0, 2 * found - high), high


def error_if_true(probability: np.ndarray, draws: int = 200) -> float:
    """The mean calibration error if the probabilities (s, n, k) were true: it is not 0.

    At most one candidate of a signal is right; which one is drawn by their probabilities.
    """
    rng = np.random.default_rng(0)
    bins = np.append(_bin(probability), np.full((*probability.shape[:2], 1), BINS), -1)
    zeros = _sums(probability, np.zeros(probability.shape, dtype=bool))
    number, claimed, _ = np.moveaxis(zeros.sum(1), 1, 0)
    ends = probability.cumsum(-1)
    errors = []
    for _ in range(draws):
        chosen = (rng.random(probability.shape[:2])[..., None] >= ends).sum(-1, keepdims=True)
        hit = np.take_along_axis(bins, chosen, -1)[..., 0]
        true = (hit[..., None] == np.arange(BINS)).sum(1)
        errors.append(_error(np.stack((number, claimed, true), axis=-2)).mean())
    return float(np.mean(errors))


def heaviest(forecast: Forecast, radius_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """The heaviest candidate alone: its probability, and whether it is right, (s, n, 1) each.

    Many candidates with little weight are easily true; what an error over all of them hides shows
    in these, the confidences of classifiers (Guo et al. 2017).
    """
    place = forecast.probability.argmax(-1)[..., None]
    right = forecast.right(radius_deg)
    return tuple(np.take_along_axis(x, place, -1) for x in (forecast.probability, right))


def coverage(level: np.ndarray, claim: float) -> Estimate:
    """The share of signals (s, n) whose reference is in the smallest set that claims so much.

    Further seeds of the same signals make the exact binomial interval no narrower.
    """
    return proportion(float((level <= claim).mean()), level.shape[1])


def proportion(share: float, number: float) -> Estimate:
    """A share of so many trials with its exact (Clopper-Pearson) interval."""
    trials = round(number)
    if not trials or np.isnan(share):
        return UNKNOWN
    ends = stats.binomtest(round(share * trials), trials).proportion_ci(CONFIDENCE, "exact")
    return share, float(ends.low), float(ends.high)


def log_score(log_density: np.ndarray, resamples: int) -> Estimate:
    """The mean log density of (s, n) at the reference, in nats; more is better.

    Densities are relative to uniform on the fundamental zone, 1/24 of all rotations by Haar's
    measure: 0 is the score of knowing nothing. −∞ if a reference was ruled out.
    """
    return mean_estimate(log_density, resamples)


def mean_estimate(values: np.ndarray, resamples: int) -> Estimate:
    """The mean of (s, n) with its interval."""
    return float(values.mean()), *mean_interval(values, resamples)


def divergence(posterior: np.ndarray, log_density: np.ndarray, resamples: int) -> Estimate:
    """Kullback-Leibler divergence of a model q from the exact posterior p, in nats, 0 or more.

    It is the expectation of ln p/q under p. A simulated signal's label is a draw from its exact
    posterior: label and signal are drawn together, and p is the one given the other. So the mean
    over signals of ln p − ln q at the label estimates it, averaged over signals, with no integral;
    by chance it may come out below 0. Needs log densities at the label, posterior (1, n) and
    log_density (s, n); signals for which the first is not finite are left out.
    """
    known = np.isfinite(posterior[0])
    if not known.any():
        return UNKNOWN
    mean, low, high = mean_estimate(log_density[:, known] - posterior[:, known], resamples)
    return -mean, -high, -low


def moved_weight(posterior: Posterior, forecast: Forecast, radius_deg: float) -> np.ndarray:
    """What share of the weight lies elsewhere than in the exact posterior, (s, n), 0 to 1.

    The total variation distance on the posterior's modes and "anywhere else". A candidate counts
    for the mode that is nearest, if that is within the radius.
    """
    exact = posterior.forecast
    modes, weight = exact.orientation[0], exact.probability[0]
    elsewhere = weight.shape[1]
    mine = np.zeros((*forecast.probability.shape[:2], elsewhere + 1))
    for seed, (q, p) in enumerate(zip(forecast.orientation, forecast.probability, strict=True)):
        pairs = torch.from_numpy(q)[:, :, None], torch.from_numpy(modes)[:, None]
        angle = np.nan_to_num(misorientation_deg(*pairs).numpy(), nan=np.inf)
        nearest = np.where(angle.min(-1) <= radius_deg, angle.argmin(-1), elsewhere)
        np.add.at(mine[seed], (np.arange(len(q))[:, None], nearest), p)
    mine[..., -1] += 1 - mine.sum(-1)
    its = np.append(weight, 1 - weight.sum(-1, keepdims=True), -1)
    return np.abs(mine - its).sum(-1) / 2


def _bin(probability: np.ndarray) -> np.ndarray:
    return np.minimum((probability * BINS).astype(int), BINS - 1)


def _sums(probability: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By signal and bin the number, the claims and the hits of its forecasts: (s, n, 3, BINS)."""
    probability = np.asarray(probability, dtype=float)
    of = (_bin(probability)[..., None] == np.arange(BINS)) & (probability > 0)[..., None]
    each = (np.ones_like(probability), probability, right.astype(float))
    return np.stack([np.einsum("snk,snkb->snb", value, of) for value in each], axis=2)


def _error(sums: np.ndarray) -> np.ndarray:
    """The calibration errors of sums or means (…, 3, BINS); NaN where there is no forecast."""
    number, claimed, true = np.moveaxis(sums, -2, 0)
    with np.errstate(invalid="ignore"):
        return np.abs(claimed - true).sum(-1) / number.sum(-1)
