"""Predictions of a trained network as it is."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from workflow.lib.models.task import Task
from workflow.lib.runtime.threads import share_out

# That a network sees at once: on a CPU what is enough to multiply at its full rate, so that its
# threads have several batches each to share out; on a GPU what fills it
SIGNALS_PER_BATCH = {"cpu": 256, "cuda": 73_728}


@torch.inference_mode()
def predict_plain(task: Task, signals: Tensor) -> tuple[Tensor, Tensor]:
    """Orientations (n, 4), float64, of signals (n, 6, 72) uint8 as they are.

    Also returned: which of them are orientations at all, (n,) bool; the others are NaN.
    """
    task.network.eval()
    rolls = torch.zeros(len(signals), dtype=torch.int64, device=signals.device)
    predict = partial(predict_in_parts, task.predict)
    return _joined(share_out(predict, SIGNALS_PER_BATCH[signals.device.type], signals, rolls))


def predict_in_parts(predict: Callable[..., tuple[Tensor, Tensor]], *batch: Tensor):
    """In halves, and halves of them, if the GPU's memory is too small for all at once."""
    try:
        return predict(*batch)
    except torch.OutOfMemoryError:
        if len(batch[0]) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(batch[0]) // 2
    parts = [tensor.split((half, len(tensor) - half)) for tensor in batch]
    return _joined([predict_in_parts(predict, *part) for part in zip(*parts, strict=True)])


def _joined(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    answers, valid = zip(*parts, strict=True)
    return torch.cat(answers), torch.cat(valid)
