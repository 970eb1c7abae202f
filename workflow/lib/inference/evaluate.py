"""A trained network on the test signals of a fold, plainly and with TTA."""

import torch
from torch import Tensor

from workflow.lib.data.split import Signals
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.predictions import Predictions
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.task import Task
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, canonical_sign, misorientation_deg
from workflow.lib.runtime.devices import use_cpu


def evaluate(
    task: Task, test: Signals, device: torch.device, threads: int, label: str = ""
) -> Predictions:
    """Predictions for the test signals, angles computed in float64."""
    use_cpu(threads)
    task.network.to(device)
    signals = torch.from_numpy(test.signals).to(device)
    reference = torch.from_numpy(test.orientation).to(device)
    plain, plain_valid = predict_plain(task, signals)
    tta, tta_valid = predict_tta(task, signals, label)
    return Predictions(
        orientation=canonical_sign(plain).cpu().numpy(),
        tta_orientation=canonical_sign(tta).cpu().numpy(),
        reference=test.orientation,
        misorientation_deg=_errors(plain, plain_valid, reference).cpu().numpy(),
        tta_misorientation_deg=_errors(tta, tta_valid, reference).cpu().numpy(),
    )


def _errors(answer: Tensor, valid: Tensor, reference: Tensor) -> Tensor:
    """Misorientations in degrees; no answer counts as the worst one, not as a missing value."""
    return torch.where(valid, misorientation_deg(answer, reference), MAX_MISORIENTATION_DEG)
