"""A trained network on the test signals of a fold, plainly, with TTA and with several answers."""

import numpy as np
import torch
from torch import Tensor

from workflow.lib.data.split import Signals
from workflow.lib.inference.fitted import fit
from workflow.lib.inference.predictions import Distribution, Predictions
from workflow.lib.inference.several import several
from workflow.lib.inference.support import Settings
from workflow.lib.models.task import Task
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, misorientation_deg
from workflow.lib.runtime.devices import use_cpu


def evaluate(
    task: Task,
    test: Signals,
    validation: Signals,
    settings: Settings,
    device: torch.device,
    threads: int,
    label: str = "",
) -> tuple[Predictions, dict[str, Distribution]]:
    """Predictions for the test signals, angles computed in float64, and their distributions.

    validation: signals to which temperatures and bandwidths are fitted.
    """
    use_cpu(threads)
    task.network.to(device)
    signals, reference = _on(device, test)
    fitted = fit(task, *_on(device, validation), settings, label)
    found = several(task, signals, reference, settings, fitted, label)
    return _predictions(found, test.orientation), found


def _on(device: torch.device, part: Signals) -> tuple[Tensor, Tensor]:
    arrays = part.signals, part.orientation
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


def _predictions(found: dict[str, Distribution], reference: np.ndarray) -> Predictions:
    """The plain answers, those of TTA, and the candidates of one view and of the mixture."""
    plain, tta = found["one_view"], found["mixture"]
    return Predictions(
        orientation=plain.medoid_orientation,
        tta_orientation=tta.medoid_orientation,
        reference=reference,
        misorientation_deg=_errors_of(plain.medoid_orientation, reference),
        tta_misorientation_deg=_errors_of(tta.medoid_orientation, reference),
        candidate_orientation=plain.candidate_orientation,
        candidate_probability=plain.candidate_probability,
        left_out_probability=plain.left_out_probability,
        tta_candidate_orientation=tta.candidate_orientation,
        tta_candidate_probability=tta.candidate_probability,
        tta_left_out_probability=tta.left_out_probability,
    )


def _errors_of(answer: np.ndarray, reference: np.ndarray) -> np.ndarray:
    given = torch.from_numpy(answer)
    return _errors(given, given.isfinite().all(-1), torch.from_numpy(reference)).numpy()


def _errors(answer: Tensor, valid: Tensor, reference: Tensor) -> Tensor:
    """Misorientations in degrees; no answer counts as the worst one, not as a missing value."""
    return torch.where(valid, misorientation_deg(answer, reference), MAX_MISORIENTATION_DEG)
