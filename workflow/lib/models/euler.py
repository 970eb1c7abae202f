"""EulerNet: a regression of three Euler angles (Wittwer & Seita 2022)."""

import torch
from torch import Tensor

from workflow.lib.models.task import Draws, all_rolls, turn_back
from workflow.lib.networks import EulerNet
from workflow.lib.networks.regression import RegressionNet
from workflow.lib.orientation import (
    azimuth_rotation,
    disorientation_loss,
    from_euler_zyz,
    multiply,
)
from workflow.lib.signals.rolls import random_gain, roll_azimuth, standardise


class EulerTask:
    """Regression with Eq. 3; the target is the orientation (n, 4).

    input: `scaled` by 255 after a random gain N(1, gain_sd) in training, as released, or
    `standardised` like SequenceNet's, to which a gain makes no difference. body: `wide`, its own,
    or `deep` for the angles to be read off SequenceNet's encoder.
    """

    def __init__(
        self,
        input: str = "scaled",
        encoder: str = "published",
        body: str = "wide",
        gain_sd: float = 0.2,
    ) -> None:
        self.network = EulerNet(encoder) if body == "wide" else RegressionNet(3, encoder)
        self.standardised = input == "standardised"
        self.gain_sd = gain_sd

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        shown = standardise(signals) if self.standardised else random_gain(signals, self.gain_sd)
        answer = from_euler_zyz(self.network.outputs_of_rolls(shown, rolls))
        turned = multiply(azimuth_rotation(rolls), target[:, None])
        return disorientation_loss(answer, turned.to(answer)).mean()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return signals.new_full((), rolls.numel(), dtype=torch.float32)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        return _read_angles(self.network(self._prepare(roll_azimuth(signals, rolls))), rolls)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        angles = self.network.outputs_of_rolls(self._prepare(signals), all_rolls(signals))
        return _read_angles(angles, all_rolls(signals))

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        """The one answer to each roll: a regression knows no other."""
        angles = self.network.outputs_of_rolls(self._prepare(signals), rolls)
        answer, valid = _read_angles(angles, rolls)
        return Draws(torch.where(valid[..., None], answer, torch.nan)[:, :, None])

    def _prepare(self, signals: Tensor) -> Tensor:
        return standardise(signals) if self.standardised else signals.float()


def _read_angles(angles: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
    answer = from_euler_zyz(angles.double())
    return turn_back(answer, rolls), answer.isfinite().all(-1)
