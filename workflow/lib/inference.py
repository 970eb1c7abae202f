"""Predictions of a trained network, plainly and with test-time augmentation (TTA)."""

import torch
from torch import Tensor
from tqdm import tqdm

from workflow.lib.orientation import medoid
from workflow.lib.signals import AZIMUTHS
from workflow.lib.tasks import Task

PAIRS_PER_BATCH = 4096  # (signal, roll) pairs a network sees at once


def choose_device(name: str) -> torch.device:
    """The device called `cpu` or `cuda`, or for `auto` a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@torch.inference_mode()
def predict_plain(task: Task, signals: Tensor) -> tuple[Tensor, Tensor]:
    """Orientations (n, 4), float64, of signals (n, 6, 72) uint8 as they are.

    Also returned: which of them are orientations at all, (n,) bool; the others are NaN.
    """
    rolls = torch.zeros(len(signals), dtype=torch.int64, device=signals.device)
    return _predict(task, signals, rolls)


@torch.inference_mode()
def predict_tta(task: Task, signals: Tensor, label: str = "") -> tuple[Tensor, Tensor]:
    """As `predict_plain`, from all 72 rolls of each signal.

    The 72 answers, each turned back by its roll, vote: the result is their medoid, not
    an average, which symmetry would make meaningless. Invalid answers have no vote; a
    signal is invalid when all of its answers are.
    """
    blocks = signals.split(max(1, PAIRS_PER_BATCH // AZIMUTHS))
    rolls = torch.arange(AZIMUTHS, device=signals.device)
    chosen = []
    for block in tqdm(blocks, label, disable=None, unit="block"):
        repeated = block.repeat_interleave(AZIMUTHS, 0)
        answer, valid = _predict(task, repeated, rolls.repeat(len(block)))
        votes = answer.view(-1, AZIMUTHS, 4), valid.view(-1, AZIMUTHS)
        chosen.append(medoid(*votes))
    orientation = torch.cat(chosen)
    return orientation, orientation.isfinite().all(-1)


def _predict(task: Task, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
    task.network.eval()
    batches = zip(signals.split(PAIRS_PER_BATCH), rolls.split(PAIRS_PER_BATCH), strict=True)
    answers, valid = zip(*(_predict_batch(task, *batch) for batch in batches), strict=True)
    return torch.cat(answers), torch.cat(valid)


def _predict_batch(task: Task, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
    """In halves, and halves of them, if the GPU's memory is too small for all at once."""
    try:
        return task.predict(signals, rolls)
    except torch.OutOfMemoryError:
        if len(signals) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(signals) // 2
    parts = [
        _predict_batch(task, signals[some], rolls[some])
        for some in (slice(half), slice(half, None))
    ]
    answers, valid = zip(*parts, strict=True)
    return torch.cat(answers), torch.cat(valid)
