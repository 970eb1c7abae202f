"""One step of training: gradient, clipping, optimiser, learning rate.

A batch that does not fit the GPU's memory is computed in parts whose gradients add up to
that of the whole, so that what is learnt does not depend on the card.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workflow.lib.models.task import LoopTask
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.script import logger
from workflow.lib.training.muon import Muon, matrices_of
from workflow.lib.training.precision import arithmetic


@dataclass(frozen=True)
class TrainingSettings:
    """Hyperparameters of one training.

    epochs: passes over the training signals; of 2.5 the third ends half-way.
    rolls_per_epoch: in how many different azimuth rolls each signal is shown per epoch,
        1–72; rolls_together: how many of them share a pass of the convolutions, and a batch.
    batch: signals per step, each of these rolls counted.
    optimizer: `adam`, or `muon` for the matrices inside the network, which then learn at
        `matrix_rate` in place of `learning_rate`, see `workflow.lib.training.muon`.
    schedule: `constant`, `thirds` (the rate divided by ten after each third) or
        `one_cycle` (rises for the share `warm_up` of the steps, then falls to nearly nothing).
    clip_norm: the gradient's norm is clipped at it; None for never.
    precision: `float32` or `bfloat16`, see `workflow.lib.training.precision`.
    kept_epoch: whose weights are kept: `best_median`, of the validation signals, or `last`.
    """

    epochs: float
    rolls_per_epoch: int
    rolls_together: int
    batch: int
    optimizer: str
    learning_rate: float
    matrix_rate: float
    schedule: str
    warm_up: float
    clip_norm: float | None
    precision: str
    seed: int
    kept_epoch: str = "best_median"


class TrainingError(InputError):
    """The training went wrong in a way that settings, data or device, not code, have to mend."""


class Stepper:
    """Optimisers of a task's network, with the learning rates' whole course of `steps` steps.

    micro_batch: how many signals are computed at once, each in the rolls that are together. It
    begins as the whole batch and is halved whenever the GPU runs out of memory; the effective
    batch stays the same.
    """

    def __init__(self, task: LoopTask, settings: TrainingSettings, steps: int) -> None:
        self.task = task
        self.clip_norm = settings.clip_norm
        self.precision = settings.precision
        self.micro_batch = settings.batch // settings.rolls_together
        self.optimizers = _optimizers(task.network, settings)
        self.schedules = [_schedule(optimizer, settings, steps) for optimizer in self.optimizers]

    @property
    def learning_rate(self) -> float:
        """Adam's rate in the next step."""
        return self.optimizers[0].param_groups[0]["lr"]

    def step(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        """Learn from a batch (see `LoopTask.loss`) and return its mean loss, still on the device.

        Raises TrainingError when not even a single signal fits the device's memory.
        """
        loss = None
        while loss is None:
            loss = self._backward(signals, rolls, target)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.task.network.parameters(), self.clip_norm)
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to go on exactly."""
        return {
            "network": self.task.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "micro_batch": self.micro_batch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.task.network.load_state_dict(state["network"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        for schedule, kept in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(kept)
        self.micro_batch = state["micro_batch"]

    def _backward(self, *batch: Tensor) -> Tensor | None:
        """The mean loss, its gradient in the network; None if a smaller part has to be tried."""
        self.task.network.zero_grad(set_to_none=True)
        try:
            return self._accumulate(*batch)
        except torch.OutOfMemoryError as error:
            if self.micro_batch == 1:
                raise TrainingError(
                    "the GPU's memory does not hold the network and one signal: free the GPU, "
                    "or set `device: cpu`"
                ) from error
        # Outside the handler, whose traceback would keep the failed attempt's tensors alive.
        self.task.network.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        self.micro_batch = -(-min(self.micro_batch, len(batch[0])) // 2)
        logger.warning(
            "the GPU's memory is too small: each batch is now computed in parts of %d signals",
            self.micro_batch,
        )
        return None

    def _accumulate(self, *batch: Tensor) -> Tensor:
        parts = list(zip(*(tensor.split(self.micro_batch) for tensor in batch), strict=True))
        weights = torch.stack([self.task.weight(*part) for part in parts])
        losses = []
        for part, share in zip(parts, weights / weights.sum(), strict=True):
            with arithmetic(self.precision, share.device):
                loss = self.task.loss(*part) * share
            loss.backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum()


def _optimizers(network: nn.Module, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Adam, and Muon for what it takes from it."""
    matrices = list(matrices_of(network)) if settings.optimizer == "muon" else []
    taken = {id(parameter) for matrix in matrices for parameter in matrix["params"]}
    others = [parameter for parameter in network.parameters() if id(parameter) not in taken]
    adam = torch.optim.Adam(others, lr=settings.learning_rate, fused=True)
    return [adam, Muon(matrices, lr=settings.matrix_rate)] if matrices else [adam]


def _schedule(optimizer: torch.optim.Optimizer, settings: TrainingSettings, steps: int):
    peaks = [group["lr"] for group in optimizer.param_groups]
    schedulers = torch.optim.lr_scheduler
    if settings.schedule == "one_cycle":
        rise = settings.warm_up
        if rise * (steps + 1) == 1:  # over within the first step: torch would divide by zero
            rise *= 1 - 1e-9
        return schedulers.OneCycleLR(
            optimizer,
            peaks,
            total_steps=steps + 1,
            pct_start=rise,
            cycle_momentum=False,
        )
    milestones = [steps // 3, 2 * steps // 3] if settings.schedule == "thirds" else []
    return schedulers.MultiStepLR(optimizer, milestones, gamma=0.1)
