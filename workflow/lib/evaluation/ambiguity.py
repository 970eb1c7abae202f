"""Several answers where the signal has several: the sweep of the simulator's facet amplitude.

Without facets (amplitude 0) the signals of g and of g turned by half a turn about the specimen's
normal, Rz(180°) g, are the same. With them the two can be told apart, the better the brighter they
are. So each signal has two orientations that an answer may come near to: the reference, and the
reference turned by half a turn; where both are one orientation of the cubic crystal, which few
are nearly, an answer may be near to both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch

from workflow.lib.evaluation.scores import mean_of_medians, median_interval
from workflow.lib.orientation import (
    MAX_MISORIENTATION_DEG,
    azimuth_rotation,
    misorientation_deg,
    multiply,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, opened

EXACT = "exact"  # the name and the kind of the posterior's rows
EXACT_TITLE = "Exact posterior"
HELD_DEG = (5, 10)  # two candidates hold both orientations if each is so near to one
RADIUS_DEG = 10.0  # within which a candidate's probability is that of an orientation
FAR_DEG = 10.0  # further from the reference an answer is wrong; further from both, it lies between
# The kinds of answers in a file of predictions: single ones by name, and those with candidates.
SINGLE = {"plain": "orientation", "tta": "tta_orientation"}
SEVERAL = ("one_view", "mixture")


@dataclass(frozen=True)
class Answers:
    """The files with all answers for the signals of one fold of one dataset.

    predictions: a file per model and seed. posterior: the exact answers.
    """

    predictions: Sequence[Path]
    posterior: Path


@dataclass(frozen=True)
class Distribution:
    """The answers to n signals: the best single one, and candidates, the heaviest first.

    single: (n, 4), NaN where it is no orientation. candidates: (n, k, 4), empty places NaN.
    probability: (n, k), empty places 0. k is 0 where there is but the single answer.
    """

    single: np.ndarray
    candidates: np.ndarray
    probability: np.ndarray


Judged = dict[str, np.ndarray]  # quantities by name, (n,) each; (seeds, n) once they are together


def sweep_table(
    answers: Mapping[float, Answers], titles: Mapping[str, str], resamples: int
) -> pd.DataFrame:
    """A row per facet amplitude, model and kind of answer, the exact posterior's last.

    answers: by facet amplitude. titles: of the models by name, which also orders them.
    Columns: facet_amplitude, source, simulated, model, title, kind, fold, n, seeds, and those of
    `summary`. Kinds: plain and tta, the single answers; one_view and mixture, distributions of one
    view and of all 72; exact. Raises InputError where the files of an amplitude do not belong
    together.
    """
    rows: list[dict[str, Any]] = []
    for amplitude, files in sorted(answers.items()):
        rows += _rows_of(amplitude, files, titles, resamples)
    return pd.DataFrame(rows)


def half_turned(orientation: np.ndarray) -> np.ndarray:
    """Orientations (..., 4) turned by 180° about the specimen's normal: Rz(180°) g."""
    return multiply(azimuth_rotation(36), torch.from_numpy(orientation)).numpy()


def judge(answers: Distribution, reference: np.ndarray) -> Judged:
    """How near answers are to the reference and to its half turn; reference: (n, 4).

    Of the single answer error_deg and nearer_deg, the misorientation from the nearer of both;
    none counts as the largest there is, 62.8°. Of the candidates: candidates, how many there are;
    best_of_two_deg, of the better of the two heaviest; held_5 and held_10, whether these two hold
    both orientations within so many degrees each; true_probability and turned_probability, of all
    candidates within RADIUS_DEG of either; true_weight and turned_weight, of the two heaviest where
    one is within 5° of the reference and the other of its half turn, else NaN.
    """
    both = np.stack((reference, half_turned(reference)), 1)
    single_deg = np.nan_to_num(_angles(answers.single[:, None], both), nan=MAX_MISORIENTATION_DEG)
    judged = {"error_deg": single_deg[:, 0], "nearer_deg": single_deg.min(1)}
    if answers.candidates.shape[1] == 0:
        return judged
    deg = _angles(answers.candidates[:, :, None], both[:, None])  # (n, k, 2)
    deg[np.isnan(deg) | (answers.probability == 0)[..., None]] = np.inf  # no candidate
    probability = np.where(deg <= RADIUS_DEG, answers.probability[..., None], 0).sum(1)
    heaviest = deg[:, :2]
    nearest, which = heaviest.min(1), heaviest.argmin(1)  # (n, 2): to each of the two orientations
    weight = np.take_along_axis(answers.probability, which, 1)
    apart = (nearest <= HELD_DEG[0]).all(1) & (which[:, 0] != which[:, 1])
    weight = np.where(apart[:, None], weight, np.nan)
    judged["candidates"] = (answers.probability > 0).sum(1)
    judged["best_of_two_deg"] = nearest[:, 0].clip(max=MAX_MISORIENTATION_DEG)
    for held_deg in HELD_DEG:
        judged[f"held_{held_deg}"] = (nearest <= held_deg).all(1)
    for i, name in enumerate(("true", "turned")):
        judged[f"{name}_probability"] = probability[:, i]
        judged[f"{name}_weight"] = weight[:, i]
    return judged


def summary(judged: Judged, exact: Judged, resamples: int) -> dict[str, float]:
    """What `judge` found for (seeds, n) answers, in numbers; exact: of the posterior, (1, n).

    Medians are averaged over seeds and have 95 % intervals over signals, `…_low` and `…_high`;
    shares are 0 to 1. median_deg, mean_deg and far_share (over 10°) are of the single answer;
    near_share and between_share say how often it is within 5° of one of the two orientations, and
    how often further than 10° from both. best_of_two_median_deg, …_mean_deg and …_far_share,
    held_5_share, held_10_share, true_probability and turned_probability (medians), true_off and
    turned_off (mean absolute differences of these probabilities from the exact ones), true_weight
    and turned_weight (medians where there are any) and candidates (mean) are left out where there
    are none.
    """
    found = _errors("", judged["error_deg"], resamples)
    found["near_share"] = (judged["nearer_deg"] <= HELD_DEG[0]).mean()
    found["between_share"] = (judged["nearer_deg"] > FAR_DEG).mean()
    if "candidates" in judged:
        found["candidates"] = judged["candidates"].mean()
        found |= _errors("best_of_two_", judged["best_of_two_deg"], resamples)
        found |= {f"held_{deg}_share": judged[f"held_{deg}"].mean() for deg in HELD_DEG}
        for name in ("true", "turned"):
            probability = judged[f"{name}_probability"]
            found |= _median(f"{name}_probability", probability, resamples)
            found[f"{name}_off"] = np.abs(probability - exact[f"{name}_probability"]).mean()
            weight = judged[f"{name}_weight"]
            found[f"{name}_weight"] = _median_of_any(weight)
    return found


def _rows_of(
    amplitude: float, files: Answers, titles: Mapping[str, str], resamples: int
) -> list[dict[str, Any]]:
    reference, answers, attributes = _read_posterior(files.posterior)
    if not np.isclose(attributes["facet_amplitude"], amplitude):
        raise InputError(
            f"{files.posterior} is of facet amplitude {attributes['facet_amplitude']}, expected "
            f"{amplitude}"
        )
    exact = _together([judge(answers[EXACT], reference)])
    found: dict[tuple[str, str], list[Judged]] = {}
    for path in files.predictions:
        of_file, answers, told = _read_predictions(path)
        if told["source"] != attributes["source"] or not np.array_equal(of_file, reference):
            raise InputError(
                f"{path} ({told['source']}) is of other signals than {files.posterior} "
                f"({attributes['source']}), expected those of the same fold and dataset"
            )
        for kind, distribution in answers.items():
            of_kind = found.setdefault((str(told["network"]), kind), [])
            of_kind.append(judge(distribution, reference))
    rows = [
        (model, title, kind, _together(found[model, kind]))
        for model, title in titles.items()
        for kind in (*SINGLE, *SEVERAL)
    ]
    rows.append((EXACT, EXACT_TITLE, EXACT, exact))
    return [
        {
            "facet_amplitude": amplitude,
            "source": attributes["source"],
            "simulated": bool(attributes["simulated"]),
            "model": model,
            "title": title,
            "kind": kind,
            "fold": int(attributes["fold"]),
            "n": len(reference),
            "seeds": len(judged["error_deg"]),
        }
        | summary(judged, exact, resamples)
        for model, title, kind, judged in rows
    ]


def _read_predictions(path: Path) -> tuple[np.ndarray, dict[str, Distribution], dict[str, Any]]:
    """The reference orientations, the answers by kind, and the attributes of a file."""
    with opened(path) as file:
        reference = member(file, "reference")[()]
        none = np.empty((len(reference), 0))
        answers = {
            kind: Distribution(member(file, name)[()], np.empty((len(reference), 0, 4)), none)
            for kind, name in SINGLE.items()
        }
        answers |= {kind: _distribution(member(member(file, "several"), kind)) for kind in SEVERAL}
        return reference, answers, dict(file.attrs)


def _read_posterior(path: Path) -> tuple[np.ndarray, dict[str, Distribution], dict[str, Any]]:
    """As `_read_predictions`, of the one kind EXACT."""
    with opened(path) as file:
        return member(file, "reference")[()], {EXACT: _distribution(file)}, dict(file.attrs)


def _distribution(group: h5py.Group) -> Distribution:
    names = ("least_expected_orientation", "candidate_orientation", "candidate_probability")
    return Distribution(*(member(group, name)[()] for name in names))


def _together(seeds: Sequence[Judged]) -> Judged:
    """What was found with each seed as (seeds, n)."""
    return {name: np.stack([judged[name] for judged in seeds]) for name in seeds[0]}


def _errors(prefix: str, deg: np.ndarray, resamples: int) -> dict[str, float]:
    found = _median(f"{prefix}median_deg", deg, resamples)
    return found | {
        f"{prefix}mean_deg": deg.mean(),
        f"{prefix}far_share": (deg > FAR_DEG).mean(),
    }


def _median(name: str, values: np.ndarray, resamples: int) -> dict[str, float]:
    low, high = median_interval(values, resamples)
    return {name: mean_of_medians(values), f"{name}_low": low, f"{name}_high": high}


def _median_of_any(values: np.ndarray) -> float:
    """The median of the finite ones, NaN where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else np.nan


def _angles(q1: np.ndarray, q2: np.ndarray) -> np.ndarray:
    """Misorientations in degrees of quaternions (..., 4) that broadcast; NaN where one is none."""
    return misorientation_deg(torch.from_numpy(q1), torch.from_numpy(q2)).numpy()
