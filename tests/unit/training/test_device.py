"""A GPU is never waited for within an epoch: nothing is copied to it, nothing asked of it.

Without a GPU, the `meta` device stands for one: it computes shapes only, so every operation that
needs a value from the host or gives one to it shows.
"""

from contextlib import nullcontext

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from workflow.lib.models.registry import make_task
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.training.loop import TrainingData, batches_of
from workflow.lib.training.step import TrainingSettings

N = 8
SETTINGS = TrainingSettings(
    epochs=1, rolls_per_epoch=4, rolls_together=2, batch=N, optimizer="adam", learning_rate=1e-3,
    matrix_rate=0.02, schedule="one_cycle", warm_up=0.3, clip_norm=0.5, precision="float32", seed=1,
)  # fmt: skip
VARIANTS = [
    ("eulernet", {"input": "standardised"}),
    ("eulernet", {"input": "scaled"}),
    ("rotation6d", {"encoder": "published"}),
    ("tensor", {"encoder": "equivariant"}),
    ("sequencenet", {"tokenizer": "digit"}),
    ("sequencenet", {"tokenizer": "decimal", "encoder": "equivariant", "cell": "gru"}),
    ("sequencenet", {"conditioning": "every_step", "roll_embedding": False}),
]


class Crossings(TorchDispatchMode):
    """Notes operations between host and device, either way."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        before, after = _devices((args, kwargs)), _devices(result)
        if "_local_scalar_dense" in str(function) or len(before | after) > 1:
            self.seen.append(str(function))
        return result


def _devices(values) -> set[str]:
    return {leaf.device.type for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)}


def data_on_meta(task) -> TrainingData:
    signals = torch.empty(N, 6, AZIMUTHS, dtype=torch.uint8, device="meta")
    if hasattr(task, "tokenizer"):
        target = torch.empty(N, AZIMUTHS, task.tokenizer.length, dtype=torch.uint8, device="meta")
    else:
        target = torch.empty(N, 4, dtype=torch.float64, device="meta")
    return TrainingData(signals, target, signals, target)


@pytest.mark.parametrize(("network", "architecture"), VARIANTS)
def test_steps_of_an_epoch_stay_on_the_device(network, architecture, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # has no meta
    task = make_task(network, architecture)
    task.network.to("meta")
    data = data_on_meta(task)
    task.loss(*next(batches_of(task, data, SETTINGS)))  # constants may be moved once
    with Crossings() as crossings:
        for batch in batches_of(task, data, SETTINGS):
            (task.loss(*batch) * task.weight(*batch)).backward()
            torch.nn.utils.clip_grad_norm_(task.network.parameters(), SETTINGS.clip_norm)
    assert crossings.seen == []


def test_a_crossing_is_noticed():
    with Crossings() as crossings:
        torch.ones(2).to("meta")
        torch.ones(1).item()
    assert len(crossings.seen) == 2
