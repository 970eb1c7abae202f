"""release.json: what the models of a release are and how good they were found to be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow.lib.evaluation.scores import mean_interval, mean_of_medians, median_interval
from workflow.lib.inference.predictions import Predictions, read_predictions
from workflow.lib.maps.release.contents import CONVENTIONS, FORMAT, SIGNAL
from workflow.lib.runtime.files import InputError, remade_by
from workflow.lib.runtime.progress import tracked

OF_DATA = ("source", "sha256", "simulated")  # attributes that all predictions of a run share


class Trained(NamedTuple):
    """The files of one training."""

    weights: Path
    model: Path  # model.json
    predictions: Path


@dataclass(frozen=True)
class Run:
    """What the config says of the run whose models are released.

    titles: by network, which is a model's name. default: network, fold and seed of the model to
    use where nobody chooses. anomaly: `components` and `false_alarms` of the signal spaces.
    code: the version that packs it, see `checkout.code_version`. resamples: of the bootstrap.
    """

    name: str
    titles: Mapping[str, str]
    default: tuple[str, int, int]
    anomaly: Mapping[str, Any]
    code: Mapping[str, str | bool]
    resamples: int


def release_facts(trained: Sequence[Trained], run: Run) -> dict[str, Any]:
    """Everything in release.json; the models in the order given.

    Misorientations in degrees, of the evaluation set of the test specimen, which is the fold's:
    `plain`, the answer to one view, and `tta`, the medoid of the answers to 72. A `_95` is a 95 %
    bootstrap interval over signals. `models` has each training by itself; `results` has means over
    seeds of the default fold, computed as those of Table 1. Raises InputError where predictions
    are another training's, or the data of two trainings differ.
    """
    models, answers, data = [], {}, None
    for one in tracked(trained, "release", "model"):
        description = json.loads(one.model.read_text(encoding="utf-8"))
        predictions, attributes = read_predictions(one.predictions)
        key = description["name"], int(description["fold"]), int(description["seed"])
        _check_same_training(one, key, attributes)
        data = data or _data(attributes)
        if _data(attributes) != data:
            raise InputError(
                f"{one.predictions}: its data are {_data(attributes)}, expected {data}; "
                f"{remade_by(one.predictions)}"
            )
        answers[key] = predictions
        models.append(_model(key, description, predictions, run))
    return {
        "format": FORMAT,
        "run": run.name,
        "data": data,
        "code": dict(run.code),
        "conventions": CONVENTIONS,
        "signal": SIGNAL,
        "anomaly": dict(run.anomaly),
        "default": dict(zip(("network", "fold", "seed"), run.default, strict=True)),
        "results": _results(answers, run),
        "models": models,
    }


def _model(
    key: tuple[str, int, int], description: Mapping[str, Any], predictions: Predictions, run: Run
) -> dict[str, Any]:
    network, fold, seed = key
    return {
        "network": network,
        "title": run.titles[network],
        "class": description["network"],
        "architecture": description["architecture"],
        "fold": fold,
        "seed": seed,
        "test_specimen": fold,
        "n_training": description["n_training"],
        "n_validation": description["n_validation"],
        "n": len(predictions.reference),
        "misorientation_deg": _statistics([predictions], run.resamples),
    }


def _results(answers: Mapping[tuple[str, int, int], Predictions], run: Run) -> list[dict[str, Any]]:
    """Of each network on the default fold, over its seeds."""
    _, fold, _ = run.default
    rows = []
    for network in dict.fromkeys(name for name, number, _ in answers if number == fold):
        of_seeds = {
            seed: predictions
            for (name, number, seed), predictions in answers.items()
            if (name, number) == (network, fold)
        }
        rows.append(
            {
                "network": network,
                "title": run.titles[network],
                "fold": fold,
                "seeds": list(of_seeds),
                "n": len(next(iter(of_seeds.values())).reference),
                "misorientation_deg": _statistics(list(of_seeds.values()), run.resamples),
            }
        )
    return rows


def _statistics(of_seeds: Sequence[Predictions], resamples: int) -> dict[str, Any]:
    """Medians and means over seeds; invalid answers are counted over all of them."""
    plain = np.stack([predictions.misorientation_deg for predictions in of_seeds])
    tta = np.stack([predictions.tta_misorientation_deg for predictions in of_seeds])
    invalid = {
        "plain": sum(predictions.n_invalid for predictions in of_seeds),
        "tta": sum(predictions.n_tta_invalid for predictions in of_seeds),
    }
    return {
        kind: {
            "median": mean_of_medians(deg),
            "median_95": list(median_interval(deg, resamples)),
            "mean": float(deg.mean()),
            "mean_95": list(mean_interval(deg, resamples)),
            "invalid": invalid[kind],
        }
        for kind, deg in (("plain", plain), ("tta", tta))
    }


def _data(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: attributes[name] for name in OF_DATA}
    return found | {"simulated": bool(found["simulated"])}


def _check_same_training(
    one: Trained, key: tuple[str, int, int], attributes: Mapping[str, Any]
) -> None:
    found = attributes["network"], int(attributes["fold"]), int(attributes["seed"])
    if found != key:
        raise InputError(
            f"{one.predictions}: found the answers of {found}, expected those of {key}, which is "
            f"in {one.model}; {remade_by(one.predictions)}"
        )
