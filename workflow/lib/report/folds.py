"""The table of folds."""

from collections.abc import Iterable, Mapping

import pandas as pd

from workflow.lib.report.style.tabular import escape, tabular, two_decimals

SUMMARY = {"mean": "mean over folds", "sd": "standard deviation"}  # rows after those of the folds


def folds_table(scores: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Medians per fold, averaged over seeds, then mean and standard deviation over folds.

    names: of the models, in the order of the columns. Where there are several folds, those with one
    alone have no columns: there is nothing to compare.
    """
    names = [name for name in names if scores["fold"].nunique() == 1 or _folds(scores, name) > 1]
    columns = ["median_deg", "tta_median_deg"]
    folds = scores.groupby(["fold", "network"])[columns].mean().unstack("network")
    folds = folds.swaplevel(axis=1)
    folds.columns = [f"{network}_{column}" for network, column in folds.columns]
    folds = folds[[f"{network}_{column}" for network in names for column in columns]]
    summary = pd.DataFrame({"mean": folds.mean(), "sd": folds.std(ddof=1)}).T
    return pd.concat([folds, summary]).rename_axis("fold").reset_index()


def folds_latex(
    folds: pd.DataFrame, titles: Mapping[str, str], of_one_fold: Mapping[str, str] | None = None
) -> str:
    """The table of folds as a complete tabular. titles: of models by name; others are not shown.

    of_one_fold: those that are shown where there is one fold, all of `titles` if None.
    """
    if of_one_fold is not None and len(folds) - len(SUMMARY) == 1:
        titles = of_one_fold
    shown = {("", "test specimen"): folds["fold"].map(lambda fold: SUMMARY.get(fold, fold))}
    for network, title in titles.items():
        if f"{network}_median_deg" not in folds:
            continue
        shown[(escape(title), "median")] = two_decimals(folds[f"{network}_median_deg"])
        shown[(escape(title), "TTA median")] = two_decimals(folds[f"{network}_tta_median_deg"])
    return tabular(pd.DataFrame(shown)) + "\n"


def _folds(scores: pd.DataFrame, name: str) -> int:
    return scores.loc[scores["network"] == name, "fold"].nunique()
