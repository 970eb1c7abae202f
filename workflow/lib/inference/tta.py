"""Predictions of a trained network with test-time augmentation (TTA)."""

import torch
from torch import Tensor

from workflow.lib.inference.plain import PAIRS_PER_BATCH, predict_in_parts
from workflow.lib.models.task import Task
from workflow.lib.orientation import medoid
from workflow.lib.runtime.progress import tracked
from workflow.lib.signals.rolls import AZIMUTHS


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
        medoid(*predict_in_parts(task.predict_rolls, block))
        for block in tracked(blocks, label, "block")
    ]
    orientation = torch.cat(chosen)
    return orientation, orientation.isfinite().all(-1)
