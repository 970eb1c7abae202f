"""Signals drawn with replacement, as how often each is drawn: for statistics of parts of them.

Letters: n signals, b resamples, m members of a part. The part's size varies with the resample, as
it would with the specimen. All that is asked of one `Resamples` is paired.
"""

from collections.abc import Iterator

import numpy as np

from workflow.lib.evaluation.clustered import draw_signals
from workflow.lib.evaluation.scores import CONFIDENCE

AT_ONCE = 50_000  # numbers that a step of a computation works on, so that they stay in a cache


class Resamples:
    """How often each of n signals is drawn, in b resamples: the same for the same n and b."""

    def __init__(self, n: int, resamples: int) -> None:
        self.times = draw_signals(n, resamples).T  # a signal's stand together

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of the columns of (n, c) over the drawn signals: (b, c)."""
        return np.concatenate([self.times[rows] @ values for rows in self._blocks()])

    def medians(self, values: np.ndarray, member: np.ndarray) -> np.ndarray:
        """The median of values (n,) over the drawn members, bool (n,): (b,), NaN where none is."""
        members = np.flatnonzero(member)
        members = members[np.argsort(values[members], kind="stable")]
        found = np.full(len(self.times), np.nan)
        if len(members):
            for rows in self._blocks():
                found[rows] = _weighted_medians(values[members], self.times[rows][:, members])
        return found

    def rank_correlations(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Spearman's correlation of x and y, (n,) each, over the drawn signals: (b,).

        Ranks are those within the resample; NaN where all of x or of y are the same.
        """
        of_x, of_y = (np.unique(values, return_inverse=True)[1] for values in (x, y))
        parts = [_correlations(self.times[rows], of_x, of_y) for rows in self._blocks()]
        return np.concatenate(parts)

    def _blocks(self) -> Iterator[slice]:
        resamples, n = self.times.shape
        size = max(1, AT_ONCE // n)
        for start in range(0, resamples, size):
            yield slice(start, min(start + size, resamples))


def ends(resampled: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of a statistic from its values (b,), which may be ±∞.

    Resamples in which it is not defined are left out; NaN where it never is.
    """
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return np.nan, np.nan
    tail = (1 - CONFIDENCE) / 2  # no interpolation: between ∞ and ∞ it would be NaN
    low, high = np.quantile(defined, (tail, 1 - tail), method="inverted_cdf")
    return float(low), float(high)


def _weighted_medians(ordered: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Medians (b,) of values (m,) in ascending order, each there (b, m) times."""
    reached = times.T.cumsum(0, dtype=np.int32)
    total = reached[-1]
    lower = (2 * reached < total).sum(0)  # of the two in the middle, which may be the same
    upper = np.minimum((2 * reached <= total).sum(0), len(ordered) - 1)
    return np.where(total > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


def _correlations(times: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
    """Spearman's correlations (b,) of signals there (b, n) times, with dense ranks of_x, of_y."""
    times = np.ascontiguousarray(times.T, float)
    x, y = _mid_ranks(times, of_x), _mid_ranks(times, of_y)
    middle = (len(times) + 1) / 2  # the mean of all ranks
    x -= middle
    y -= middle
    of_x = times * x
    xy, xx = (of_x * y).sum(0), (of_x * x).sum(0)
    yy = (times * y * y).sum(0)
    with np.errstate(invalid="ignore"):
        return xy / np.sqrt(xx * yy)


def _mid_ranks(times: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Ranks (n, b) of signals there (n, b) times; equal ones share their mean rank."""
    order = np.argsort(dense, kind="stable")
    first = np.flatnonzero(np.diff(dense[order], prepend=-1))
    size = np.add.reduceat(times[order], first, axis=0)  # of each group of equals
    return (size.cumsum(0) - (size - 1) / 2)[dense]
