"""Models over folds, as the original method was reported: mean and standard deviation.

A fold's value is that of its evaluation set, averaged over seeds where there are several. Intervals
are over specimens, see `workflow.lib.evaluation.clustered`: what another specimen would have given.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from workflow.lib.evaluation.clustered import draw_clusters, interval
from workflow.lib.evaluation.controls import with_holm
from workflow.lib.evaluation.evidence import COMPARED_STATISTICS, STATISTICS
from workflow.lib.evaluation.paired import percent_lower

FOLD_DIFFERENCE_COLUMNS = [
    "network", "reference", "statistic", "value", "sd", "low", "high", "percent", "percent_low",
    "percent_high", "folds", "folds_lower", "p", "p_holm",
]  # fmt: skip


def fold_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """network, fold, statistic and value, the mean over seeds. trainings: a row per training."""
    means = trainings.groupby(["network", "fold"], sort=False)[list(STATISTICS)].mean()
    return means.rename_axis(columns="statistic").stack().rename("value").reset_index()


def fold_summary(folds: pd.DataFrame, titles: Mapping[str, str], resamples: int) -> pd.DataFrame:
    """Mean over folds, sd, low and high of each statistic of models with more than one fold.

    folds: see `fold_table`. sd: with n − 1. Columns: network, title, statistic, value, …, folds.
    """
    rows = []
    for (network, statistic), of_model in folds.groupby(["network", "statistic"], sort=False):
        values = of_model["value"].to_numpy()
        if len(values) < 2:
            continue
        keys = {"network": network, "title": titles[network], "statistic": statistic}
        rows.append(keys | _mean_of(values, resamples) | {"folds": len(values)})
    columns = ["network", "title", "statistic", "value", "sd", "low", "high", "folds"]
    return pd.DataFrame(rows, columns=columns)


def fold_differences(folds: pd.DataFrame, compared: Sequence[str], resamples: int) -> pd.DataFrame:
    """Models against each of those compared, on the folds that both have, if more than one.

    value, sd, low and high: of the difference, network minus reference, over folds. percent: the
    share by which the mean over folds is lower than the reference's. folds_lower: on how many it
    is lower. p: two-sided, exact, of Wilcoxon's signed ranks of the folds, which can't be less than
    2/2ᶠ of f folds; p_holm: corrected for all pairs with the same statistic.
    """
    values = folds.pivot(index="fold", columns=["statistic", "network"], values="value")
    rows = []
    for statistic in COMPARED_STATISTICS:
        networks = folds.loc[folds["statistic"] == statistic, "network"].unique()
        for reference in (name for name in compared if name in networks):
            for network in (name for name in networks if name != reference):
                both = values[statistic][[network, reference]].dropna().to_numpy().T
                if both.shape[1] > 1:
                    keys = {"network": network, "reference": reference, "statistic": statistic}
                    rows.append(keys | _paired(*both, resamples))
    return with_holm(rows, FOLD_DIFFERENCE_COLUMNS)


def _mean_of(values: np.ndarray, resamples: int) -> dict[str, float]:
    """The mean of (f,) values, their standard deviation, and the mean's interval."""
    resampled = values @ draw_clusters(len(values), resamples)
    low, high = interval(resampled, len(values) - 1)
    return {"value": values.mean(), "sd": values.std(ddof=1), "low": low, "high": high}


def _paired(network: np.ndarray, reference: np.ndarray, resamples: int) -> dict[str, float]:
    lower = network - reference
    shares = draw_clusters(len(lower), resamples)
    percent = percent_lower(network @ shares, reference @ shares)
    percent_low, percent_high = interval(percent, len(lower) - 1)
    return _mean_of(lower, resamples) | {
        "percent": float(percent_lower(network.mean(), reference.mean())),
        "percent_low": percent_low,
        "percent_high": percent_high,
        "folds": len(lower),
        "folds_lower": int((lower < 0).sum()),
        "p": float(stats.wilcoxon(lower, method="exact").pvalue) if lower.any() else 1.0,
    }
