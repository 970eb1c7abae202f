"""SequenceNet's encoder with numbers for an answer, for controls. Letters: n signals."""

from typing import Literal

from torch import Tensor, nn

from workflow.lib.networks.encoders import sequencenet_layers
from workflow.lib.networks.layers import exact, of_rolls
from workflow.lib.signals.rolls import FULL_SCALE

CODE = 128  # SequenceNet's width


class RegressionNet(nn.Module):
    """What SequenceNet's encoder makes of a signal, and a dense layer to `outputs` numbers.

    The code, which conditions SequenceNet's writer, passes ReLU and that layer, in place of the
    writer: the two networks differ in their output alone.
    encoder: see `networks.encoders`.
    """

    def __init__(
        self, outputs: int, encoder: Literal["published", "equivariant"] = "published"
    ) -> None:
        super().__init__()
        self.encoder = sequencenet_layers(encoder, CODE)
        self.activation = nn.ReLU()
        self.output = nn.Linear(CODE, outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Numbers (n, outputs), unbounded, of signals (n, 6, 72) in 0–255, standardised."""
        return self._output(self.encoder((signals / FULL_SCALE)[:, None]))

    def outputs_of_rolls(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """As `forward`, (n, k, outputs), in rolls (n, k) of each signal, convolved together."""
        return self._output(of_rolls(self.encoder, signals, rolls))

    def _output(self, code: Tensor) -> Tensor:
        return exact(self.output, self.activation(code))
