"""The model classes by the name that the config's `models.*.network` gives them."""

from typing import Any

from workflow.lib.models.attention import AttentionTask
from workflow.lib.models.ensemble import EnsembleTask
from workflow.lib.models.euler import EulerTask
from workflow.lib.models.grid import GridTask
from workflow.lib.models.mixture import MixtureTask
from workflow.lib.models.nearest import NearestTask
from workflow.lib.models.rotation6d import Rotation6DTask
from workflow.lib.models.sequence import SequenceTask
from workflow.lib.models.task import Task
from workflow.lib.models.tensor import TensorTask
from workflow.lib.models.transformer import TransformerTask
from workflow.lib.runtime.files import InputError

MODELS = {
    "attention": AttentionTask,
    "ensemble": EnsembleTask,
    "eulernet": EulerTask,
    "grid": GridTask,
    "mixture_density": MixtureTask,
    "nearest": NearestTask,
    "rotation6d": Rotation6DTask,
    "sequencenet": SequenceTask,
    "tensor": TensorTask,
    "transformer": TransformerTask,
}
"""Each has a file of the same name in workflow/schemas/models/."""


def make_task(network: str, architecture: dict[str, Any], **options: Any) -> Task:
    """The task of a class, its network freshly initialised on the CPU.

    options: what the config's `training` holds for this class beyond the keys of the loop.
    Raises InputError for an unknown class.
    """
    if network not in MODELS:
        raise InputError(f"network {network!r}: expected one of {', '.join(MODELS)}")
    return MODELS[network](**architecture, **options)
