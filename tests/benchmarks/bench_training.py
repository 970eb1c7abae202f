"""Training of both networks as published, against a `DataLoader` with four workers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from tests.benchmarks.baselines.networks import (
    LENGTH,
    PlainEulerNet,
    PlainSequenceNet,
    copy_weights,
    multiplications,
)
from tests.benchmarks.baselines.training import (
    EulerItems,
    SequenceItems,
    euler_loss,
    learn,
    make_loader,
    sequence_loss,
)
from tests.benchmarks.busy import beside_busy_core
from tests.benchmarks.measure import (
    Row,
    Side,
    Sizes,
    alternate,
    bound_by_products,
    compare,
    matrix_product,
    precisions,
    rate,
)
from tests.benchmarks.problem import (
    ROLLS,
    Signals,
    learner,
    published,
    simulated,
    training_data,
)
from workflow.lib.training.step import TrainingSettings

BASELINE = "DataLoader, 4 workers, float32"
OPERATIONS = 6  # per weight and use: a multiplication and an addition, and twice that backward


@dataclass(frozen=True)
class Baseline:
    """A plain network and what it learns from; multiplications: of a signal's forward pass."""

    network: nn.Module
    loss: Callable[..., Tensor]
    items: Dataset
    multiplications: int


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    learnt = simulated(sizes.training_signals, specimen=1)
    return [
        *_rows("sequencenet", "SequenceNet", _plain_sequencenet(learnt), learnt, device, sizes),
        *_rows("eulernet", "EulerNet", _plain_eulernet(learnt), learnt, device, sizes),
    ]


def _plain_sequencenet(learnt: Signals) -> Baseline:
    task, _ = published("sequencenet")
    tokens = training_data(task, learnt, torch.device("cpu")).target.numpy()
    network = PlainSequenceNet()
    copy_weights(network, task.network)
    zero = torch.zeros(1).long()
    count = multiplications(network, torch.zeros(1, 6, 72), zero, zero.expand(1, LENGTH - 1))
    return Baseline(network, sequence_loss, SequenceItems(learnt.signals, tokens), count)


def _plain_eulernet(learnt: Signals) -> Baseline:
    task, _ = published("eulernet")
    network = PlainEulerNet()
    copy_weights(network, task.network)
    items = EulerItems(learnt.signals, learnt.euler_rad, task.gain_sd)
    return Baseline(network, euler_loss, items, multiplications(network, torch.zeros(1, 6, 72)))


def _rows(
    network: str, title: str, plain: Baseline, learnt: Signals, device: torch.device, sizes: Sizes
) -> list[Row]:
    """A row per precision, all measured in turns with one baseline."""
    names = precisions(device)
    sides = {name: _ours(network, name, learnt, device, sizes.steps[network]) for name in names}
    sides["baseline"] = _theirs(network, plain, learnt, device, sizes)
    for name in names:
        sides[f"{name} product"] = matrix_product(name, device, sizes.matrix_edge)
    rates = alternate(sides, sizes.repeats)
    batch = published(network)[1].batch
    rows = []
    for name in names:
        row = compare(f"train {title}, batch {batch}, {name}", "samples/s", rates, name, BASELINE)
        few = _ours(network, name, learnt, device, sizes.busy_steps[network])
        row.beside_busy_core = beside_busy_core(few, device, sizes.repeats)
        rows.append(bound_by_products(row, rates, name, OPERATIONS * plain.multiplications))
    return rows


def _ours(network: str, precision: str, learnt: Signals, device: torch.device, steps: int) -> Side:
    task, settings = published(network)
    task.network.to(device)
    data = training_data(task, learnt, device)
    stepper, batches = learner(task, replace(settings, precision=precision), data)

    def take_steps() -> None:
        for _ in range(steps):
            stepper.step(*next(batches))

    return lambda: rate(take_steps, steps * _batch(settings, learnt))


def _theirs(
    network: str, plain: Baseline, learnt: Signals, device: torch.device, sizes: Sizes
) -> Side:
    """Workers start anew in each turn, so that in the others' they don't work ahead."""
    _, settings = published(network)
    steps = sizes.baseline_steps[network]
    learning = plain.network.to(device).train()
    optimizer = torch.optim.Adam(learning.parameters(), settings.learning_rate)
    loader = make_loader(plain.items, settings.batch)

    def side() -> float:
        batches = iter(loader)

        def take(count: int) -> None:
            learn(learning, plain.loss, batches, optimizer, settings.clip_norm, count)

        take(sizes.loader_steps)
        return rate(lambda: take(steps), steps * _batch(settings, learnt))

    return side


def _batch(settings: TrainingSettings, learnt: Signals) -> int:
    """Samples in a step; --quick has fewer than a batch holds."""
    return min(settings.batch, ROLLS * len(learnt.signals))
