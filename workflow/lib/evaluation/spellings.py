"""Wrong answers in mixed spellings: some numbers of one equivalent, others of another.

A writer learns to write, of the 24 equivalents of an orientation, the one nearest the identity.
Near a face of the fundamental zone a second one is nearly as near, and a writer that begins with
one may end with the other: each of the four numbers is right for some equivalent, the orientation
is not. Looked for are such answers among those further than 10° from the reference. What is mixed
within one number, digit by digit, is not found, and an answer elsewhere may look mixed by chance;
hence the same is asked of answers as far from the reference in random directions.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow.lib.evaluation.hypotheses import FAR_DEG, Answers, Evidence
from workflow.lib.evaluation.resampling import Resamples, ends
from workflow.lib.evaluation.scores import CONFIDENCE
from workflow.lib.orientation import CUBIC_SYMMETRY, canonical_sign, multiply
from workflow.lib.orientation.zone import spellings

MARGIN_DEG = 5.0  # how far beyond a face an equivalent may lie that is written for the nearest
TOLERANCE = 0.03  # of each component of a unit quaternion
CHANCES = 50  # random directions of each wrong answer
SEED = 0
AT_ONCE = 512  # answers compared at a time


def spelling_table(
    evidence: Evidence, titles: Mapping[str, str], kinds: Mapping[str, str], resamples: int
) -> pd.DataFrame:
    """How many wrong plain answers are in mixed spellings: the table spellings.csv.

    Columns: network, title, kind, statistic, value, low, high, n (wrong answers, of all trainings),
    simulated. Statistics, shares 0–1: far, of the answers; of the far ones near_face, those whose
    reference has more than one spelling; mixed; chance, what is mixed in random directions; and
    excess, mixed less chance. NaN where no answer is far. Intervals are by bootstrap over signals;
    where none is mixed, that of mixed is the exact binomial one, and excess follows it.
    """
    drawn = Resamples(len(evidence.reference), resamples)
    rows = []
    for network, answers in evidence.answers.items():
        model = {"network": network, "title": titles[network], "kind": kinds[network]}
        for row in shares(answers, evidence.reference, drawn):
            rows.append(model | row | {"simulated": evidence.simulated})
    return pd.DataFrame(rows)


def shares(answers: Answers, reference: np.ndarray, drawn: Resamples) -> Iterator[dict[str, Any]]:
    """A row per statistic of `spelling_table`; reference (n, 4). Answers that are none stay out."""
    given = np.isfinite(answers.orientation).all(-1)
    far = given & (answers.plain_deg > FAR_DEG)
    several, mixed, chance = np.zeros((3, *far.shape))
    truth = torch.from_numpy(np.broadcast_to(reference, answers.orientation.shape)[far])
    several[far] = (spellings(truth, MARGIN_DEG)[1].sum(-1) > 1).numpy()
    mixed[far] = is_mixed(torch.from_numpy(answers.orientation[far]), truth).numpy()
    chance[far] = chance_of_mixed(answers.plain_deg[far], truth, np.nonzero(far)[1]).numpy()
    columns = np.stack([part.mean(0) for part in (given, far, several, mixed, chance)], 1)
    values, resampled = _shares(columns.sum(0)), _shares(drawn.sums(columns))
    if values["mixed"] == 0:  # nor in any resample, as if that were certain: see `_none_of`
        none = _none_of(int(far.any(0).sum()))
        resampled |= {"mixed": none, "excess": none - values["chance"]}
    for name, value in values.items():
        low, high = ends(resampled[name])
        row = {"statistic": name, "value": float(value), "low": low, "high": high}
        yield row | {"n": int(far.sum())}


def is_mixed(answer: Tensor, truth: Tensor) -> Tensor:
    """Whether answers (m, 4) are mixed from spellings of the truth (m, 4), bool (m,).

    Spellings of the truth are its equivalents in the fundamental zone or up to MARGIN_DEG beyond.
    A mixture takes each component from one of them, not all four from the same, and is normalised,
    as what is written is when it is read. An answer is mixed if it, or an equivalent of it, is
    within TOLERANCE of a mixture in every component, and no equivalent of the truth is so near.
    """
    parts = zip(answer.split(AT_ONCE), truth.split(AT_ONCE), strict=True)
    return torch.cat([_is_mixed(*part) for part in parts])


def chance_of_mixed(error_deg: np.ndarray, truth: Tensor, signal: np.ndarray) -> Tensor:
    """How often an answer is mixed, (m,), that is error_deg (m,) from truth (m, 4) anywhere.

    In each of CHANCES random directions; the same for the same signal (m,), by its number, in all
    models and trainings. A turn by more than 45° may lead to less misorientation.
    """
    signals = int(signal.max(initial=-1)) + 1
    # signal by signal, so that a direction does not depend on how many there are
    axis = np.random.default_rng(SEED).standard_normal((signals, CHANCES, 3))[signal]
    axis = torch.from_numpy(axis / np.linalg.norm(axis, axis=-1, keepdims=True))
    half = torch.deg2rad(torch.from_numpy(error_deg) / 2)[:, None, None].expand(-1, CHANCES, 1)
    error = torch.cat((half.cos(), half.sin() * axis), -1)
    elsewhere = multiply(truth[:, None], error)
    mixed = is_mixed(elsewhere.flatten(0, 1), truth.repeat_interleave(CHANCES, 0))
    return mixed.view(-1, CHANCES).double().mean(1)


def _is_mixed(answer: Tensor, truth: Tensor) -> Tensor:
    mixed = torch.zeros(len(answer), dtype=torch.bool)
    spelt, could_be = spellings(truth, MARGIN_DEG)
    which = torch.nonzero(could_be.sum(-1) > 1)[:, 0]
    if not len(which):
        return mixed
    mixture = _mixtures(spelt[which], could_be[which])
    answer, equivalents = canonical_sign(answer[which]), _equivalents(answer[which])
    # few of them have a scalar part as large as the least of any mixture
    least = mixture[..., 0].nan_to_num(1).amin(1, keepdim=True) - TOLERANCE
    row, number = torch.nonzero(equivalents[..., 0] >= least, as_tuple=True)
    off = (mixture[row] - equivalents[row, number, None]).abs().amax(-1)
    mixed[which[row[(off <= TOLERANCE).any(1)]]] = True  # NaN is not
    off_truth = (spelt[which] - answer[:, None]).abs().amax(-1).amin(1)
    mixed[which[off_truth <= TOLERANCE]] = False
    return mixed


def _mixtures(spelt: Tensor, could_be: Tensor) -> Tensor:
    """Normalised mixtures (m, c, 4) of the equivalents (m, 24, 4) that could be written (m, 24).

    NaN in places of those that have fewer than others.
    """
    most = int(could_be.sum(-1).max())
    first = could_be.byte().argsort(dim=-1, descending=True, stable=True)[:, :most, None]
    spelt = torch.where(could_be[..., None], spelt, torch.nan).gather(1, first.expand(-1, -1, 4))
    taken = [taken for taken in itertools.product(range(most), repeat=4) if len({*taken}) > 1]
    mixture = spelt[:, torch.tensor(taken), torch.arange(4)]
    return mixture / mixture.norm(dim=-1, keepdim=True)


def _none_of(signals: int) -> np.ndarray:
    """Where none of some signals is mixed, the ends of the exact 95 % interval of the share.

    Of Clopper and Pearson: up to the share at which none would be found in 2.5 % of cases.
    """
    return np.array([0.0, 1 - ((1 - CONFIDENCE) / 2) ** (1 / max(signals, 1))])


def _equivalents(q: Tensor) -> Tensor:
    return canonical_sign(multiply(q[:, None], CUBIC_SYMMETRY.to(q)))


def _shares(sums: np.ndarray) -> dict[str, np.ndarray]:
    """From sums (..., 5) of answers, far ones, those near a face, mixed ones and by chance."""
    given, far, several, mixed, chance = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore"):
        return {
            "far": far / given,
            "near_face": several / far,
            "mixed": mixed / far,
            "chance": chance / far,
            "excess": (mixed - chance) / far,
        }
