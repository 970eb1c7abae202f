"""Networks from somebody else: those of every class are built, and nothing else is done."""

import json
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from workflow.lib.models import received
from workflow.lib.models.received import task_of
from workflow.lib.models.registry import MODELS, make_task
from workflow.lib.models.task import Task
from workflow.lib.runtime.files import InputError

LSTM = {"layers": 1, "width": 8}
OF = {"network": "sequencenet", "architecture": LSTM, "members": 2}
ARCHITECTURES = {name: {} for name in MODELS} | {"sequencenet": LSTM, "ensemble": {"of": OF}}


def described(network: Any, architecture: Any) -> bytes:
    return json.dumps({"network": network, "architecture": architecture}).encode()


def weights_of(task: Task) -> bytes:
    return save({name: value.contiguous() for name, value in task.network.state_dict().items()})


def trained(network: str) -> Task:
    torch.manual_seed(1)
    task = make_task(network, ARCHITECTURES[network])
    if network == "nearest":
        known = torch.randint(0, 256, (5, 6, 72), dtype=torch.uint8)
        task.learn(known, torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 0]])
    return task


def answers(task: Task) -> tuple[Tensor, Tensor]:
    signals = torch.arange(3 * 432).view(3, 6, 72).remainder(251).to(torch.uint8)
    with torch.inference_mode():
        task.network.eval()
        return task.predict(signals, torch.arange(3))


@pytest.mark.parametrize("network", MODELS)
def test_a_network_of_every_class_answers_as_before(network):
    task = trained(network)
    again = task_of(weights_of(task), described(network, ARCHITECTURES[network]))
    assert next(iter(again.network.state_dict().values())).device.type == "cpu"
    for found, expected in zip(answers(again), answers(task), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


@pytest.fixture(scope="module")
def weights() -> bytes:
    return weights_of(trained("sequencenet"))


def refused(weights: bytes, model: bytes) -> str:
    with pytest.raises(InputError) as caught:
        task_of(weights, model)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", "its model.json is no valid JSON"),
        (b"\xff\xfe", "its model.json is no valid JSON"),
        (b"[" * 100_000, "its model.json is no valid JSON"),
        (b"[]", "its model.json lacks network"),
        (described(None, {}), "its model.json lacks network"),
        (described("sequencenet", [1]), "its model.json lacks network"),
        (described("vgg", {}), "network 'vgg': expected one of "),
        (described("sequencenet", {"depth": 1}), "its architecture is none of the class"),
        (described("sequencenet", {"tokenizer": "no"}), "its architecture is none of the class"),
        (described("sequencenet", {"cell": "no"}), "its architecture is none of the class"),
        (described("sequencenet", {"width": "8"}), "its architecture is none of the class"),
        (described("sequencenet", {"width": -8}), "its architecture has width -8, expected 0 to"),
        (described("ensemble", {"of": {"network": "no"}}), "its architecture is none of the class"),
        (described("ensemble", {"of": OF | {"network": "vgg"}}), "network 'vgg'"),
    ],
)
def test_a_description_that_is_none_is_refused(weights, model, message):
    assert refused(weights, model).startswith(message)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}x"])
def test_weights_that_are_none_are_refused(content):
    assert refused(content, described("sequencenet", LSTM)).startswith("its weights are ")


@pytest.mark.parametrize("architecture", [{"layers": 2, "width": 8}, {"layers": 1, "width": 7}])
def test_weights_of_another_network_are_refused(weights, architecture):
    said = refused(weights, described("sequencenet", architecture))
    assert said.startswith("its weights are another network's")


def test_a_shape_that_is_another_is_told(weights):
    larger = save({"a": torch.zeros(10**6)})
    said = refused(larger, described("sequencenet", LSTM))
    assert said.startswith("its weights are another network's: Error(s) in loading state_dict")


@pytest.mark.parametrize(
    ("network", "architecture", "message"),
    [
        ("sequencenet", {"layers": 1, "width": 100_000}, "its weights are another network's: "),
        ("sequencenet", {"layers": 1, "width": 2**62}, "its architecture has width 461168601"),
        ("sequencenet", {"layers": 10**6, "width": 8}, "its architecture has layers 1000000"),
        ("ensemble", {"of": OF | {"members": 10**6}}, "its architecture has members 1000000"),
        ("mixture_density", {"components": 10**7}, "its architecture has components 10000000"),
        ("grid", {"points": 10**9}, "its architecture has points 1000000000, expected 0 to 131072"),
    ],
)
def test_nothing_large_is_built_before_the_weights_are_seen_to_be_as_large(
    weights, monkeypatch, network, architecture, message
):
    def only_shapes(*arguments: Any) -> Task:
        assert torch.empty(1).device.type == "meta"
        return make_task(*arguments)

    monkeypatch.setattr(received, "make_task", only_shapes)
    assert refused(weights, described(network, architecture)).startswith(message)
