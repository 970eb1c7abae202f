"""Intervals by bootstrap where results come in clusters: signals, trainings, specimens.

A statistic on one specimen is uncertain for its signals and for the trainings, seed by seed. Both
are drawn with replacement, crossed: a resample has the same signals for all seeds and all models,
and the same seeds, by their place, for all models with as many. With one seed the interval covers
the signals alone, with several also what another training would have given; neither covers other
specimens. Over folds the specimens are drawn, whole, each with its value: what signals and
trainings add is in these values already, and drawing within them as well would count it twice
(Davison & Hinkley 1997, Bootstrap Methods and their Application, 3.8).

Of few clusters two things are put right. One fewer is drawn than there are, else the variance is
too small by a factor (k − 1)/k (Rao & Wu 1988, J. Am. Stat. Assoc. 83, 231). And the percentiles
are further out, as Student's t is than the normal distribution (Hesterberg 2015, Am. Stat. 69,
371); the degrees of freedom are Satterthwaite's (1946, Biometrics Bull. 2, 110). Of less than five
specimens alone even so it is too narrow, because no percentile is beyond the outermost of them.

Letters: n signals, s seeds, b resamples.
"""

import numpy as np
from scipy import stats

from workflow.lib.evaluation.scores import CONFIDENCE

_AT_ONCE = 1000  # resamples, so that what is computed of them stays small


def draw_signals(n: int, resamples: int) -> np.ndarray:
    """How often each of n signals is drawn, (n, b) integers; the same for the same arguments."""
    rng, drawn = np.random.default_rng(0), np.empty((n, resamples), np.uint16)
    for start in range(0, resamples, _AT_ONCE):
        b = min(_AT_ONCE, resamples - start)
        places = rng.integers(n, size=(b, n)) + n * np.arange(b)[:, None]
        times = np.bincount(places.ravel(), minlength=b * n).reshape(b, n)
        drawn[:, start : start + b] = times.T
    return drawn


def draw_clusters(k: int, resamples: int) -> np.ndarray:
    """The share of each of k clusters in a resample of k − 1 of them, (k, b); of one, all of it."""
    drawn = max(1, k - 1)
    rng = np.random.default_rng(k)
    return rng.multinomial(drawn, np.full(k, 1 / k), size=resamples).T / drawn


def resampled_means(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Means of the rows of (r, n) over the signals drawn, (r, b). drawn: see `draw_signals`."""
    blocks = [values @ block for block in _blocks(drawn)]
    return np.concatenate(blocks, axis=1) / len(drawn)


def resampled_medians(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Medians of the rows of (r, n) over the signals drawn, (r, b). drawn: see `draw_signals`.

    The place of the median among the n signals in order is off the middle by √n/2, one standard
    deviation: the times that signals are drawn are summed up one by one only within eight of
    these, and below them all at once.
    """
    n = len(drawn)
    order = np.argsort(values, axis=1)
    first, last = max(0, n // 2 - int(4 * n**0.5) - 1), min(n, n // 2 + int(4 * n**0.5) + 2)
    is_below = np.zeros(values.shape)
    np.put_along_axis(is_below, order[:, :first], 1, axis=1)
    below = np.rint(resampled_means(is_below, drawn) * n).astype(np.uint16)
    medians = np.empty((len(values), drawn.shape[1]))
    for row, places, start, median in zip(values, order, below, medians, strict=True):
        times = drawn[places[first:last]]
        times[0] += start
        up_to = np.cumsum(times, axis=0, out=times)
        middle = [(up_to <= rank).sum(0, dtype=np.uint16) for rank in ((n - 1) // 2, n // 2)]
        median[:] = row[places[first:last]][np.stack(middle)].mean(0)
    return medians


def degrees_of_freedom(variance: float, *trainings: np.ndarray) -> float:
    """Satterthwaite's, of a mean whose variance is known but for what its clusters add to it.

    variance: of the mean, with all that it is uncertain for. trainings: values (s,) whose means it
    is made of, a set of independent ones each; what they add, s²/s, is as uncertain as s − 1
    degrees of freedom make it. Infinite where nothing of it comes from them, and never
    less than the least s − 1.
    """
    several = [values for values in trainings if len(values) > 1]
    added = sum((values.var(ddof=1) / len(values)) ** 2 / (len(values) - 1) for values in several)
    if added == 0:
        return np.inf
    return max(variance**2 / added, min(len(values) - 1 for values in several))


def interval(resampled: np.ndarray, freedom: float = np.inf) -> tuple[float, float]:
    """95 % percentile interval of (b,) resampled values, wider for few degrees of freedom."""
    tail = stats.norm.cdf(stats.t.ppf((1 - CONFIDENCE) / 2, freedom))
    with np.errstate(invalid="ignore"):  # between −∞ and another number NumPy interpolates to NaN
        low, high = np.nan_to_num(
            np.quantile(resampled, (tail, 1 - tail)), nan=-np.inf, neginf=-np.inf, posinf=np.inf
        )
    return float(low), float(high)


def _blocks(drawn: np.ndarray):
    starts = range(0, drawn.shape[1], _AT_ONCE)
    return (drawn[:, start : start + _AT_ONCE].astype(float) for start in starts)
