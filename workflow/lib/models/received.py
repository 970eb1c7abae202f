"""A trained network from somebody else: two files' contents, of which nothing is believed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task
from workflow.lib.runtime.files import InputError

MOST = 2**17  # of an integer in an architecture: the points of the finest grid
MOST_REPEATED = 64  # layers of a network, members of an ensemble, parts of a mixture
REPEATED = ("layers", "members", "components")
# What classes raise for an architecture that is not theirs
UNBUILDABLE = (TypeError, ValueError, KeyError, AttributeError, RuntimeError)


def task_of(weights: bytes, model: bytes) -> Task:
    """The task with its trained network, on the CPU, of weights.safetensors and model.json.

    Neither can run code, nor make this build a network larger than the weights that came with it.
    Raises InputError, which names no file: the caller knows whence they are.
    """
    network, architecture = _described(model)
    try:
        tensors = load(weights)
    except SafetensorError as error:
        raise InputError(f"its weights are no safetensors ({_first_line(error)})") from error
    _check_integers(architecture)
    try:
        _check_size(network, architecture, sum(tensor.numel() for tensor in tensors.values()))
        task = make_task(network, architecture)
    except InputError:
        raise
    except UNBUILDABLE as error:
        raise InputError(
            f"its architecture is none of the class {network!r} ({_first_line(error)}); a newer "
            "version of this workflow may have it"
        ) from error
    try:
        task.network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"its weights are another network's: {_first_line(error)}") from error
    return task


def _described(model: bytes) -> tuple[str, dict[str, Any]]:
    try:
        content = json.loads(model)
    except (ValueError, RecursionError) as error:
        raise InputError("its model.json is no valid JSON") from error
    found = content if isinstance(content, dict) else {}
    network, architecture = found.get("network"), found.get("architecture")
    if not isinstance(network, str) or not isinstance(architecture, dict):
        raise InputError("its model.json lacks network, the class, or architecture")
    return network, architecture


def _check_integers(architecture: Mapping[str, Any]) -> None:
    for key, value in _leaves(architecture):
        limit = MOST_REPEATED if key in REPEATED else MOST
        if isinstance(value, int) and not 0 <= value <= limit:
            raise InputError(f"its architecture has {key} {value}, expected 0 to {limit}")


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key with its value, also of mappings inside; model.json nests as deep as JSON may."""
    waiting = [values]
    while waiting:
        for key, value in waiting.pop().items():
            if isinstance(value, Mapping):
                waiting.append(value)
            else:
                yield key, value


def _check_size(network: str, architecture: dict[str, Any], held: int) -> None:
    """Refuse a network of more numbers than the weights hold, before memory is taken for it."""
    try:
        with torch.device("meta"):  # shapes without numbers
            state = make_task(network, architecture).network.state_dict()
    except NotImplementedError:
        return  # a class that looks at numbers; only what REPEATED counts makes those larger
    numbers = sum(tensor.numel() for tensor in state.values())
    if numbers > held:
        raise InputError(
            f"its weights are another network's: {held} numbers, expected {numbers} of its "
            "architecture"
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
