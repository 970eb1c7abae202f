"""What the regressions from SequenceNet's encoder share: numbers, read as one orientation."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from workflow.lib.models.task import Draws, all_rolls, turn_back
from workflow.lib.networks.regression import RegressionNet
from workflow.lib.orientation import azimuth_rotation, multiply
from workflow.lib.signals.rolls import roll_azimuth, standardise


class RegressionTask(ABC):
    """`outputs` numbers of each roll of a standardised signal; the target is an orientation (n, 4).

    A class says how far numbers are from an orientation, and which orientation they are.
    encoder: see `networks.encoders`.
    """

    outputs: int

    def __init__(self, encoder: str = "published") -> None:
        self.network = RegressionNet(self.outputs, encoder)

    @abstractmethod
    def losses(self, numbers: Tensor, orientation: Tensor) -> Tensor:
        """The loss (…) of each row of numbers (…, outputs) for orientations (…, 4)."""

    @abstractmethod
    def read(self, numbers: Tensor) -> Tensor:
        """Orientations (…, 4), float64, of numbers (…, outputs); NaN where they are none."""

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        numbers = self.network.outputs_of_rolls(standardise(signals), rolls)
        turned = multiply(azimuth_rotation(rolls), target[:, None])
        with torch.autocast(numbers.device.type, enabled=False):
            return self.losses(numbers, turned.to(numbers)).mean()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return signals.new_full((), rolls.numel(), dtype=torch.float32)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        return self._answer(self.network(standardise(roll_azimuth(signals, rolls))), rolls)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        return self._answers(signals, all_rolls(signals))

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        """The one answer to each roll: a regression knows no other."""
        return Draws(self._answers(signals, rolls)[0][:, :, None])

    def _answers(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        return self._answer(self.network.outputs_of_rolls(standardise(signals), rolls), rolls)

    def _answer(self, numbers: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        answer = turn_back(self.read(numbers), rolls)
        return answer, answer.isfinite().all(-1)
