"""Error against the arithmetic of training: models that differ in nothing but their epochs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

STATISTICS = ("median_deg", "tta_median_deg", "mean_deg", "tta_mean_deg")
COLUMNS = [
    "base", "network", "tflop", "seeds", "statistic", "value", "low", "high", "simulated",
]  # fmt: skip
NEEDED = {
    "trainings": ("network", "fold", "seed", "tflop", *STATISTICS),
    "models": ("network", "base"),
    "controls": ("network", "statistic", "low", "high"),
}


def arithmetic_table(
    trainings: pd.DataFrame, models: pd.DataFrame, controls: pd.DataFrame, fold: int
) -> pd.DataFrame:
    """A row per budget and statistic of each model that was trained with several, on one fold.

    trainings, models, controls: of the record, see `NEEDED`. Columns: base, the model of which
    others are variants, itself among them; network; tflop and value, means over its seeds; low and
    high, the least and greatest of the seeds' values, with but one seed the 95 % interval over
    signals that `controls` has, or none; simulated. Sorted by base, in the order of `models`, and
    arithmetic.
    """
    base_of = dict(zip(models["network"], models["base"].fillna(""), strict=True))
    bases = [name for name in base_of if name in base_of.values()]
    ends = controls.set_index(["network", "statistic"])[["low", "high"]].to_dict("index")
    rows = []
    for base in bases:
        names = [name for name, other in base_of.items() if base in (name, other)]
        found = {name: _on_fold(trainings, name, fold) for name in names}
        for name in sorted(
            (name for name in names if len(found[name])), key=lambda name: _tflop(found[name])
        ):
            keys = {"base": base, "network": name, "tflop": _tflop(found[name])}
            keys |= {"seeds": len(found[name]), "simulated": _simulated(found[name])}
            rows += [
                keys | {"statistic": statistic} | _values(found[name], statistic, name, ends)
                for statistic in STATISTICS
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _on_fold(trainings: pd.DataFrame, name: str, fold: int) -> pd.DataFrame:
    return trainings[(trainings["network"] == name) & (trainings["fold"] == fold)]


def _tflop(found: pd.DataFrame) -> float:
    return float(found["tflop"].mean())


def _simulated(found: pd.DataFrame) -> bool:
    return bool("simulated" in found and found["simulated"].any())


def _values(
    found: pd.DataFrame,
    statistic: str,
    name: str,
    ends: Mapping[tuple[str, str], Mapping[str, float]],
) -> dict[str, float]:
    values = found[statistic]
    if len(values) > 1:
        low, high = values.min(), values.max()
    else:
        interval = ends.get((name, statistic), {"low": np.nan, "high": np.nan})
        low, high = interval["low"], interval["high"]
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}
