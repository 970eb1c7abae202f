"""Which single answer to take from several: the errors of each rule of decision."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.evaluation.answers import KINDS, Several
from workflow.lib.evaluation.scores import (
    mean_interval,
    mean_of_medians,
    mean_reduction,
    mean_reduction_interval,
    median_interval,
)

FAR_DEG = 10.0
POSTERIOR = "Exact posterior"  # in the place of a model's title: what the data allow
# The single answers that are read without a distribution: of one view, and of all 72.
GREEDY, TTA = "greedy", "tta_medoid"


def decision_table(several: Several, titles: Mapping[str, str], resamples: int) -> pd.DataFrame:
    """A row per model, kind and decision, and two for the exact posterior, where it is known.

    titles: of the models by name, in the order of the rows. Columns: network (the title), kind,
    decision, median_deg, mean_deg, each with low and high of its 95 % interval; over_10_percent
    (of the signals); mean_reduction_percent with its paired interval: by how much the mean is
    lower than that of the answer as it is read without a distribution from the same views, greedy
    from one view and the medoid of the greedy answers from 72; n, seeds, data, simulated.
    """
    rows = []
    for name, title in titles.items():
        for kind, decision, deg, present in _decisions(several, name):
            labels = {"network": title, "kind": kind, "decision": decision}
            row = labels | _statistics(deg, resamples) | _against(present, deg, resamples)
            rows.append(row)
    if several.posterior is not None:
        for decision, deg in several.posterior.decision_deg.items():
            labels = {"network": POSTERIOR, "kind": "posterior", "decision": decision}
            rows.append(labels | _statistics(deg, resamples))
    return pd.DataFrame(rows).assign(data=several.source, simulated=several.simulated)


def _decisions(
    several: Several, name: str
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray | None]]:
    """Kind, decision, errors (s, n), and those of the answer to compare with, None for itself."""
    result = several.results[name]
    yield KINDS[0], GREEDY, result.plain_deg, None
    for kind in KINDS:
        if kind == "mixture":
            yield kind, TTA, result.tta_deg, None
        present = result.plain_deg if kind == KINDS[0] else result.tta_deg
        for decision, deg in several.answers[name][kind].decision_deg.items():
            if (kind, decision) != (KINDS[0], "medoid"):  # the greedy answer itself
                yield kind, decision, deg, present


def _statistics(deg: np.ndarray, resamples: int) -> dict[str, Any]:
    median_low, median_high = median_interval(deg, resamples)
    mean_low, mean_high = mean_interval(deg, resamples)
    return {
        "median_deg": mean_of_medians(deg),
        "median_low_deg": median_low,
        "median_high_deg": median_high,
        "mean_deg": float(deg.mean()),
        "mean_low_deg": mean_low,
        "mean_high_deg": mean_high,
        "over_10_percent": 100 * float((deg > FAR_DEG).mean()),
        "n": deg.shape[1],
        "seeds": len(deg),
    }


def _against(present: np.ndarray | None, deg: np.ndarray, resamples: int) -> dict[str, float]:
    if present is None:
        return {}
    low, high = mean_reduction_interval(present, deg, resamples)
    return {
        "mean_reduction_percent": 100 * mean_reduction(present, deg),
        "mean_reduction_low_percent": 100 * low,
        "mean_reduction_high_percent": 100 * high,
    }
