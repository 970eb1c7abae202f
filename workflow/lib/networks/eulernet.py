"""EulerNet. Letters: n signals."""

from typing import Literal

from torch import Tensor, nn

from workflow.lib.networks.encoders import eulernet_layers
from workflow.lib.networks.layers import exact, of_rolls
from workflow.lib.signals.rolls import FULL_SCALE


class EulerNet(nn.Module):
    """Regression of ZYZ Euler angles from a signal (Wittwer & Seita 2022, as released).

    Two blocks of convolution and pooling, then three dense layers; 1,219,523 parameters.
    encoder: see `networks.encoders`.
    """

    def __init__(self, encoder: Literal["published", "equivariant"] = "published") -> None:
        super().__init__()
        layers = eulernet_layers(encoder, 3)
        dense = next(i for i, layer in enumerate(layers) if isinstance(layer, nn.Flatten)) + 1
        self.features, self.angles = layers[:dense], nn.Sequential(*layers[dense:])

    def forward(self, signals: Tensor) -> Tensor:
        """Euler angles (n, 3) in radians, unbounded, of signals (n, 6, 72) in 0–255."""
        return self._angles(self.features((signals / FULL_SCALE)[:, None]))

    def outputs_of_rolls(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Angles (n, k, 3) of signals (n, 6, 72) in rolls (n, k) of each, convolved together."""
        return self._angles(of_rolls(self.features, signals, rolls))

    def _angles(self, features: Tensor) -> Tensor:
        return exact(self.angles[-1], self.angles[:-1](features))
