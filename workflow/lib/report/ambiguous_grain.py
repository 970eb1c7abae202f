"""One ambiguous grain: a signal with two answers, and what each of them explains of it.

The signal is chosen by a rule, not by taste. Among the signals whose two heaviest candidates have
a probability of at least 0.3 each and are at least 20° apart it is the one with the largest sum of
the two; if there is none, the one with the largest second probability. Ties go to the first.

What an orientation explains is what the forward model can make of it: its four variants and a
constant, each multiplied by the row response, added up with the weights of 0 or more that come
nearest to the recorded signal. This is fitted for display. No answer was chosen by it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

from workflow.lib.data.convention_check import misorientation_deg
from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.inference.predictions import read_arrays
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.similarity import standardised
from workflow.lib.simulation.reflectance import (
    COUNTS_PER_INTENSITY,
    FACET_AMPLITUDE,
    SPECIMENS,
    Specimen,
    ideal_signal,
    row_response,
)

LEAST_PROBABILITY = 0.3
LEAST_SEPARATION_DEG = 20.0
NEAR_DEG = 10.0  # within which a mode of the exact posterior counts for an answer
ORDINALS = ("First", "Second")
NOT_HERE = "--"
CANDIDATES = ["candidate_orientation", "candidate_probability"]
# Of measured specimens nothing is known: a row response without tilt, no other number is used.
UNKNOWN = Specimen(fibre_fraction=0.0, noise=0.0, background=0.0, tilt=0.0)


@dataclass(frozen=True)
class Choice:
    """A signal's place in the test part, and how many signals met the rule (0: none did)."""

    index: int
    qualified: int


@dataclass(frozen=True)
class Answer:
    """One of the two heaviest candidates, and the signal that it explains.

    exact_probability: of the exact posterior's modes nearer to this answer than to the other and
        within NEAR_DEG of it; None where no posterior is known.
    modelled: (6, 72) float64 in counts, 0 to 255; correlation: with the recorded signal.
    """

    orientation: np.ndarray
    probability: float
    exact_probability: float | None
    misorientation_deg: float  # from the label
    modelled: np.ndarray
    correlation: float


@dataclass(frozen=True)
class Grain:
    """The chosen signal, uint8 (6, 72), with its two answers, the heavier one first."""

    index: int
    qualified: int
    specimen: int
    signal: np.ndarray
    answers: tuple[Answer, Answer]
    separation_deg: float
    half_turn_deg: float  # from the first answer, turned by 180° about the normal, to the second
    simulated: bool

    @property
    def nearest(self) -> int:
        """Which answer is nearer to the label: 0 or 1."""
        first, second = self.answers
        return int(second.misorientation_deg < first.misorientation_deg)


def read_grain(fold: Path, predictions: Path, posterior: Path | None) -> tuple[Grain | None, bool]:
    """The grain to show, or None when no signal has a second answer; whether data are simulated.

    posterior: of the same fold, or None where there is none, as for measured data. Raises
    InputError when a file lacks what is needed or has another number of signals than the fold.
    """
    attributes, test = read_attributes(fold), read_fold(fold, ["test"])["test"]
    simulated = bool(attributes["simulated"])
    orientation, probability, _ = _candidates(predictions, len(test), fold)
    choice = choose(orientation, probability)
    if choice is None:
        return None, simulated
    i, exact, c = choice.index, None, attributes.get("facet_amplitude", FACET_AMPLITUDE)
    pair = orientation[i, :2]
    if posterior is not None:
        modes, weights, known = _candidates(posterior, len(test), fold)
        exact = exact_weights(pair, modes[i], weights[i])
        c = known.get("facet_amplitude", c)
    number = int(test.specimen[i])
    specimen = SPECIMENS[number - 1] if simulated and number <= len(SPECIMENS) else UNKNOWN
    answers = []
    for place in range(2):
        modelled = explain(test.signals[i], pair[place], specimen, float(c))
        answers.append(
            Answer(
                orientation=pair[place],
                probability=float(probability[i, place]),
                exact_probability=None if exact is None else float(exact[place]),
                misorientation_deg=_angle_deg(pair[place], test.orientation[i]),
                modelled=modelled,
                correlation=correlation(test.signals[i], modelled),
            )
        )
    grain = Grain(
        index=i,
        qualified=choice.qualified,
        specimen=number,
        signal=test.signals[i],
        answers=(answers[0], answers[1]),
        separation_deg=_angle_deg(*pair),
        half_turn_deg=half_turn_deg(*pair),
        simulated=simulated,
    )
    return grain, simulated


def choose(orientation: np.ndarray, probability: np.ndarray) -> Choice | None:
    """The signal to show by the rule above; None when none has a second candidate.

    orientation (n, k, 4) and probability (n, k), heaviest first; empty places NaN and 0.
    """
    if probability.shape[1] < 2:
        return None
    pair = probability[:, :2]
    filled = np.isfinite(orientation[:, :2]).all(axis=(1, 2)) & (pair[:, 1] > 0)
    if not filled.any():
        return None
    met = filled & (pair >= LEAST_PROBABILITY).all(axis=1)
    if met.any():
        first, second = (
            Rotation.from_quat(orientation[met, place], scalar_first=True) for place in range(2)
        )
        met[met] = misorientation_deg(first, second) >= LEAST_SEPARATION_DEG
    rank = np.where(met, pair.sum(axis=1), -1.0)
    if not met.any():
        rank = np.where(filled, pair[:, 1], -1.0)
    return Choice(index=int(rank.argmax()), qualified=int(met.sum()))


def exact_weights(pair: np.ndarray, modes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What the exact posterior gives each of two answers, (2,).

    pair (2, 4); modes (k, 4) with weights (k,), empty places NaN and 0. A mode counts for the
    nearer answer, and for none if that is more than NEAR_DEG away.
    """
    there = np.isfinite(modes).all(axis=1)
    modes, weights = modes[there], weights[there]
    if not len(modes):
        return np.zeros(2)
    rotation = Rotation.from_quat(modes, scalar_first=True)
    apart_deg = np.stack(
        [misorientation_deg(Rotation.from_quat(q, scalar_first=True), rotation) for q in pair]
    )
    near = (apart_deg.argmin(axis=0) == [[0], [1]]) & (apart_deg <= NEAR_DEG)
    return near @ weights


def half_turn_deg(first: np.ndarray, second: np.ndarray) -> float:
    """Misorientation of `second` and of `first` turned by 180° about the specimen normal."""
    half_turn = Rotation.from_rotvec([0, 0, np.pi])
    turned = half_turn * Rotation.from_quat(first, scalar_first=True)
    return _angle_deg(turned.as_quat(scalar_first=True), second)


def fit(
    signal: np.ndarray, orientation: np.ndarray, specimen: Specimen, c: float = FACET_AMPLITUDE
) -> tuple[np.ndarray, float, np.ndarray]:
    """The four variants' weights and the background, 0 or more, that explain a signal best.

    signal: counts (6, 72). orientation: unit quaternion (4,), scalar first. c: amplitude of the
    facet term. Weights (4,) and background are least squares, in units of the ridge amplitude and
    with the gain in them. Also returned: what they make, float64 (6, 72) in counts.
    """
    variants = ideal_signal(np.tile(orientation, (4, 1)), np.eye(4), c)
    templates = np.concatenate((variants, np.ones((1, 6, 72)))) * row_response(specimen)[:, None]
    columns = COUNTS_PER_INTENSITY * templates.reshape(5, -1).T
    found, _ = nnls(columns, signal.reshape(-1).astype(np.float64))
    return found[:4], float(found[4]), (columns @ found).reshape(6, 72)


def explain(
    signal: np.ndarray, orientation: np.ndarray, specimen: Specimen, c: float
) -> np.ndarray:
    """The best of `fit` as the camera would show it: (6, 72), saturated at 255 counts."""
    return np.minimum(fit(signal, orientation, specimen, c)[2], 255)


def correlation(signal: np.ndarray, other: np.ndarray) -> float:
    """Pearson's, over all pixels of two signals (6, 72); 0 if one is constant."""
    rows = standardised(np.stack((signal, other)).astype(np.float64))
    return float(rows[0] @ rows[1])


def grain_latex(grain: Grain | None) -> str:
    r"""What the caption says as macros, all of which begin with \grain.

    \ifgrainfound tells whether there is a grain to show. The numbers have no unit; what is not
    known, or not there, is a dash.
    """
    macros = {
        "grainLeastProbability": f"{LEAST_PROBABILITY:g}",
        "grainLeastSeparation": f"{LEAST_SEPARATION_DEG:g}",
        "grainNearRadius": f"{NEAR_DEG:g}",
        "grainChoice": _choice(grain),
        "grainIndex": str(grain.index) if grain else NOT_HERE,
        "grainSpecimen": str(grain.specimen) if grain else NOT_HERE,
        "grainQualified": str(grain.qualified if grain else 0),
        "grainSeparation": f"{grain.separation_deg:.1f}" if grain else NOT_HERE,
        "grainHalfTurn": f"{grain.half_turn_deg:.1f}" if grain else NOT_HERE,
        "grainRotation": _rotation(grain) if grain else "",
        "grainNearest": ORDINALS[grain.nearest].lower() if grain else NOT_HERE,
    }
    for place, ordinal in enumerate(ORDINALS):
        macros |= _answer_macros(f"grain{ordinal}", grain.answers[place] if grain else None)
    lines = ["% Written by the rule `ambiguous_grain`.", r"\newif\ifgrainfound"]
    lines += [rf"\grainfound{'true' if grain else 'false'}"]
    lines += [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros.items()]
    return "\n".join(lines) + "\n"


def _answer_macros(role: str, answer: Answer | None) -> dict[str, str]:
    if answer is None:
        names = ("Weight", "Exact", "Misorientation", "Correlation")
        return {role + name: NOT_HERE for name in names}
    exact = answer.exact_probability
    return {
        role + "Weight": f"{answer.probability:.2f}",
        role + "Exact": NOT_HERE if exact is None else f"{exact:.2f}",
        role + "Misorientation": f"{answer.misorientation_deg:.1f}",
        role + "Correlation": f"{answer.correlation:.3f}",
    }


def _choice(grain: Grain | None) -> str:
    """How the rule came to this signal, a sentence for the caption."""
    least = rf"a probability of at least {LEAST_PROBABILITY:g} each"
    apart = rf"at least \dg{{{LEAST_SEPARATION_DEG:g}}} apart"
    if grain is None:
        return "No test signal has a second answer, so that there is none to show."
    if grain.qualified:
        rule = f"whose two heaviest candidates have {least} and are {apart}"
        if grain.qualified == 1:
            return f"The only test signal {rule}."
        return f"Of the {grain.qualified} test signals {rule}, the one with the largest sum."
    return (
        f"No test signal has two candidates of {least} that are {apart}; shown is the one with the "
        "largest second probability."
    )


def _rotation(grain: Grain) -> str:
    """From the first answer to the second in words, a sentence for the caption."""
    angle = rf"\dg{{{grain.half_turn_deg:.1f}}}"
    if grain.half_turn_deg <= NEAR_DEG:
        return (
            "The second answer is the first after half a turn about the specimen normal, to within "
            f"{angle}."
        )
    return (
        "The second answer is not the first after half a turn about the specimen normal: that ends "
        f"{angle} from it."
    )


def _angle_deg(p: np.ndarray, q: np.ndarray) -> float:
    first, second = (Rotation.from_quat([x], scalar_first=True) for x in (p, q))
    return float(misorientation_deg(first, second)[0])


def _candidates(path: Path, n: int, fold: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Candidates (n, k, 4), their probabilities (n, k) and the attributes of a file."""
    found, attributes = read_arrays(path, CANDIDATES)
    orientation, probability = (found[name] for name in CANDIDATES)
    if orientation.shape != (n, *probability.shape[1:], 4) or probability.ndim != 2:
        raise InputError(
            f"{path}: candidates of shape {orientation.shape} with probabilities of shape "
            f"{probability.shape}, expected {n} signals as in the test part of {fold}; make it anew"
        )
    return orientation, probability, attributes
