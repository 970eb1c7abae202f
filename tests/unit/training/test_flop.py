"""The arithmetic of a training against a count by hand, layer by layer."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from workflow.lib.models.registry import make_task
from workflow.lib.models.task import LoopTask
from workflow.lib.training.flop import tflop_of_training
from workflow.lib.training.loop import TrainingData
from workflow.lib.training.step import TrainingSettings
from workflow.lib.training.train import LOOP_KEYS

PAPER = yaml.safe_load((Path(__file__).parents[3] / "config/config.yaml").read_text())["models"]
STEPS, SYMBOLS = 13, 13  # of the decoder, and in its vocabulary
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def settings(network: str, **changes) -> TrainingSettings:
    loop = {key: value for key, value in PAPER[network]["training"].items() if key in LOOP_KEYS}
    return TrainingSettings(**(loop | changes), seed=1)


def problem(task: LoopTask, n: int) -> TrainingData:
    signals = torch.randint(0, 256, (n, 6, 72), dtype=torch.uint8)
    orientation = torch.nn.functional.normalize(torch.randn(n, 4, dtype=torch.float64), dim=1)
    return TrainingData(signals, task.target(orientation), signals[:0], orientation[:0])


def flop_by_hand(first: int, others: int) -> int:
    """Of multiplications in the forward pass: the first layer's input needs no gradient."""
    return 2 * (2 * first + 3 * others)


def eulernet(pairs: int) -> int:
    dense = 1152 * 768 + 768 * 384 + 384 * 3
    operators = 2 * 24 * 4  # the loss chooses one, without a gradient
    return pairs * (flop_by_hand(432 * 64 * 9, 108 * 64 * 64 * 9 + dense) + operators)


def regression(pairs: int, outputs: int, operators: int) -> int:
    """From the convolutions and the dense layers that SequenceNet's code comes from."""
    convolutions = 432 * 16 * 16 * 9 + 108 * 32 * 16 * 9 + 108 * 32 * 32 * 9
    dense = 576 * 128 + 128 * 128 + 128 * 128 + 128 * outputs
    return pairs * (flop_by_hand(432 * 16 * 9, convolutions + dense) + 2 * operators * 4)


def sequencenet(pairs: int, width: int, layers: int, gates: int = 4, by_hand: bool = False) -> int:
    """by_hand: the first layer's products with symbols are rows of a table of all symbols."""
    convolutions = 432 * 16 * 16 * 9 + 108 * 32 * 16 * 9 + 108 * 32 * 32 * 9
    dense = 576 * 128 + 128 * 128 + 128 * width
    state = STEPS * layers * gates * width * width
    inputs = STEPS * (layers - by_hand) * gates * width * width
    logits = STEPS * width * SYMBOLS
    flop = pairs * flop_by_hand(432 * 16 * 9, convolutions + dense + state + inputs + logits)
    if by_hand:  # the table, and the sum of what each symbol's row is to be moved by
        flop += flop_by_hand(0, SYMBOLS * width * gates * width)
        flop += 2 * pairs * STEPS * SYMBOLS * gates * width
    return flop


def attention(pairs: int, width: int, layers: int, by_hand: bool = False) -> int:
    """Queries, scores, what is found, and the dense layer that joins it."""
    channels, columns = 32, 18
    of_each = width * channels + 2 * channels * columns + (width + channels) * width
    recurrent = sequencenet(pairs, width, layers, by_hand=by_hand)
    return recurrent + pairs * flop_by_hand(0, STEPS * of_each)


def transformer(pairs: int, width: int, layers: int) -> int:
    """Four dense layers and two inner ones; scores and what is found, whatever the mask."""
    of_each = 4 * width**2 + 2 * 2 * width**2 + 2 * STEPS * width
    others = sequencenet(pairs, width, layers=0)
    return others + pairs * flop_by_hand(0, layers * STEPS * of_each)


@pytest.fixture(params=[1, 2])
def _threads(request):
    """What is shared out to another thread must be counted as well."""
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("batch", [64, 256])
def test_every_product_of_eulernet_is_counted(batch):
    task = make_task("eulernet", {})
    chosen = settings("eulernet", batch=batch, epochs=5)
    counted = tflop_of_training(task, problem(task, 300), chosen)
    assert counted == pytest.approx(5 * eulernet(300) / 1e12, rel=1e-12)


@pytest.mark.parametrize(("network", "shape"), [("rotation6d", (6, 24)), ("tensor", (9, 0))])
def test_every_product_of_a_regression_is_counted(network, shape):
    """The tensor's loss knows no operators."""
    task = make_task(network, {})
    chosen = settings("sequencenet", batch=64, rolls_per_epoch=2, epochs=5)
    counted = tflop_of_training(task, problem(task, 100), chosen)
    assert counted == pytest.approx(5 * regression(200, *shape) / 1e12, rel=1e-12)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("cell", GATES)
def test_every_product_of_sequencenet_is_counted(cell):
    """300 pairs: a batch of 256, for which the LSTM is written by hand, and one of 44."""
    shape = {"width": 48, "layers": 2}
    task = make_task("sequencenet", shape | {"cell": cell})
    data = problem(task, 100)
    small = settings("sequencenet", batch=64, rolls_per_epoch=3, epochs=1)
    counted = [tflop_of_training(task, data, replace(small, batch=b)) for b in (64, 256)]
    gates = GATES[cell]
    expected = [
        sequencenet(300, gates=gates, **shape),
        sequencenet(256, gates=gates, **shape, by_hand=cell == "lstm")
        + sequencenet(44, gates=gates, **shape),
    ]
    assert counted == pytest.approx([flop / 1e12 for flop in expected], rel=1e-12)


@pytest.mark.usefixtures("_threads")
def test_every_product_of_the_other_writers_is_counted():
    shape = {"width": 48, "layers": 2}
    chosen = settings("sequencenet", batch=256, rolls_per_epoch=3, epochs=1)
    expected = {
        "attention": attention(256, **shape, by_hand=True) + attention(44, **shape),
        "transformer": transformer(300, **shape),
    }
    for network, flop in expected.items():
        task = make_task(network, shape)
        counted = tflop_of_training(task, problem(task, 100), chosen)
        assert counted == pytest.approx(flop / 1e12, rel=1e-12)


@pytest.mark.parametrize("network", PAPER)
def test_nothing_is_trained_by_the_count(network):
    task = make_task(network, {})
    data = problem(task, 8)
    weights = {name: value.clone() for name, value in task.network.state_dict().items()}
    stream = torch.get_rng_state()
    counts = [
        tflop_of_training(task, data, settings(network, batch=4, precision=precision))
        for precision in ("float32", "bfloat16")
    ]
    assert counts[0] == counts[1] > 0
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(weights[name], v) for name, v in task.network.state_dict().items())
    assert all(parameter.grad is None for parameter in task.network.parameters())
