"""Answers with how sure they are: from one view of a signal, or from several that vote.

With several views the confidence is the share of them that answer within `NEAR_DEG` of the
decision. With one it is, for networks that write, the probability of the sequence written, as the
geometric mean over its symbols. The probability itself is that of a cell as fine as the symbols,
0.1° for SequenceNet's digits: 1e-4 where the network is as sure as it gets, which no scale of
colours and no other program's column shows. The mean orders answers in the same way. It compares
pixels of a map, not networks. Others have none. Letters: n signals, v views.
"""

import torch
from torch import Tensor

from workflow.lib.inference.plain import predict_in_parts
from workflow.lib.inference.views import rolls_of
from workflow.lib.models.task import Task
from workflow.lib.networks.writer import Writer
from workflow.lib.networks.written import write_with_probability
from workflow.lib.orientation import medoid, misorientation_deg
from workflow.lib.signals.rolls import AZIMUTHS, standardise

NEAR_DEG = 5.0

# Views that a network sees at once, and the fewest signals: as in `plain` and in `tta`
VIEWS_PER_BATCH = {"cpu": 256, "cuda": 73_728}
FEWEST_SIGNALS = 16


def signals_per_batch(views: int, device: torch.device) -> int:
    """Of how many signals a network sees the views at once, at its full rate."""
    return max(FEWEST_SIGNALS, VIEWS_PER_BATCH[device.type] // views)


@torch.inference_mode()
def predict_with_confidence(task: Task, signals: Tensor, views: int) -> tuple[Tensor, Tensor]:
    """Orientations (n, 4), float64, of signals (n, 6, 72) uint8, and confidences (n,), float32.

    views: a divisor of 72; of 1 the answer is that of `plain`, of 72 that of `tta`. All signals at
    once, see `signals_per_batch`, or in parts where a GPU's memory is too small. Orientations and
    confidences are NaN where no view has an answer; confidences also where none is known.
    """
    if AZIMUTHS % views:
        raise ValueError(f"views is {views}, expected a divisor of {AZIMUTHS}")

    def answered(signals: Tensor) -> tuple[Tensor, Tensor]:
        if views > 1:
            return _vote(task, signals, views)
        written = isinstance(task.network, Writer)
        return _written(task.network, signals) if written else _plain(task, signals)

    orientation, confidence = predict_in_parts(answered, signals)
    return orientation, torch.where(orientation.isfinite().all(-1), confidence, torch.nan)


def _plain(task: Task, signals: Tensor) -> tuple[Tensor, Tensor]:
    answer, valid = task.predict(signals, _no_rolls(signals)[:, 0])
    unknown = torch.full(valid.shape, torch.nan, device=valid.device)
    return torch.where(valid[:, None], answer, torch.nan), unknown


def _written(network: Writer, signals: Tensor) -> tuple[Tensor, Tensor]:
    code = network.codes_of_rolls(standardise(signals), _no_rolls(signals))[:, 0]
    tokens, log_probability = write_with_probability(network, code)
    symbols = (tokens != network.tokenizer.pad).sum(1) - 1  # START was given
    return network.tokenizer.decode(tokens)[0], (log_probability / symbols).exp()


def _vote(task: Task, signals: Tensor, views: int) -> tuple[Tensor, Tensor]:
    answers, valid = _of_views(task, signals, views)
    decided = medoid(answers, valid)
    near = misorientation_deg(decided[:, None], answers) <= NEAR_DEG  # not where either is NaN
    return decided, (near & valid).float().mean(1)


def _of_views(task: Task, signals: Tensor, views: int) -> tuple[Tensor, Tensor]:
    """Answers (n, v, 4), turned back by the rolls, and which are any (n, v)."""
    if views == AZIMUTHS:
        return task.predict_rolls(signals)
    rolls = rolls_of(views).to(signals.device).repeat(len(signals))
    answers, valid = task.predict(signals.repeat_interleave(views, 0), rolls)
    return answers.unflatten(0, (-1, views)), valid.unflatten(0, (-1, views))


def _no_rolls(signals: Tensor) -> Tensor:
    return torch.zeros(len(signals), 1, dtype=torch.int64, device=signals.device)
