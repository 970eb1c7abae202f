"""Two models compared: by how much one median is lower than the other."""

from collections.abc import Mapping, Sequence

import pandas as pd

from workflow.lib.evaluation.scores import Result, reduction, reduction_interval


def compare(results: Mapping[str, Result], compared: Sequence[str], resamples: int) -> pd.DataFrame:
    """Reductions of the median in per cent with their paired 95 % intervals.

    compared: two models, the baseline first. `plain` and `tta` are the original's two claims
    (SequenceNet without and with TTA against EulerNet without); `both` gives both models TTA;
    the last two are what TTA does for each.
    """
    baseline, other = (results[name] for name in compared)
    pairs = {
        "plain": (baseline.plain_deg, other.plain_deg),
        "tta": (baseline.plain_deg, other.tta_deg),
        "both": (baseline.tta_deg, other.tta_deg),
        f"{compared[0]}_gain": (baseline.plain_deg, baseline.tta_deg),
        f"{compared[1]}_gain": (other.plain_deg, other.tta_deg),
    }
    rows = []
    for name, (before, after) in pairs.items():
        low, high = reduction_interval(before, after, resamples)
        rows.append(
            {
                "comparison": name,
                "reduction_percent": 100 * reduction(before, after),
                "low_percent": 100 * low,
                "high_percent": 100 * high,
            }
        )
    return pd.DataFrame(rows)
