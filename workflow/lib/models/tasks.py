"""What each network learns and how its answer is read: one loss, one prediction.

A task joins a network with the way its input is prepared, so that training, evaluation
and test-time augmentation are the same code for both networks.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from workflow.lib.networks import EulerNet, SequenceNet
from workflow.lib.orientation import (
    azimuth_rotation,
    conjugate,
    disorientation_loss,
    from_euler_zyz,
    multiply,
)
from workflow.lib.signals.rolls import AZIMUTHS, random_gain, roll_azimuth, standardise
from workflow.lib.tokens import TOKENIZERS


class Task(Protocol):
    """A network and what it is asked."""

    network: nn.Module

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        """Mean loss of signals (n, 6, 72) uint8 once rolled by `rolls` (n,).

        target: what the unrolled signals' orientations are to this task, see its class.
        """
        ...

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        """What these signals count in the mean loss of a larger batch: a number on their device."""
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


class EulerTask:
    """Regression with Eq. 3; the target is the orientation (n, 4).

    input: `scaled` by 255 after a random gain in training, as released, or `standardised`
    like SequenceNet's, to which a gain makes no difference.
    """

    def __init__(self, input: str = "scaled", gain_sd: float = 0.2) -> None:
        self.network = EulerNet()
        self.standardised = input == "standardised"
        self.gain_sd = gain_sd

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        rolled = roll_azimuth(signals, rolls)
        rolled = standardise(rolled) if self.standardised else random_gain(rolled, self.gain_sd)
        answer = from_euler_zyz(self.network(rolled))
        turned = multiply(azimuth_rotation(rolls).to(answer), target.to(answer))
        return disorientation_loss(answer, turned).mean()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return signals.new_full((), len(signals), dtype=torch.float32)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        return _read_angles(self.network(self._prepare(roll_azimuth(signals, rolls))), rolls)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        angles = self.network.angles_of_rolls(self._prepare(signals))
        return _read_angles(angles, _all_rolls(signals))

    def _prepare(self, signals: Tensor) -> Tensor:
        return standardise(signals) if self.standardised else signals.float()


class SequenceTask:
    """Cross-entropy per symbol (Eq. 5); the target is the tokens of all rolls (n, 72, length)."""

    def __init__(self, tokenizer: str = "digit", **architecture: Any) -> None:
        self.tokenizer = TOKENIZERS[tokenizer]()
        self.network = SequenceNet(self.tokenizer, **architecture)
        self._position_weights = self.tokenizer.loss_weights().float()

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        tokens = _of_rolls(target, rolls)
        rolled = standardise(roll_azimuth(signals, rolls))
        logits = self.network(rolled, rolls, tokens[:, :-1]).float()
        wanted = tokens[:, 1:]
        losses = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
        weights = self._weights(wanted)
        return (losses.view_as(wanted) * weights).sum() / weights.sum()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return self._weights(_of_rolls(target, rolls)[:, 1:]).sum()

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.network.generate(standardise(roll_azimuth(signals, rolls)), rolls)
        answer, valid = self.tokenizer.decode(tokens)
        return _turn_back(answer, rolls), valid

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.network.codes_of_rolls(standardise(signals))  # the rolls' mean is the signal's
        answer, valid = self.tokenizer.decode(self.network.write(codes.flatten(0, 1)))
        answer, valid = answer.view(-1, AZIMUTHS, 4), valid.view(-1, AZIMUTHS)
        return _turn_back(answer, _all_rolls(signals)), valid

    def _weights(self, wanted: Tensor) -> Tensor:
        """How much each symbol (n, t) counts; padding does not."""
        if self._position_weights.device != wanted.device:  # once: a copy stalls a GPU
            self._position_weights = self._position_weights.to(wanted.device)
        return self._position_weights * (wanted != self.tokenizer.pad)


def make_task(network: str, architecture: dict[str, Any], gain_sd: float) -> Task:
    """The task `eulernet` or `sequencenet`, its network freshly initialised on the CPU."""
    if network == "eulernet":
        return EulerTask(**architecture, gain_sd=gain_sd)
    return SequenceTask(**architecture)


def _of_rolls(target: Tensor, rolls: Tensor) -> Tensor:
    """Of the tokens of all rolls (n, 72, length), those of the rolls (n,) at hand."""
    return target[torch.arange(len(rolls), device=rolls.device), rolls].long()


def _all_rolls(signals: Tensor) -> Tensor:
    return torch.arange(AZIMUTHS, device=signals.device)


def _read_angles(angles: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
    answer = from_euler_zyz(angles.double())
    return _turn_back(answer, rolls), answer.isfinite().all(-1)


def _turn_back(answer: Tensor, rolls: Tensor) -> Tensor:
    return multiply(conjugate(azimuth_rotation(rolls).to(answer)), answer)
