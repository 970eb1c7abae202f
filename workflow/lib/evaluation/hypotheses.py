"""What the paper's hypotheses are tested on: all models' answers to the signals of one fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow.lib.inference.predictions import Predictions, read_predictions
from workflow.lib.runtime.files import InputError

FAR_DEG = 10.0  # further from the reference an answer is wrong


@dataclass(frozen=True)
class Answers:
    """A model's answers to n signals, of s trainings; one that is no orientation is NaN, 62.8°."""

    orientation: np.ndarray  # (s, n, 4), plain, as given: of the 24 equivalents the model's own
    plain_deg: np.ndarray  # (s, n)
    tta_deg: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Answers by model, in the order of their titles; reference: of the signals, (n, 4)."""

    answers: Mapping[str, Answers]
    reference: np.ndarray
    simulated: bool


def read_evidence(paths: Sequence[Path], titles: Mapping[str, str]) -> Evidence:
    """The answers of those models that have `titles`, in predictions files of one fold.

    Raises InputError where files are of different signals, or none is of such a model.
    """
    found: dict[str, list[Predictions]] = {}
    reference, simulated = None, False
    for path in paths:
        predictions, attributes = read_predictions(path)
        if reference is None:
            reference, simulated = predictions.reference, bool(attributes["simulated"])
        if not np.array_equal(predictions.reference, reference):
            raise InputError(
                f"{path} is of other signals than {paths[0]}; expected predictions of one fold of "
                "one dataset: give this run a name of its own (config key run)"
            )
        found.setdefault(str(attributes["network"]), []).append(predictions)
    if reference is None or not set(found) & set(titles):
        raise InputError(
            f"predictions of {', '.join(sorted(found)) or 'no model'}; expected some of "
            f"{', '.join(titles)}"
        )
    answers = {name: _together(found[name]) for name in titles if name in found}
    return Evidence(answers, reference, simulated)


def _together(predictions: Sequence[Predictions]) -> Answers:
    return Answers(
        np.stack([one.orientation for one in predictions]),
        np.stack([one.misorientation_deg for one in predictions]),
        np.stack([one.tta_misorientation_deg for one in predictions]),
    )
