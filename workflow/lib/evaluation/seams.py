"""Errors against the distance from seams: those of Euler angles, of written quaternions, and own.

Distances are those of the unrolled signal's reference; names as in `DISTANCES`, and `own_seam` of
`own_seams`, which differs between trainings. A hypothesis says that errors grow towards a model's
own kind of seam; the other kind's is the control.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor

from workflow.lib.evaluation.hypotheses import FAR_DEG, Answers, Evidence
from workflow.lib.evaluation.own_seams import OwnSeams
from workflow.lib.evaluation.resampling import Resamples, ends
from workflow.lib.orientation.euler_seams import (
    euler_azimuth_deg,
    euler_gimbal_deg,
    euler_seam_deg,
    euler_sheet_deg,
)
from workflow.lib.orientation.zone import zone_face_deg

DISTANCES: dict[str, Callable[[Tensor], Tensor]] = {
    "euler_seam": euler_seam_deg,
    "euler_sheet": euler_sheet_deg,
    "euler_azimuth": euler_azimuth_deg,
    "euler_gimbal": euler_gimbal_deg,
    "zone_face": zone_face_deg,
}
OWN = "own_seam"
EDGES_DEG = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 30.0, 45.0, 65.0)
NEAR_DEG = 5.0
NEAR_OWN_DEG = 10.0  # own seams are not seen finer than signals are spaced


def seam_tables(
    evidence: Evidence, titles: Mapping[str, str], kinds: Mapping[str, str], resamples: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Errors by distance, and near against far: the tables seams.csv and near_far.csv.

    titles, kinds: of the models by name. Columns of the first: network, title, kind, distance,
    from_deg, to_deg, n (signals, of all trainings on average), tta, median_deg (mean over
    trainings) with low and high, mean_deg, over_10_share, simulated; intervals without a signal
    are left out. Of the second: network, title, kind, distance, near_deg, tta, statistic, value,
    low, high. Statistics: see `near_far`.
    """
    drawn = Resamples(len(evidence.reference), resamples)
    reference = torch.from_numpy(evidence.reference)
    fixed = {name: measure(reference).numpy() for name, measure in DISTANCES.items()}
    own = OwnSeams(evidence.reference)
    by_distance: list[dict[str, Any]] = []
    compared: list[dict[str, Any]] = []
    for network, answers in evidence.answers.items():
        model = {"network": network, "title": titles[network], "kind": kinds[network]}
        for name, tta, deg, error in _pairs(answers, fixed, own):
            keys = model | {"distance": name}
            for row in binned(deg, error, drawn):
                by_distance.append(keys | row | {"tta": tta, "simulated": evidence.simulated})
            near_deg = NEAR_OWN_DEG if name == OWN else NEAR_DEG
            for row in near_far(deg, error, near_deg, drawn):
                compared.append(keys | {"near_deg": near_deg, "tta": tta} | row)
    return pd.DataFrame(by_distance), pd.DataFrame(compared)


def binned(deg: np.ndarray, error: np.ndarray, drawn: Resamples) -> Iterator[dict[str, Any]]:
    """Errors (s, n) by distance (s, n), both in degrees: a row per interval that has signals.

    Intervals are from EDGES_DEG, without their upper end. A median is that of each training's
    signals there, averaged over trainings that have some.
    """
    for start, end in pairwise(EDGES_DEG):
        there = (deg >= start) & (deg < end)
        seeds = [i for i in range(len(deg)) if there[i].any()]
        if not seeds:
            continue
        low, high = ends(np.mean([drawn.medians(error[i], there[i]) for i in seeds], axis=0))
        yield {
            "from_deg": start,
            "to_deg": end,
            "n": round(there.sum() / len(deg)),
            "median_deg": np.mean([np.median(error[i, there[i]]) for i in seeds]),
            "mean_deg": error[there].mean(),
            "over_10_share": (error[there] > FAR_DEG).mean(),
            "low": low,
            "high": high,
        }


def near_far(
    deg: np.ndarray, error: np.ndarray, near_deg: float, drawn: Resamples
) -> Iterator[dict[str, Any]]:
    """Errors (s, n) of signals within near_deg of a seam against the others; deg (s, n): distances.

    A row per statistic with value, low and high, pooled over trainings: near_share, of signals;
    mean_ratio, the mean error near to that far; over_10_near, over_10_far, shares over 10°, and
    their over_10_difference and over_10_ratio; rank_correlation, Spearman's, of error and distance,
    averaged over trainings: negative if errors grow towards the seam. Without signals on one side
    what compares the two is NaN.
    """
    near = deg <= near_deg
    wrong = error > FAR_DEG
    parts = [part for side in (near, ~near) for part in (side, side * error, side * wrong)]
    columns = np.stack([part.mean(0) for part in parts], 1)  # (n, 6)
    values = _compared(columns.sum(0))
    resampled = _compared(drawn.sums(columns))
    for name, value in values.items():
        low, high = ends(resampled[name]) if np.isfinite(value) else (np.nan, np.nan)
        yield {"statistic": name, "value": float(value), "low": low, "high": high}
    yield {"statistic": "rank_correlation"} | _rank_correlation(deg, error, drawn)


def _pairs(
    answers: Answers, fixed: Mapping[str, np.ndarray], own: OwnSeams
) -> Iterator[tuple[str, bool, np.ndarray, np.ndarray]]:
    """Name of the distance, whether with TTA, distances (s, n), errors (s, n)."""
    for tta, error in ((False, answers.plain_deg), (True, answers.tta_deg)):
        for name, deg in fixed.items():
            yield name, tta, np.broadcast_to(deg, error.shape), error
    of_seeds = np.stack([own.distance_deg(answer) for answer in answers.orientation])
    yield OWN, False, of_seeds, answers.plain_deg


def _compared(sums: np.ndarray) -> dict[str, np.ndarray]:
    """From sums (..., 6), near then far, of signals, errors and how many are over 10°."""
    with np.errstate(divide="ignore", invalid="ignore"):
        near, near_error, near_wrong, far, far_error, far_wrong = np.moveaxis(sums, -1, 0)
        over_near, over_far = near_wrong / near, far_wrong / far
        return {
            "near_share": near / (near + far),
            "mean_ratio": (near_error / near) / (far_error / far),
            "over_10_near": over_near,
            "over_10_far": over_far,
            "over_10_difference": over_near - over_far,
            # none of either is as many; none far, but some near, is ∞ times as many
            "over_10_ratio": np.where(over_near == over_far, 1.0, over_near / over_far),
        }


def _rank_correlation(deg: np.ndarray, error: np.ndarray, drawn: Resamples) -> dict[str, float]:
    pairs = list(zip(deg, error, strict=True))
    with np.errstate(invalid="ignore"):
        value = np.mean([np.corrcoef(rankdata(x), rankdata(y))[0, 1] for x, y in pairs])
    low, high = ends(np.mean([drawn.rank_correlations(x, y) for x, y in pairs], axis=0))
    return {"value": float(value), "low": low, "high": high}
