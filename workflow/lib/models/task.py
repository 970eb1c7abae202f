"""What every model class offers, and what they share.

A task joins a network with the way its input is prepared and its answer is read, so that
training, evaluation and test-time augmentation are the same code for all of them. A class is
one module beside this one, an entry in `registry.py`, and workflow/schemas/models/<network>.yaml,
which says what the config may hold for it.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from workflow.lib.orientation import azimuth_rotation, conjugate, multiply
from workflow.lib.signals.rolls import AZIMUTHS


@dataclass(frozen=True)
class Draws:
    """Answers to n signals in v rolls of each, m to each roll, turned back by it.

    orientation: float64 (n, v, m, 4), unit quaternions, NaN where an answer is none.
    log_probability: (n, v, m), natural log, of the sequences written; −∞ where there is none. None
    for classes that do not write: their answers count the same.
    """

    orientation: Tensor
    log_probability: Tensor | None = None


@runtime_checkable
class Task(Protocol):
    """A network and what it is asked; made from the architecture of the config as keywords.

    What the config's `training` holds beyond the keys of the training loop are keywords as well;
    they need defaults, because predictions go without them.
    """

    network: nn.Module

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        """What is to be learnt of unrolled signals with these orientations (n, 4), a row each.

        tokens: those of all rolls, (n, 72, length), for a class whose architecture has a
        `tokenizer`, if they are at hand.
        """
        ...

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        """Orientations (n, 4), float64, and whether each is one (n,), of signals (n, 6, 72).

        The signals are rolled by `rolls` (n,) before the network sees them, and its
        answers are turned back: predictions for different rolls can be compared.
        """
        ...

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """As `predict`, for all 72 rolls of each signal: answers (n, 72, 4), valid (n, 72)."""
        ...

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        """Draws from what the network takes for possible, of signals (n, 6, 72) in `rolls` (n, v).

        count: of each roll; a class that knows fewer gives fewer, and one to which rolls make no
        difference gives one roll. seeds (n,), int64: of each signal's random numbers, so that
        neither other signals nor chunks change them. temperature: of the symbols of a class that
        writes; others take no notice.
        """
        ...


@runtime_checkable
class WritingTask(Task, Protocol):
    """A task whose network writes its answers and knows the probability of each.

    Letters: n signals (n, 6, 72), rolls (n, v), a orientations (n, a, 4) of the unrolled signals.
    temperature: divides the logits of every symbol.
    """

    def most_probable(self, signals: Tensor, rolls: Tensor, width: int) -> Draws:
        """The most probable sequences of each roll, by a beam of that width, the first first."""
        ...

    def log_density(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float
    ) -> Tensor:
        """Log density (n, v, a) of orientations, relative to uniform on the fundamental zone."""
        ...

    def log_probability(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float
    ) -> Tensor:
        """Log probability (n, v, a) of the sequences that orientations are written as."""
        ...

    def fit_temperature(self, signals: Tensor, orientation: Tensor) -> float:
        """The temperature at which orientations (n, 4) of such signals are least surprising."""
        ...


@runtime_checkable
class LoopTask(Task, Protocol):
    """A task that is learnt step by step, in the training loop."""

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        """Mean loss of signals (n, 6, 72) uint8 in each of their `rolls` (n, k).

        target: rows of what `Task.target` gave for the unrolled signals.
        """
        ...

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        """What these signals and rolls count in a larger batch's mean loss, on their device."""
        ...


@runtime_checkable
class SingleStepTask(Task, Protocol):
    """A task that is learnt from all signals at once, without a loop."""

    def learn(self, signals: Tensor, target: Tensor) -> None:
        """Make the network from all training signals (n, 6, 72) uint8 and their targets."""
        ...


def all_rolls(signals: Tensor) -> Tensor:
    """The 72 rolls there are of each of n signals, (n, 72), on their device."""
    return torch.arange(AZIMUTHS, device=signals.device).expand(len(signals), -1)


def turn_back(answer: Tensor, rolls: Tensor) -> Tensor:
    """Of the unrolled signals, what was answered (…, 4) to them rolled by `rolls` (…)."""
    return multiply(conjugate(azimuth_rotation(rolls).to(answer)), answer)
