"""Predictions of a trained network, plainly and with test-time augmentation (TTA)."""

from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from workflow.lib.models.task import Task
from workflow.lib.orientation import medoid
from workflow.lib.runtime.gpu import no_gpu, why_torch_has_none
from workflow.lib.signals.rolls import AZIMUTHS

# (signal, roll) pairs a network sees at once: on a CPU what fits its cache, on a GPU what fills it
PAIRS_PER_BATCH = {"cpu": 32 * AZIMUTHS, "cuda": 1024 * AZIMUTHS}


def choose_device(name: str) -> torch.device:
    """The device called `cpu` or `cuda`, or for `auto` a GPU if there is one.

    Raises InputError if there should be one and is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        reason = why_torch_has_none() or "no GPU is visible"
        raise no_gpu("device or prediction_device is 'cuda' in the config", reason)
    return torch.device(name)


@torch.inference_mode()
def predict_plain(task: Task, signals: Tensor) -> tuple[Tensor, Tensor]:
    """Orientations (n, 4), float64, of signals (n, 6, 72) uint8 as they are.

    Also returned: which of them are orientations at all, (n,) bool; the others are NaN.
    """
    task.network.eval()
    rolls = torch.zeros(len(signals), dtype=torch.int64, device=signals.device)
    size = PAIRS_PER_BATCH[signals.device.type]
    batches = zip(signals.split(size), rolls.split(size), strict=True)
    return _joined([_predict(task.predict, *batch) for batch in batches])


@torch.inference_mode()
def predict_tta(task: Task, signals: Tensor, label: str = "") -> tuple[Tensor, Tensor]:
    """As `predict_plain`, from all 72 rolls of each signal.

    The 72 answers, each turned back by its roll, vote: the result is their medoid, not
    an average, which symmetry would make meaningless. Invalid answers have no vote; a
    signal is invalid when all of its answers are.
    """
    task.network.eval()
    blocks = signals.split(max(1, PAIRS_PER_BATCH[signals.device.type] // AZIMUTHS))
    chosen = [
        medoid(*_predict(task.predict_rolls, block))
        for block in tqdm(blocks, label, disable=None, unit="block")
    ]
    orientation = torch.cat(chosen)
    return orientation, orientation.isfinite().all(-1)


def _predict(predict: Callable[..., tuple[Tensor, Tensor]], *batch: Tensor):
    """In halves, and halves of them, if the GPU's memory is too small for all at once."""
    try:
        return predict(*batch)
    except torch.OutOfMemoryError:
        if len(batch[0]) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(batch[0]) // 2
    parts = [tensor.split((half, len(tensor) - half)) for tensor in batch]
    return _joined([_predict(predict, *part) for part in zip(*parts, strict=True)])


def _joined(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    answers, valid = zip(*parts, strict=True)
    return torch.cat(answers), torch.cat(valid)
