"""How good the answers from few and from many views are: the table of the rule `views_record`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.evaluation.scores import mean_interval, mean_of_medians, median_interval
from workflow.lib.inference.views import DECISIONS, VIEWS
from workflow.lib.runtime.files import InputError

KEYS = ["network", "fold", "seed", "views", "decision", "statistic"]
VALUES = ["value", "low", "high", "ms_per_signal", "simulated"]
COLUMNS = ["network", "title", "kind", *KEYS[1:], *VALUES]


def view_table(
    network: str,
    fold: int,
    seed: int,
    deg: np.ndarray,
    cost_ms: np.ndarray,
    resamples: int,
    simulated: bool,
) -> pd.DataFrame:
    """A row per number of views, decision and statistic, of one training.

    deg: misorientations (n, VIEWS, DECISIONS). cost_ms (VIEWS, DECISIONS): of one core, for a
    signal. Columns: KEYS, then value, low and high of its 95 % interval over signals, in degrees,
    ms_per_signal, and simulated: whether the signals are.
    """
    rows = []
    for v, views in enumerate(VIEWS):
        for d, decision in enumerate(DECISIONS):
            keys = network, fold, seed, views, decision
            of_one = deg[None, :, v, d]
            median = mean_of_medians(of_one), *median_interval(of_one, resamples)
            mean = float(of_one.mean()), *mean_interval(of_one, resamples)
            rows.append((*keys, "median_deg", *median, cost_ms[v, d], simulated))
            rows.append((*keys, "mean_deg", *mean, cost_ms[v, d], simulated))
    return pd.DataFrame(rows, columns=KEYS + VALUES)


def views_record(
    paths: Sequence[Path], titles: Mapping[str, str], kinds: Mapping[str, str]
) -> pd.DataFrame:
    """The rows of all files that `view_table` came to, with each model's title and kind.

    Raises InputError for a file with other columns.
    """
    tables = []
    for path in paths:
        table = pd.read_csv(path)
        missing = [name for name in KEYS + VALUES if name not in table]
        if missing:
            raise InputError(
                f"{path}: has no column {missing[0]}, expected those that the rule views writes"
            )
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    joined = pd.concat(tables, ignore_index=True)
    title, kind = joined["network"].map(titles), joined["network"].map(kinds)
    return joined.assign(title=title, kind=kind)[COLUMNS]
