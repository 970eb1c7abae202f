"""The models of one fold: each with its intervals, and each against the models compared.

Variants by budget, see `workflow.lib.evaluation.evidence.bases`, are left out of both.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workflow.lib.evaluation.clustered import draw_signals, resampled_means, resampled_medians
from workflow.lib.evaluation.evidence import COMPARED_STATISTICS, STATISTICS, Training, bases
from workflow.lib.evaluation.paired import Estimate, difference, effect, holm


def control_tables(
    trainings: Sequence[Training],
    titles: Mapping[str, str],
    kinds: Mapping[str, str],
    compared: Sequence[str],
    fold: int,
    resamples: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`controls`, a row per model and statistic, and `differences`, one per pair and statistic.

    controls: value, the mean over seeds, with low and high; seeds and n, the signals. differences:
    of each model from each of those compared, see `paired.difference` and `paired.effect`; p_holm
    is corrected for all pairs with the same statistic.
    """
    variants = {name for name, base in bases(trainings, titles, compared).items() if base}
    errors = {
        name: _errors(trainings, name, fold)
        for name in titles
        if name not in variants and any(t.network == name and t.fold == fold for t in trainings)
    }
    n = next(iter(errors.values()))["plain"].shape[1] if errors else 0
    drawn = draw_signals(n, resamples) if errors else np.empty((0, resamples))
    estimates, rows = {}, []
    for name, of_model in errors.items():
        found = estimate(of_model, STATISTICS, drawn)
        estimates[name] = {statistic: found[statistic] for statistic in COMPARED_STATISTICS}
        keys = {"network": name, "title": titles[name], "kind": kinds[name]}
        for statistic, value in found.items():
            low, high = value.interval()
            row = keys | {"statistic": statistic, "value": value.value, "low": low, "high": high}
            rows.append(row | {"seeds": len(value.trainings), "n": n})
    return pd.DataFrame(rows), _differences(errors, estimates, compared, drawn)


def estimate(
    errors_deg: Mapping[str, np.ndarray], names: Iterable[str], drawn: np.ndarray
) -> dict[str, Estimate]:
    """Statistics by name, of a model's errors (s, n) by kind. drawn: see `draw_signals`."""
    of = {name: STATISTICS[name] for name in names}
    values = {name: errors_deg[statistic.errors] for name, statistic in of.items()}
    medians = {name: values[name] for name in of if of[name].measure == "median"}
    means = {name: of[name].averaged(values[name]) for name in of if name not in medians}
    resampled = _at_once(resampled_medians, medians, drawn)
    resampled |= _at_once(resampled_means, means, drawn)
    return {name: Estimate(of[name].of(values[name]), resampled[name]) for name in of}


def _at_once(
    resample: Callable[[np.ndarray, np.ndarray], np.ndarray],
    values: Mapping[str, np.ndarray],
    drawn: np.ndarray,
) -> dict[str, np.ndarray]:
    """`resample` of all values (s, n) together, because what was drawn is long to read: (s, b)."""
    if not values:
        return {}
    rows = np.concatenate(list(values.values()))
    return dict(zip(values, np.split(resample(rows, drawn), len(values)), strict=True))


def _differences(
    errors: Mapping[str, Mapping[str, np.ndarray]],
    estimates: Mapping[str, Mapping[str, Estimate]],
    compared: Sequence[str],
    drawn: np.ndarray,
) -> pd.DataFrame:
    rows = []
    for reference in (name for name in compared if name in errors):
        for network in (name for name in errors if name != reference):
            for view in ("plain", "tta"):
                both = errors[network][view], errors[reference][view]
                size = effect(*both, drawn)
                for statistic in COMPARED_STATISTICS:
                    if STATISTICS[statistic].errors != view:
                        continue
                    keys = {"network": network, "reference": reference, "statistic": statistic}
                    found = difference(
                        estimates[network][statistic], estimates[reference][statistic]
                    )
                    rows.append(keys | found | size | {"n": len(drawn), "seeds": len(both[0])})
    return with_holm(rows, DIFFERENCE_COLUMNS)


DIFFERENCE_COLUMNS = [
    "network", "reference", "statistic", "value", "low", "high", "percent", "percent_low",
    "percent_high", "effect", "effect_low", "effect_high", "p", "p_holm", "n", "seeds",
]  # fmt: skip


def with_holm(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows with p as a table of these columns, with p_holm corrected within each statistic."""
    table = pd.DataFrame(rows, columns=[name for name in columns if name != "p_holm"])
    corrected = table.groupby("statistic")["p"].transform(lambda p: holm(p.to_numpy(float)))
    return table.assign(p_holm=corrected)[list(columns)]


def _errors(trainings: Sequence[Training], name: str, fold: int) -> dict[str, np.ndarray]:
    """A model's errors (s, n) by kind."""
    own = [t for t in trainings if t.network == name and t.fold == fold]
    return {kind: np.stack([t.errors_deg[kind] for t in own]) for kind in own[0].errors_deg}
