"""Several answers as the predictions have them: decisions, and probabilities to be judged.

Letters: s seeds, n signals of one fold, k candidates. What a file keeps of one view, of the mixture
of 72 views and of their product is in its groups `several/<kind>`; `inference.several` makes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from workflow.lib.evaluation.scores import Result, read_results
from workflow.lib.inference.predictions import Distribution, read_arrays, read_several
from workflow.lib.inference.support import KINDS
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, misorientation_deg
from workflow.lib.runtime.files import InputError

DECISIONS = ("most_probable", "heaviest", "least_expected", "medoid")
STAGES = {"before": "before_", "after": ""}  # the temperature was fitted: how its arrays begin
FORECAST = (
    "candidate_orientation", "candidate_probability", "left_out_probability",
    "log_density", "level",
)  # fmt: skip
DECIDED = ("least_expected", "most_probable")  # what the posterior's file has
SAME_DEG = 0.01  # labels of the same signals differ by rounding at most


@dataclass(frozen=True)
class Forecast:
    """Distributions over orientations for n signals, from s seeds each, and what came out.

    orientation: (s, n, k, 4), the candidates. probability: (s, n, k), 0 for an empty place.
    left_out: (s, n), the probability of no candidate. distance_deg: (s, n, k), of the candidates
    from the reference; NaN for an empty place. log_density: (s, n), in nats, at the reference,
    relative to uniform on the fundamental zone by Haar's measure; −∞ where there is no
    distribution. level: (s, n), the probability of the smallest set, densest orientations first,
    that holds the reference, 0–1; NaN where there is no distribution.
    """

    orientation: np.ndarray
    probability: np.ndarray
    left_out: np.ndarray
    distance_deg: np.ndarray
    log_density: np.ndarray
    level: np.ndarray

    def right(self, radius_deg: float) -> np.ndarray:
        """Whether a candidate is the reference's: bool (s, n, k), one of a signal at most.

        It is the heaviest within the radius of the reference, because a candidate's probability
        leaves out what a heavier one within the radius has gathered.
        """
        within = self.distance_deg <= radius_deg
        return within & (within.cumsum(-1) == 1)

    @property
    def certainty(self) -> np.ndarray:
        """The probability of the heaviest candidate, (s, n)."""
        return self.probability.max(-1)


@dataclass(frozen=True)
class Answers:
    """What a model makes of n signals in one of KINDS, from s seeds.

    decision_deg: misorientations (s, n) by decision; no answer counts as the worst one, 62.8°.
    forecast: by stage, before and after the temperature was fitted on validation signals.
    temperature, bandwidth_deg: (s,); the latter NaN where the density is exact.
    """

    decision_deg: dict[str, np.ndarray]
    forecast: dict[str, Forecast]
    temperature: np.ndarray
    bandwidth_deg: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """The exact posterior of simulated signals. decision_deg: (1, n) of `DECIDED`; one "seed"."""

    decision_deg: dict[str, np.ndarray]
    forecast: Forecast


@dataclass(frozen=True)
class Several:
    """All of one fold: `answers` by model and kind; `results`, the single answers as they are read
    without any of this; `posterior`, where the data are simulated; where the data are from.
    """

    answers: Mapping[str, Mapping[str, Answers]]
    results: Mapping[str, Result]
    posterior: Posterior | None
    simulated: bool
    source: str


def read_answers(paths: Sequence[Path], posterior: Path | None) -> Several:
    """Predictions of one fold by any models and seeds, and the exact posterior if there is one.

    Raises InputError for a file that lacks something, for files of several folds or sources, and
    for a posterior of other signals.
    """
    results, simulated, source = read_results(paths)
    files: dict[str, list[Path]] = {}
    reference = None
    for path in paths:
        arrays, attributes = read_arrays(path, ["reference"])
        files.setdefault(attributes["network"], []).append(path)
        reference = arrays["reference"]
    answers = {
        name: _by_kind([read_several(path, KINDS) for path in mine], reference)
        for name, mine in files.items()
    }
    exact = None if posterior is None else _read_posterior(posterior, reference)
    return Several(answers, results, exact, simulated, source)


def error_deg(answer: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Misorientations (...) of orientations (..., 4); no answer, NaN, counts as the worst one."""
    return np.nan_to_num(_distance_deg(answer, reference), nan=MAX_MISORIENTATION_DEG)


def _by_kind(seeds: Sequence[dict[str, Distribution]], reference: np.ndarray) -> dict[str, Answers]:
    return {kind: _answers([found[kind] for found in seeds], reference) for kind in KINDS}


def _answers(seeds: Sequence[Distribution], reference: np.ndarray) -> Answers:
    arrays = {name: np.stack([vars(found)[name] for found in seeds]) for name in vars(seeds[0])}
    return Answers(
        {name: error_deg(arrays[f"{name}_orientation"], reference) for name in DECISIONS},
        {stage: _forecast(arrays, prefix, reference) for stage, prefix in STAGES.items()},
        temperature=arrays["temperature"],
        bandwidth_deg=arrays["bandwidth_deg"],
    )


def _read_posterior(path: Path, reference: np.ndarray) -> Posterior:
    decided = [f"{name}_orientation" for name in DECIDED]
    arrays, _ = read_arrays(path, [*FORECAST, *decided, "reference"])
    its = arrays.pop("reference")
    if its.shape != reference.shape or not (error_deg(its, reference) < SAME_DEG).all():
        raise InputError(
            f"{path} is of other signals than the predictions ({len(its)} here, {len(reference)} "
            "there): remove it and run the same command again"
        )
    arrays = {name: value[None] for name, value in arrays.items()}
    errors = {name: error_deg(arrays[f"{name}_orientation"], reference) for name in DECIDED}
    return Posterior(errors, _forecast(arrays, "", reference))


def _forecast(arrays: Mapping[str, np.ndarray], prefix: str, reference: np.ndarray) -> Forecast:
    orientation, probability, left_out, log_density, level = (
        arrays[prefix + name].astype(float) for name in FORECAST
    )
    return Forecast(
        orientation,
        np.nan_to_num(probability),
        left_out,
        _distance_deg(orientation, reference[:, None]),
        np.where(np.isnan(log_density), -np.inf, log_density),
        level,
    )


def _distance_deg(q: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return misorientation_deg(*map(torch.from_numpy, (q.astype(float), reference))).numpy()
