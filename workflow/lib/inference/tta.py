"""Predictions of a trained network with test-time augmentation (TTA)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from workflow.lib.inference.plain import predict_in_parts
from workflow.lib.models.task import Task
from workflow.lib.orientation import medoid
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out

# Whose 72 rolls a network sees at once: on a CPU what fits its cache, on a GPU what fills it
SIGNALS_PER_BATCH = {"cpu": 16, "cuda": 1024}


@torch.inference_mode()
def predict_tta(task: Task, signals: Tensor, label: str = "") -> tuple[Tensor, Tensor]:
    """As `predict_plain`, from all 72 rolls of each signal.

    The 72 answers, each turned back by its roll, vote: the result is their medoid, not
    an average, which symmetry would make meaningless. Invalid answers have no vote; a
    signal is invalid when all of its answers are.
    """
    task.network.eval()
    size = SIGNALS_PER_BATCH[signals.device.type]

    def voted(batch: Tensor) -> Tensor:
        return medoid(*predict_in_parts(task.predict_rolls, batch))

    def shown(results: Iterable[Tensor]) -> Iterable[Tensor]:
        batches = -(-len(signals) // size)
        return tracked(results, label, "batch", batches)

    orientation = torch.cat(share_out(voted, size, signals, follow=shown))
    return orientation, orientation.isfinite().all(-1)
