"""Risk and coverage: how large the error is when the least certain signals are left out.

Signals are kept by certainty, the most certain first (El-Yaniv & Wiener 2010). The area under the
curve of mean errors is its mean over all numbers of signals kept (Geifman et al. 2019). A certainty
that says nothing leaves the mean as it is; the best one possible orders by the true error.
"""

from dataclasses import dataclass

import numpy as np

SHARES = np.linspace(0.01, 1, 100)  # of the signals kept, where a curve is evaluated


@dataclass(frozen=True)
class Curve:
    """mean_deg, median_deg: (100,), of the share SHARES of the signals, those most certain.

    area_deg: the area under the mean errors, of all n numbers of signals kept.
    """

    mean_deg: np.ndarray
    median_deg: np.ndarray
    area_deg: float


def risk_coverage(certainty: np.ndarray, deg: np.ndarray) -> Curve:
    """The curve of certainties and misorientations, (seeds, n) each, averaged over seeds.

    Where several signals are equally certain, the mean is that of all orders among them, and the
    median that of all signals at least as certain as the last one kept.
    """
    curves = [_of_one_seed(*pair) for pair in zip(certainty, deg, strict=True)]
    return Curve(*(np.mean(parts, axis=0) for parts in zip(*curves, strict=True)))


def best_curve(deg: np.ndarray) -> Curve:
    """What a certainty would give that knew the errors (seeds, n)."""
    return risk_coverage(-deg, deg)


def at_share(values: np.ndarray, share: float) -> float:
    """The value of a curve where this share of the signals, one of SHARES, is kept."""
    return float(values[np.abs(SHARES - share).argmin()])


def _of_one_seed(certainty: np.ndarray, deg: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    n = len(deg)
    order = np.argsort(-certainty, kind="stable")
    certainty, deg = certainty[order], deg[order]
    _, tied, size = np.unique(-certainty, return_inverse=True, return_counts=True)
    of_ties = np.bincount(tied, weights=deg) / size
    means = np.cumsum(of_ties[tied]) / np.arange(1, n + 1)
    kept = np.ceil(np.round(SHARES * n, 6)).astype(int)  # 0.07 × 100 is more than 7
    with_ties = np.cumsum(size)[tied[kept - 1]]
    medians = np.array([np.median(deg[:count]) for count in with_ties])
    return means[kept - 1], medians, float(means.mean())
