"""Tasks whose distributions are known: answers scatter around two orientations of each signal.

A signal's first pixel is its number. Draws fall to the first orientation with probability 0.7.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.models.task import Draws
from workflow.lib.orientation import kernel_log_density, multiply
from workflow.lib.signals.rolls import AZIMUTHS

HEAVIER = 0.7


def signals_of(n: int) -> Tensor:
    signals = torch.zeros(n, 6, AZIMUTHS, dtype=torch.uint8)
    signals[:, 0, 0] = torch.arange(n)
    return signals


def two_orientations(n: int, angle_deg: float = 40, seed: int = 1) -> Tensor:
    """(n, 2, 4), so far apart, below 45°."""
    first = random_quaternions(n, seed)
    turns = torch.stack(
        [quaternion(axis, angle_deg) for axis in np.random.default_rng(seed).normal(size=(n, 3))]
    )
    return torch.stack((first, multiply(first, turns)), 1)


def moved(q: Tensor, spread_deg: float, seed: int) -> Tensor:
    """q (..., 4), each by a rotation vector of that standard deviation in each direction."""
    random = np.random.default_rng(seed % 2**32)
    vectors = random.normal(0, np.radians(spread_deg), (q[..., 0].numel(), 3))
    turns = torch.from_numpy(Rotation.from_rotvec(vectors).as_quat(scalar_first=True))
    return multiply(q, turns.reshape(q.shape))


@dataclass
class TwoWays:
    """Draws v · m answers to each signal. Those to number `wordless` are no orientations."""

    modes: Tensor  # (n, 2, 4)
    spread_deg: float = 2.0
    wordless: int = -1
    network: nn.Module = field(default_factory=nn.Identity)

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        valid = signals[:, 0, 0] != self.wordless
        answer = torch.where(valid[:, None], self._of(signals)[:, 0], torch.nan)
        return answer, valid

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        answer, valid = self.predict(signals, signals[:, 0, 0])
        return answer[:, None].expand(-1, AZIMUTHS, -1), valid[:, None].expand(-1, AZIMUTHS)

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        of_signals = []
        for modes, seed in zip(self._of(signals), seeds.tolist(), strict=True):
            random = np.random.default_rng(seed % 2**32)
            first = random.random((rolls.shape[1], count)) < self.share(temperature)
            chosen = modes[torch.from_numpy(1 - first.astype(int))]
            of_signals.append(moved(chosen, self.spread_deg, seed + 1))
        drawn = torch.stack(of_signals)
        drawn[signals[:, 0, 0] == self.wordless] = torch.nan
        return Draws(drawn)

    def share(self, temperature: float) -> float:
        """Of the first orientation."""
        first, second = HEAVIER ** (1 / temperature), (1 - HEAVIER) ** (1 / temperature)
        return first / (first + second)

    def _of(self, signals: Tensor) -> Tensor:
        return self.modes[signals[:, 0, 0].long()]


@dataclass
class Writer(TwoWays):
    """Its sequences are so short that there is a density, the one it draws from."""

    temperature: float = 1.0

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        drawn = super().draw(signals, rolls, count, seeds, temperature).orientation
        flat = drawn.flatten(1, 2)
        known = self.log_density(signals, rolls[:, :1], flat, temperature)
        return Draws(drawn, known.view(drawn.shape[:3]).nan_to_num(-torch.inf))

    def most_probable(self, signals: Tensor, rolls: Tensor, width: int) -> Draws:
        known = self._of(signals)[:, None, :width].expand(-1, rolls.shape[1], -1, -1)
        shares = torch.tensor([HEAVIER, 1 - HEAVIER], dtype=torch.float64).log()[:width]
        return Draws(known, shares.expand(*known.shape[:2], -1))

    def log_density(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float
    ) -> Tensor:
        first = self.share(temperature)
        weights = torch.tensor([first, 1 - first], dtype=torch.float64).expand(len(signals), -1)
        density = kernel_log_density(orientation, self._of(signals), weights, self.spread_deg)
        return density[:, None].expand(-1, rolls.shape[1], -1)

    def log_probability(
        self, signals: Tensor, rolls: Tensor, orientation: Tensor, temperature: float
    ) -> Tensor:
        return self.log_density(signals, rolls, orientation, temperature)

    def fit_temperature(self, signals: Tensor, orientation: Tensor) -> float:
        return self.temperature
