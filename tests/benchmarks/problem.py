"""What the networks are measured on: simulated signals, and the published settings."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import yaml
from torch import Tensor

from tests.benchmarks.measure import precisions
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task
from workflow.lib.orientation import from_euler_zyz
from workflow.lib.runtime.digest import ROOT
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.training.loop import TrainingData, batches_of
from workflow.lib.training.step import Stepper, TrainingSettings
from workflow.lib.training.train import LOOP_KEYS

ROLLS = 72
MANY = 100_000  # steps of a training, of which so few are taken that its rate stays the first
NOISE = 10  # counts


@dataclass(frozen=True)
class Signals:
    """Signals uint8 (n, 6, 72) of one specimen and ZYZ angles (n, 3) in radians."""

    signals: np.ndarray
    euler_rad: np.ndarray

    def on(self, device: torch.device) -> Tensor:
        return torch.from_numpy(self.signals).to(device)


def simulated(n: int, specimen: int) -> Signals:
    """n signals of the specimen with that number, 1 to 10."""
    return Signals(*simulate_specimen(n, SPECIMENS[specimen - 1], stream(1, 1, specimen)))


def measured_again(one: Signals, n: int) -> np.ndarray:
    """n signals uint8 (n, 6, 72) that differ from a single one by noise."""
    noise = np.random.default_rng(1).normal(0, NOISE, (n, *one.signals.shape[1:]))
    return np.clip(np.rint(one.signals + noise), 0, 255).astype(np.uint8)


def published(network: str) -> tuple[Task, TrainingSettings]:
    """The task on the CPU and its training, as config/config.yaml has them; 72 rolls an epoch."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())["models"][network]
    options = config["training"] | {"rolls_per_epoch": ROLLS}
    options["learning_rate"] = float(options["learning_rate"])
    loop = {key: options.pop(key) for key in LOOP_KEYS}
    torch.manual_seed(1)
    task = make_task(config["network"], config["architecture"], **options)
    return task, TrainingSettings(**loop, seed=1)


def training_data(task: Task, learnt: Signals, device: torch.device) -> TrainingData:
    """`learnt` as `task` learns from it; nothing to validate on."""
    target = task.target(from_euler_zyz(torch.from_numpy(learnt.euler_rad)))
    signals, target = learnt.on(device), target.to(device)
    return TrainingData(signals, target, signals[:0], target[:0])


def learner(
    task: Task, settings: TrainingSettings, data: TrainingData, steps: int = MANY
) -> tuple[Stepper, Iterator[tuple[Tensor, ...]]]:
    """What takes the library's steps, `steps` in all, and batches without end."""
    stepper = Stepper(task, settings, steps)

    def batches() -> Iterator[tuple[Tensor, ...]]:
        while True:
            yield from batches_of(task, data, settings)

    return stepper, batches()


def teach(
    task: Task, learnt: Signals, device: torch.device, steps: int, learning_rate: float = 2e-3
) -> Task:
    """`task` on the device, after it learnt a signal or few in all their rolls by heart.

    More would take minutes; so much lets it answer in valid sequences, that differ from roll
    to roll and of whose symbols it is as sure as a trained network.
    """
    task.network.to(device)
    settings = TrainingSettings(
        epochs=1, rolls_per_epoch=ROLLS, rolls_together=1, batch=ROLLS, optimizer="adam",
        learning_rate=learning_rate, matrix_rate=0.02, schedule="one_cycle", warm_up=0.3,
        clip_norm=0.5, precision=precisions(device)[-1], seed=1,
    )  # fmt: skip
    stepper, batches = learner(task, settings, training_data(task, learnt, device), steps)
    for _ in range(steps):
        stepper.step(*next(batches))
    task.network.eval()
    return task
