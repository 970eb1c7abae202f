"""EulerNet. Letters: n signals."""

from typing import Literal

import torch
from torch import Tensor, nn

from workflow.lib.networks.layers import (
    convolution,
    of_rolls,
    padding_of,
    pool_relu,
    variance_scaling,
)
from workflow.lib.signals.rolls import FULL_SCALE


class EulerNet(nn.Module):
    """Regression of ZYZ Euler angles from a signal (Wittwer & Seita 2022, as released).

    Two blocks of convolution and pooling, then three dense layers; 1,219,523 parameters.
    encoder: `published` pads the azimuth's ends with zeros; `equivariant` joins them.
    """

    def __init__(self, encoder: Literal["published", "equivariant"] = "published") -> None:
        super().__init__()
        head, padding = padding_of(encoder, azimuths=3)  # what the convolutions consume: 1 + 2
        self.features = nn.Sequential(
            *head,
            convolution(1, 64, padding), *pool_relu(),
            convolution(64, 64, padding), *pool_relu(),
            nn.Flatten(),
        )  # fmt: skip
        self.angles = nn.Sequential(
            nn.Linear(64 * 1 * 18, 768), nn.ReLU(),
            nn.Linear(768, 384), nn.ReLU(),
            nn.Linear(384, 3),
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
            elif isinstance(module, nn.Linear):
                variance_scaling(module.weight, scale=0.5)
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """Euler angles (n, 3) in radians, unbounded, of signals (n, 6, 72) in 0–255."""
        return self._angles(self.features((signals / FULL_SCALE)[:, None]))

    def angles_of_rolls(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Angles (n, k, 3) of signals (n, 6, 72) in rolls (n, k) of each, convolved together."""
        return self._angles(of_rolls(self.features, signals, rolls))

    def _angles(self, features: Tensor) -> Tensor:
        hidden = self.angles[:-1](features)
        last = self.angles[-1]
        with torch.autocast(features.device.type, enabled=False):  # bfloat16: up to 0.4° off
            return last(hidden.to(last.weight.dtype))
