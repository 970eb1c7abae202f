"""Predictions of all rolls at once, against one roll after another; and little memory."""

import pytest
import torch

from workflow.lib.inference import tta
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task
from workflow.lib.orientation import medoid
from workflow.lib.signals.rolls import AZIMUTHS

SIGNALS = torch.randint(0, 256, (5, 6, AZIMUTHS), generator=torch.Generator().manual_seed(0)).byte()
SMALL = {"layers": 2, "width": 32}
TASKS = {
    "eulernet": ("eulernet", {}),
    "standardised eulernet": ("eulernet", {"input": "standardised"}),
    "six numbers": ("rotation6d", {}),
    "tensor": ("tensor", {"encoder": "equivariant"}),
    "published encoder": ("sequencenet", SMALL),
    "equivariant encoder": ("sequencenet", SMALL | {"encoder": "equivariant"}),
    "no roll embedding": ("sequencenet", SMALL | {"roll_embedding": False}),
    "gru, every step": ("sequencenet", SMALL | {"cell": "gru", "conditioning": "every_step"}),
    "attention": ("attention", SMALL),
    "attention, equivariant": ("attention", SMALL | {"encoder": "equivariant"}),
    "transformer": ("transformer", SMALL),
}
every_task = pytest.mark.parametrize("name", TASKS)


def new_task(name: str, monkeypatch) -> Task:
    """Untrained. What one writes is made to vary, and read as if all symbols were digits."""
    torch.manual_seed(5)  # no two best symbols are nearly equally probable
    network, architecture = TASKS[name]
    task = make_task(network, architecture)
    if hasattr(task, "tokenizer"):
        for layer in (task.network.encoder[-1], task.network.logits):
            layer.weight.data *= 20
        decode = task.tokenizer.decode

        def lenient(tokens):
            digits = tokens.where(tokens < 10, 5)
            digits[:, 0], digits[:, -1] = task.tokenizer.start, task.tokenizer.end
            answer, valid = decode(digits)
            return answer, valid & (tokens[:, 1] != 3)

        monkeypatch.setattr(task.tokenizer, "decode", lenient)
    return task


@torch.inference_mode()
def one_by_one(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers (n, 72, 4) and whether they are valid (n, 72), from a loop over the rolls."""
    task.network.eval()
    rolls = [torch.full((len(SIGNALS),), k) for k in range(AZIMUTHS)]
    answers, valid = zip(*(task.predict(SIGNALS, k) for k in rolls), strict=True)
    return torch.stack(answers, 1), torch.stack(valid, 1)


@every_task
def test_all_rolls_are_predicted_as_one_by_one(name, monkeypatch):
    task = new_task(name, monkeypatch)
    expected, usable = one_by_one(task)
    with torch.inference_mode():
        answer, valid = task.predict_rolls(SIGNALS)
    assert len(expected[usable].round(decimals=4).unique(dim=0)) > 50
    assert answer.dtype == torch.float64
    assert torch.equal(valid, usable)
    torch.testing.assert_close(answer[valid], expected[valid], atol=1e-5, rtol=0)


@every_task
def test_tta_is_the_medoid_of_predictions_one_by_one(name, monkeypatch):
    """Whatever the size of the batches."""
    task = new_task(name, monkeypatch)
    expected = medoid(*one_by_one(task))
    for signals in (64, 2, 1):
        monkeypatch.setitem(tta.SIGNALS_PER_BATCH, "cpu", signals)
        orientation, valid = tta.predict_tta(task, SIGNALS)
        torch.testing.assert_close(orientation, expected, atol=1e-5, rtol=0)
        assert valid.all()
