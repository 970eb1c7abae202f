"""From misorientations to medians, means, and intervals by bootstrap.

Arrays of misorientations are (seeds, n): the same n signals, judged by a model trained
with different seeds. A statistic is computed per seed and averaged over seeds; resampling
draws signals, the same for all seeds and models, so that comparisons are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from workflow.lib.inference.predictions import read_predictions
from workflow.lib.runtime.files import InputError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Result:
    """A model's misorientations on the evaluation set of one fold, (seeds, n) each."""

    plain_deg: np.ndarray
    tta_deg: np.ndarray


def mean_of_medians(deg: np.ndarray) -> float:
    """Median per seed, averaged over seeds, of (seeds, n)."""
    return float(np.median(deg, axis=1).mean())


def median_interval(deg: np.ndarray, resamples: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of `mean_of_medians`, over signals."""
    return _bootstrap(deg, lambda *seeds, axis: _medians(seeds, axis), resamples)


def reduction(baseline_deg: np.ndarray, other_deg: np.ndarray) -> float:
    """By what share of the baseline's median the other's is lower; negative if higher.

    Equal medians are 0, also if both are 0°; −∞ if only the baseline's is.
    """
    return float(_share_lower(mean_of_medians(baseline_deg), mean_of_medians(other_deg)))


def reduction_interval(
    baseline_deg: np.ndarray, other_deg: np.ndarray, resamples: int
) -> tuple[float, float]:
    """95 % percentile interval of `reduction`, both models on the same drawn signals."""
    seeds = len(baseline_deg)

    def statistic(*rows: np.ndarray, axis: int) -> np.ndarray:
        return _share_lower(_medians(rows[:seeds], axis), _medians(rows[seeds:], axis))

    return _bootstrap(np.concatenate((baseline_deg, other_deg)), statistic, resamples)


def mean_interval(values: np.ndarray, resamples: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval, over signals, of the mean of (seeds, n)."""
    return interval(resampled_means(values.mean(0)[:, None], resamples)[:, 0])


def mean_reduction(baseline_deg: np.ndarray, other_deg: np.ndarray) -> float:
    """By what share of the baseline's mean the other's is lower: as `reduction` of medians."""
    return float(_share_lower(baseline_deg.mean(), other_deg.mean()))


def mean_reduction_interval(
    baseline_deg: np.ndarray, other_deg: np.ndarray, resamples: int
) -> tuple[float, float]:
    """95 % percentile interval of `mean_reduction`, both on the same drawn signals."""
    both = np.stack((baseline_deg.mean(0), other_deg.mean(0)), axis=1)
    return interval(_share_lower(*resampled_means(both, resamples).T))


def resampled_means(values: np.ndarray, resamples: int) -> np.ndarray:
    """Means of the columns of (n, c) over n signals drawn with replacement: (resamples, c).

    A resample has the same signals in all columns, and the same n always gives the same
    resamples, so that functions of several means are paired. A mean with −∞ among its values is −∞.
    """
    n = len(values)
    infinite = np.isneginf(values)
    finite, at_once = np.where(infinite, 0, values), max(1, 1_000_000 // n)
    rng, means = np.random.default_rng(0), []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)
        means.append(np.where(times @ infinite > 0, -np.inf, times @ finite / n))
    return np.concatenate(means)


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of a statistic, from its values (resamples,)."""
    tail = (1 - CONFIDENCE) / 2
    with np.errstate(invalid="ignore"):
        return _finite_or_infinite(np.quantile(resampled, (tail, 1 - tail)))


def score_table(paths: Sequence[Path]) -> pd.DataFrame:
    """A row per predictions file: network, fold, seed, n, medians, means, invalid answers.

    network: the name of the model.
    """
    rows = []
    for path in paths:
        predictions, attributes = read_predictions(path)
        plain, tta = predictions.misorientation_deg, predictions.tta_misorientation_deg
        rows.append(
            {
                "network": attributes["network"],
                "fold": int(attributes["fold"]),
                "seed": int(attributes["seed"]),
                "n": len(plain),
                "median_deg": np.median(plain),
                "mean_deg": plain.mean(),
                "tta_median_deg": np.median(tta),
                "tta_mean_deg": tta.mean(),
                "n_invalid": predictions.n_invalid,
                "n_tta_invalid": predictions.n_tta_invalid,
                "data": attributes["source"],
                "simulated": bool(attributes["simulated"]),
            }
        )
    return pd.DataFrame(rows).sort_values(["network", "fold", "seed"], ignore_index=True)


def read_results(paths: Sequence[Path]) -> tuple[dict[str, Result], bool, str]:
    """Results by model of predictions of one fold; whether simulated; the data's source."""
    rows: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    folds, sources, simulated = set(), set(), set()
    for path in paths:
        predictions, attributes = read_predictions(path)
        pair = predictions.misorientation_deg, predictions.tta_misorientation_deg
        rows.setdefault(attributes["network"], []).append(pair)
        folds.add(int(attributes["fold"]))
        sources.add(attributes["source"])
        simulated.add(bool(attributes["simulated"]))
    if len(folds) != 1 or len(sources) != 1 or len(simulated) != 1:
        raise InputError(
            f"predictions of folds {sorted(folds)} and sources {sorted(sources)} can't share a "
            "table; expected one of each: give this run a name of its own (config key run)"
        )
    results = {name: Result(*map(np.stack, zip(*pairs))) for name, pairs in rows.items()}  # noqa: B905
    return results, simulated.pop(), sources.pop()


def _share_lower(baseline: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(other == baseline, 0.0, 1 - np.divide(other, baseline))


def _medians(seeds: Sequence[np.ndarray], axis: int) -> np.ndarray:
    return np.mean([np.median(deg, axis=axis) for deg in seeds], axis=0)


def _bootstrap(rows: np.ndarray, statistic, resamples: int) -> tuple[float, float]:
    with np.errstate(invalid="ignore"):  # of reductions by −∞
        ends = stats.bootstrap(
            tuple(rows),
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            batch=max(1, 10_000_000 // rows.size),
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(0),  # the same data, the same interval
        ).confidence_interval
    return _finite_or_infinite(ends)


def _finite_or_infinite(ends: Sequence[float]) -> tuple[float, float]:
    """The ends of an interval: between −∞ and another number NumPy interpolates to NaN."""
    return tuple(float(np.nan_to_num(x, nan=-np.inf, neginf=-np.inf)) for x in ends)
