"""A trained network on disk: weights.safetensors, and model.json that says how to build it."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task
from workflow.lib.runtime.files import InputError, atomic, remade_by, write_text


def save_model(
    weights: dict[str, Tensor], description: dict[str, Any], weights_path: Path, model_path: Path
) -> None:
    """Write both files. `description` holds at least network, the class, and architecture."""
    with atomic(weights_path) as part:
        # not save_file, which drops the reason for which it could not write
        part.write_bytes(save({name: value.contiguous() for name, value in weights.items()}))
    write_text(model_path, json.dumps(description, indent=2) + "\n")


def load_task(weights_path: Path, model_path: Path) -> Task:
    """The task with its trained network, on the CPU. Neither file can run code."""
    description = json.loads(Path(model_path).read_text())
    try:
        task = make_task(description["network"], description["architecture"])
    except InputError as error:
        raise InputError(f"{model_path}: {error}; {remade_by(model_path)}") from error
    try:
        task.network.load_state_dict(load_file(weights_path))
    except (SafetensorError, RuntimeError) as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            f"{weights_path} does not hold the network of {model_path}: {first_line}; "
            f"{remade_by(weights_path)}"
        ) from error
    return task
