"""The table of what `calibration` and `risk` say of each model's probabilities."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.evaluation.answers import Answers, Forecast, Posterior, Several
from workflow.lib.evaluation.calibration import (
    UNKNOWN,
    Estimate,
    calibration_error,
    coverage,
    divergence,
    error_if_true,
    heaviest,
    log_score,
    mean_estimate,
    moved_weight,
)
from workflow.lib.evaluation.decisions import POSTERIOR
from workflow.lib.evaluation.risk import at_share, best_curve, risk_coverage

CLAIMS = (50, 80, 95)  # per cent
KEPT = (0.5, 0.8)  # shares of the signals, the most certain ones


def calibration_table(
    several: Several, titles: Mapping[str, str], radius_deg: float, resamples: int
) -> pd.DataFrame:
    """A row per model, kind and stage, and one of the exact posterior, where it is known.

    titles: of the models by name, in the order of the rows. Columns: network (the title), kind,
    stage (before or after the temperature was fitted), temperature and bandwidth_deg (means over
    seeds); error and top_error (of all candidates and of the heaviest), with error_if_true and
    top_error_if_true (the least to expect); covered_50, …; log_score and divergence in nats (n of
    the latter in divergence_n); moved_weight; each with low and high; left_out (mean); n, seeds,
    data, simulated. Of the answer of least expected misorientation, whose certainty is the heaviest
    candidate's probability: area_deg (under the risk-coverage curve), area_best_deg (ordered by the
    true errors), area_random_deg, kept_50_deg, … (means of the most certain signals); only where
    the stage is the last one, since there is one answer.
    """
    rows = []
    for name, title in titles.items():
        for kind, answers in several.answers[name].items():
            for stage, forecast in answers.forecast.items():
                row = {"network": title, "kind": kind, "stage": stage}
                row |= _remedy(answers, stage)
                row |= _truth(forecast, several.posterior, radius_deg, resamples)
                if stage == "after":
                    row |= _risk(forecast, answers.decision_deg["least_expected"])
                rows.append(row)
    if several.posterior is not None:
        exact = several.posterior
        row = {"network": POSTERIOR, "kind": "posterior", "stage": "exact"}
        row |= _truth(exact.forecast, exact, radius_deg, resamples)
        rows.append(row | _risk(exact.forecast, exact.decision_deg["least_expected"]))
    return pd.DataFrame(rows).assign(data=several.source, simulated=several.simulated)


def _remedy(answers: Answers, stage: str) -> dict[str, float]:
    temperature = float(answers.temperature.mean()) if stage == "after" else 1.0
    return {"temperature": temperature, "bandwidth_deg": float(answers.bandwidth_deg.mean())}


def _truth(
    forecast: Forecast, posterior: Posterior | None, radius_deg: float, resamples: int
) -> dict[str, Any]:
    top, top_right = heaviest(forecast, radius_deg)
    row: dict[str, Any] = {}
    right = forecast.right(radius_deg)
    row |= _columns("error", calibration_error(forecast.probability, right, resamples))
    row |= {"error_if_true": error_if_true(forecast.probability)}
    row |= _columns("top_error", calibration_error(top, top_right, resamples))
    row |= {"top_error_if_true": error_if_true(top)}
    for claim in CLAIMS:
        row |= _columns(f"covered_{claim}", coverage(forecast.level, claim / 100))
    row |= _columns("log_score", log_score(forecast.log_density, resamples))
    row |= _from_the_exact_one(forecast, posterior, radius_deg, resamples)
    seeds, n = forecast.level.shape
    return row | {"left_out": float(forecast.left_out.mean()), "n": n, "seeds": seeds}


def _from_the_exact_one(
    forecast: Forecast, posterior: Posterior | None, radius_deg: float, resamples: int
) -> dict[str, float]:
    if posterior is None:
        unknown = _columns("divergence", UNKNOWN) | {"divergence_n": 0}
        return unknown | _columns("moved_weight", UNKNOWN)
    exact = posterior.forecast.log_density
    moved = moved_weight(posterior, forecast, radius_deg)
    return {
        **_columns("divergence", divergence(exact, forecast.log_density, resamples)),
        "divergence_n": int(np.isfinite(exact).sum()),
        **_columns("moved_weight", mean_estimate(moved, resamples)),
    }


def _risk(forecast: Forecast, deg: np.ndarray) -> dict[str, float]:
    curve = risk_coverage(forecast.certainty, deg)
    kept = {f"kept_{100 * share:.0f}_deg": at_share(curve.mean_deg, share) for share in KEPT}
    areas = {"area_best_deg": float(best_curve(deg).area_deg), "area_random_deg": deg.mean()}
    return {"area_deg": float(curve.area_deg), **areas, **kept}


def _columns(name: str, estimate: Estimate) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))
