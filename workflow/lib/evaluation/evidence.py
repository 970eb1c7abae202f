"""All trainings of a run with their errors, signal by signal; a row per training, and per model.

A model is a name in the config. One that is the same as another with another number of epochs is a
variant of it by budget: it says what more arithmetic brings, and is no control.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.evaluation.axes import PARTS, parts_deg
from workflow.lib.inference.predictions import read_predictions
from workflow.lib.runtime.files import InputError

WITHIN_DEG = (2, 5, 10)


@dataclass(frozen=True)
class Statistic:
    """A number made of errors of one kind: their median or mean, or the share within a limit."""

    errors: str
    measure: str  # median, mean or share
    within_deg: float = np.nan

    def of(self, errors_deg: np.ndarray) -> np.ndarray:
        """Over the last axis of (..., n) errors in degrees; shares are 0 to 1."""
        if self.measure == "median":
            return np.median(errors_deg, axis=-1)
        return self.averaged(errors_deg).mean(-1)

    def averaged(self, errors_deg: np.ndarray) -> np.ndarray:
        """What a mean or a share is the mean of, (..., n)."""
        return errors_deg if self.measure == "mean" else (errors_deg <= self.within_deg) * 1.0


def _statistics() -> dict[str, Statistic]:
    """All by their names, in the order in which tables have them."""
    views = {"": "plain", "tta_": "tta"}
    found = {}
    for prefix, view in views.items():
        for measure in ("median", "mean"):
            found[f"{prefix}{measure}_deg"] = Statistic(view, measure)
    for prefix, view in views.items():
        for limit in WITHIN_DEG:
            found[f"{prefix}within_{limit}deg"] = Statistic(view, "share", limit)
    for prefix in views:
        for part in PARTS:
            found[f"{prefix}{part}_median_deg"] = Statistic(prefix + part, "median")
    return found


STATISTICS = _statistics()
COMPARED_STATISTICS = ("median_deg", "mean_deg", "tta_median_deg", "tta_mean_deg")


@dataclass(frozen=True)
class Training:
    """One training: its answers' errors on a specimen's evaluation set, and what it is.

    errors_deg: (n,) each, of one view `plain`, of 72 `tta`, and the parts of both about the
    specimen's axes, see `axes.parts_deg`. An answer that is no orientation counts with 62.8°, the
    largest there is. description: as in model.json.
    """

    network: str
    fold: int
    seed: int
    reference: np.ndarray
    errors_deg: Mapping[str, np.ndarray]
    n_invalid: int
    n_tta_invalid: int
    source: str
    simulated: bool
    description: Mapping[str, Any]


def read_trainings(predictions: Sequence[Path], models: Sequence[Path]) -> list[Training]:
    """Trainings from their files of predictions and their model.json, sorted by fold and seed.

    Raises InputError where a model.json lacks its predictions or the other way round, and where
    predictions of a fold are not of the same signals, or those of a run not of the same data.
    """
    descriptions = {}
    for path in models:
        description = json.loads(Path(path).read_text(encoding="utf-8"))
        key = description["name"], int(description["fold"]), int(description["seed"])
        descriptions[key] = description
    read = [_read(path, descriptions) for path in predictions]
    if len(read) != len(descriptions):
        raise InputError(
            f"found {len(read)} files of predictions and {len(descriptions)} trained models, "
            "expected one of each for every training"
        )
    first: dict[int, tuple[Path, Training]] = {}
    for path, training in zip(predictions, read, strict=True):
        other_path, other = first.setdefault(training.fold, (path, training))
        if not np.array_equal(training.reference, other.reference):
            raise InputError(
                f"{path} is of other signals than {other_path}, expected those of the same fold"
            )
    sources = sorted({training.source for training in read})
    if len(sources) != 1:
        raise InputError(
            f"predictions are of {' and '.join(sources)}, expected one source: give this run a "
            "name of its own (config key run)"
        )
    return sorted(read, key=lambda training: (training.fold, training.seed))


def training_table(
    trainings: Sequence[Training], titles: Mapping[str, str], kinds: Mapping[str, str]
) -> pd.DataFrame:
    """A row per training: the STATISTICS, answers that are no orientation, and the model's size.

    titles, kinds: of models by name; titles also order them. tflop, parameters and
    validation_median_deg are missing where the model has none; data and simulated say of what.
    """
    rows = []
    for training in _by_model(trainings, titles):
        row = _keys(training.network, titles, kinds)
        row |= {"fold": training.fold, "seed": training.seed, "n": len(training.reference)}
        row |= {
            name: statistic.of(training.errors_deg[statistic.errors])
            for name, statistic in STATISTICS.items()
        }
        row |= {"n_invalid": training.n_invalid, "n_tta_invalid": training.n_tta_invalid}
        row |= {
            name: training.description.get(name)
            for name in ("tflop", "parameters", "validation_median_deg")
        }
        rows.append(row | {"data": training.source, "simulated": training.simulated})
    types = {"tflop": float, "parameters": "Int64", "validation_median_deg": float}
    return pd.DataFrame(rows).astype(types)


def model_table(
    trainings: Sequence[Training],
    titles: Mapping[str, str],
    kinds: Mapping[str, str],
    compared: Sequence[str],
    table_fold: int,
) -> pd.DataFrame:
    """A row per model: base, parameters, tflop, validation_median_deg, seeds, folds.

    The numbers are means over the seeds of the table's fold, or of the first fold where the model
    has not that one; seeds says how many. base: see `bases`.
    """
    base_of, rows = bases(trainings, titles, compared), []
    for name in base_of:
        own = [training for training in trainings if training.network == name]
        folds = sorted({training.fold for training in own})
        fold = table_fold if table_fold in folds else folds[0]
        found = [training.description for training in own if training.fold == fold]
        row = _keys(name, titles, kinds) | {"base": base_of[name]}
        row |= {"parameters": found[0].get("parameters")}
        row |= {key: _mean_of(found, key) for key in ("tflop", "validation_median_deg")}
        rows.append(row | {"seeds": len(found), "folds": len(folds)})
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def bases(
    trainings: Sequence[Training], titles: Mapping[str, str], compared: Sequence[str]
) -> dict[str, str]:
    """The base of each model by its name, in the order of titles; "" for one that is no variant.

    Of models that differ in nothing but their epochs the base is the one compared, or else the one
    with most trainings, of equals the first. One that is compared is no variant.
    """
    settings: dict[str, str] = {}
    epochs: dict[str, Any] = {}
    count: dict[str, int] = {}
    for training in _by_model(trainings, titles):
        name = training.network
        settings[name], epochs[name] = _without_epochs(training.description)
        count[name] = count.get(name, 0) + 1
    found = {}
    for name in settings:
        alike = [other for other in settings if settings[other] == settings[name]]
        base = max(alike, key=lambda other: (other in compared, count[other]))
        is_variant = name not in compared and epochs[name] != epochs[base]
        found[name] = base if is_variant else ""
    return found


def _read(path: Path, descriptions: Mapping[tuple[str, int, int], dict[str, Any]]) -> Training:
    predictions, attributes = read_predictions(path)
    key = str(attributes["network"]), int(attributes["fold"]), int(attributes["seed"])
    if key not in descriptions:
        raise InputError(
            f"{path} holds answers of {key[0]}, fold {key[1]}, seed {key[2]}, expected those of "
            "a training whose model.json is given as well"
        )
    errors_deg = {
        "plain": predictions.misorientation_deg,
        "tta": predictions.tta_misorientation_deg,
    }
    answers = {"": predictions.orientation, "tta_": predictions.tta_orientation}
    for prefix, answer in answers.items():
        parts = parts_deg(answer, predictions.reference)
        errors_deg |= {prefix + part: values for part, values in parts.items()}
    return Training(
        *key,
        reference=predictions.reference,
        errors_deg=errors_deg,
        n_invalid=predictions.n_invalid,
        n_tta_invalid=predictions.n_tta_invalid,
        source=str(attributes["source"]),
        simulated=bool(attributes["simulated"]),
        description=descriptions[key],
    )


def _by_model(trainings: Sequence[Training], titles: Mapping[str, str]) -> list[Training]:
    order = list(titles)
    return sorted(trainings, key=lambda training: order.index(training.network))


def _keys(name: str, titles: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    return {"network": name, "title": titles[name], "kind": kinds[name]}


def _mean_of(descriptions: Sequence[Mapping[str, Any]], key: str) -> float:
    """NaN where one has none."""
    values = [description.get(key) for description in descriptions]
    return float(np.mean([np.nan if value is None else value for value in values]))


def _without_epochs(description: Mapping[str, Any]) -> tuple[str, Any]:
    """What decides what is trained but the epochs, in one text, and the epochs."""
    training = dict(description.get("training") or {})
    epochs = training.pop("epochs", None)
    rest = [description["network"], description.get("architecture"), training]
    return json.dumps(rest, sort_keys=True), epochs
