"""several_numbers.tex: what the paper's text says of several answers, as LaTeX macros.

Their names begin as those of numbers.tex do, with `eulernet` and `sequencenet` for the two models
compared. What a run cannot know, for want of an exact posterior, is a dash. All may stand in text
and in formulas.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workflow.lib.evaluation.decisions import POSTERIOR
from workflow.lib.evaluation.truth import CLAIMS
from workflow.lib.report.numbers import ROLES, phrase

KIND_NAMES = {"one_view": "OneView", "mixture": "Mixture", "product": "Product"}
CLAIM_NAMES = dict(zip(CLAIMS, ("Fifty", "Eighty", "NinetyFive"), strict=True))
BEST = "least_expected"  # the decision that is optimal for the metric
# The columns of a table with the ends of the macros' names and decimals. Of all decisions:
ERRORS = [("median_deg", "Median", 2), ("mean_deg", "Mean", 2), ("over_10_percent", "OverTen", 1)]
# and of the best one also:
INTERVALS = [
    ("median_low_deg", "MedianLow", 2),
    ("median_high_deg", "MedianHigh", 2),
    ("mean_low_deg", "MeanLow", 2),
    ("mean_high_deg", "MeanHigh", 2),
]
# Of the probabilities, with macros of the intervals' ends:
JUDGED = [("error", "Ece", 3), ("top_error", "TopEce", 3), ("log_score", "LogScore", 2)]
COMPARED = [("divergence", "Divergence", 2), ("moved_weight", "MovedWeight", 2)]
# and without:
BY_CHANCE = [("error_if_true", "EceIfTrue", 3), ("top_error_if_true", "TopEceIfTrue", 3)]
RISK = [
    ("area_deg", "RiskArea", 2),
    ("area_best_deg", "RiskAreaBest", 2),
    ("area_random_deg", "RiskAreaRandom", 2),
    ("kept_80_deg", "RiskKeptEighty", 2),
    ("kept_50_deg", "RiskKeptFifty", 2),
]
UNKNOWN = r"\mbox{--}"
SETTINGS = [("temperature", "Temperature", 2), ("bandwidth_deg", "Bandwidth", 1)]
Columns = list[tuple[str, str, int]]


def several_tex(
    decisions: pd.DataFrame, truth: pd.DataFrame, compared: Mapping[str, str], radius_deg: float
) -> str:
    """The text of several_numbers.tex. Degrees, per cent and nats have no unit.

    decisions: see `decision_table`. truth: see `calibration_table`. compared: titles of the two
    models by name, the baseline first.
    """
    decided = decisions.set_index(["network", "kind", "decision"]).sort_index()
    judged = truth.set_index(["network", "kind", "stage"]).sort_index()
    macros = {"candidateRadius": f"{radius_deg:g}"}
    for role, title in zip(ROLES, compared.values(), strict=True):
        for kind, name in KIND_NAMES.items():
            macros |= _decisions(role + name, decided.xs((title, kind)))
            before, after = (judged.loc[(title, kind, stage)] for stage in ("before", "after"))
            macros |= _values(role + name, after, [*SETTINGS, *BY_CHANCE, *RISK])
            macros |= _judged(role + name, after, JUDGED + COMPARED)
            macros |= _values(role + name, before, JUDGED + COMPARED, "Before")
            covered = before[f"covered_{CLAIMS[1]}"]
            macros[f"{role}{name}Coverage{CLAIM_NAMES[CLAIMS[1]]}Before"] = _text(100 * covered, 1)
    macros |= _posterior(decided, judged)
    lines = ["% Written by the rule `several`."]
    lines += [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros.items()]
    return "\n".join(lines) + "\n"


def _decisions(prefix: str, rows: pd.DataFrame) -> dict[str, str]:
    """Of one model and kind. rows: by decision."""
    macros: dict[str, str] = {}
    for decision, row in rows.iterrows():
        macros |= _values(prefix + _camel(decision), row, ERRORS)
    best = rows.loc[BEST]
    macros |= _values(prefix + _camel(BEST), best, INTERVALS)
    low, high = (best[f"mean_reduction_{end}_percent"] for end in ("low", "high"))
    macros[prefix + "Gain"] = phrase(best["mean_reduction_percent"])
    macros[prefix + "GainInterval"] = rf"${_text(low, 1)}$ to ${_text(high, 1)}$\,\%"
    macros[prefix + "GainVerdict"] = "includes zero" if low <= 0 <= high else "excludes zero"
    return macros


def _judged(prefix: str, row: pd.Series, columns: Columns) -> dict[str, str]:
    """Estimates with their intervals, and the coverages with theirs."""
    macros: dict[str, str] = {}
    for end, suffix in (("", ""), ("_low", "Low"), ("_high", "High")):
        ends = [(column + end, name, decimals) for column, name, decimals in columns]
        macros |= _values(prefix, row, ends, suffix)
        for claim, name in CLAIM_NAMES.items():
            share = row[f"covered_{claim}{end}"]
            macros[f"{prefix}Coverage{name}{suffix}"] = _text(100 * share, 1)
    return macros


def _posterior(decided: pd.DataFrame, judged: pd.DataFrame) -> dict[str, str]:
    """What the data allow; all macros, also where it is not known."""
    decision, truth = (POSTERIOR, "posterior", BEST), (POSTERIOR, "posterior", "exact")
    unknown = pd.Series(np.nan, index=[*decided.columns, *judged.columns])
    row = decided.loc[decision] if decision in decided.index else unknown
    its = judged.loc[truth] if truth in judged.index else unknown
    macros = _values("posterior", row, ERRORS + INTERVALS) | _judged("posterior", its, JUDGED)
    return macros | _values("posterior", its, [*BY_CHANCE, *RISK])


def _values(prefix: str, row: pd.Series, columns: Columns, suffix: str = "") -> dict[str, str]:
    return {
        prefix + name + suffix: _text(row[column], decimals) for column, name, decimals in columns
    }


def _text(value: float, decimals: int) -> str:
    if np.isnan(value):
        return UNKNOWN
    text = f"{value:z.{decimals}f}".replace("inf", r"\infty")
    return rf"\ensuremath{{{text}}}" if value < 0 or np.isinf(value) else text


def _camel(name: str) -> str:
    return "".join(map(str.capitalize, name.split("_")))
