"""SequenceNet with attention to the azimuth. Letters: n signals, t sequence positions, w width,
c channels, m columns of the azimuth, k rolls.

What reads the signal ends in a single vector, from which the writer has to remember all it will
need. With attention it looks at the convolutions' map as well, at every symbol where it needs to.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from workflow.lib.networks.azimuth import features_of_rolls, stride_and_edge
from workflow.lib.networks.sequencenet import SequenceNet
from workflow.lib.networks.writer import Stepper
from workflow.lib.signals.rolls import AZIMUTHS, FULL_SCALE
from workflow.lib.tokens import Tokenizer

# Of the places' encoding at first. The map's values, which are to be told from each other as well,
# have 0.03 then, and 0.5 once it is trained
PLACE_SD = 0.1


class AttentionNet(SequenceNet):
    """SequenceNet whose writer attends to the columns of its encoder's map (Luong et al. 2015).

    A code is SequenceNet's, followed by the map that nn.Flatten would make a vector of (c · m):
    (n, w + c m) in all. What both networks have begins, from the same seed, with the same weights.
    Arguments as for SequenceNet.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        cell: Literal["lstm", "gru", "rnn"] = "lstm",
        layers: int = 4,
        width: int = 128,
        dropout: float = 0.1,
        conditioning: Literal["initial_state", "every_step"] = "initial_state",
        roll_embedding: bool = True,
        encoder: Literal["published", "equivariant"] = "published",
        body: Literal["deep", "wide"] = "deep",
    ) -> None:
        super().__init__(
            tokenizer, cell, layers, width, dropout, conditioning, roll_embedding, encoder, body
        )
        self.width = width
        self._flatten = next(i for i, x in enumerate(self.encoder) if isinstance(x, nn.Flatten))
        columns = AZIMUTHS // stride_and_edge(self.encoder[: self._flatten])[0]
        channels = self.encoder[self._flatten + 1].in_features // columns
        logits = self.logits
        del self.logits  # to stay the last layer, see `Writer`
        self.attention = Attention(width, channels, columns)
        self.logits = logits

    def stepper(self, code: Tensor, of_each: int = 1) -> Stepper:
        recurrent = super().stepper(code[:, : self.width], of_each)
        return _Attending(self.attention, recurrent, self._map(code))

    def codes_of_rolls(self, signals: Tensor, rolls: Tensor) -> Tensor:
        maps, convolutions = (signals / FULL_SCALE)[:, None], self.encoder[: self._flatten]
        return self._code_of(features_of_rolls(convolutions, maps, rolls), rolls)

    def _code(self, signals: Tensor, rolls: Tensor) -> Tensor:
        maps = self.encoder[: self._flatten]((signals / FULL_SCALE)[:, None])
        return self._code_of(maps.flatten(1), rolls)

    def _code_of(self, features: Tensor, rolls: Tensor) -> Tensor:
        """Of flattened maps (…, c m), which were rolled by `rolls` (…)."""
        vector = self.encoder[self._flatten + 1 :](features)
        if self.roll_embedding is not None:
            vector = vector + self.roll_embedding(rolls)
        return torch.cat((vector, features), -1)

    def _hidden(self, code: Tensor, tokens: Tensor) -> Tensor:
        hidden = super()._hidden(code[:, : self.width], tokens)
        return self.attention(hidden, self._map(code))

    def _map(self, code: Tensor) -> Tensor:
        return self.attention.placed(code[:, self.width :])


class Attention(nn.Module):
    """Global attention with the score "general", and the layer that joins what it finds.

    Of a hidden state h and columns x_i of the map, each with an encoding of its place:
    a = softmax_i(hᵀ W x_i), and in place of h the writer hands on tanh(W' [h, Σ a_i x_i]) (Luong et
    al. 2015, Eq. 5, 7 and 8). The recurrence does not see it, so that teacher forcing takes the
    steps of all columns and symbols together. Without places, the columns of a rolled signal would
    be the same set, and say nothing about the roll.
    """

    def __init__(self, width: int, channels: int, columns: int) -> None:
        super().__init__()
        self.places = nn.Parameter(PLACE_SD * torch.randn(channels, columns))
        self.query = nn.Linear(width, channels, bias=False)
        self.join = nn.Linear(width + channels, width)

    def placed(self, features: Tensor) -> Tensor:
        """Columns with their places (n, c, m) of flattened maps (n, c m)."""
        return features.unflatten(-1, self.places.shape) + self.places

    def forward(self, hidden: Tensor, columns: Tensor) -> Tensor:
        """What is handed on (n, t, w) in place of hidden states (n, t, w); columns (n, c, m)."""
        weights = (self.query(hidden) @ columns).softmax(-1)
        found = weights @ columns.mT
        return self.join(torch.cat((hidden, found), -1)).tanh()


class _Attending:
    """A `Stepper` that attends with what another one gives."""

    def __init__(self, attention: Attention, recurrent: Stepper, columns: Tensor) -> None:
        self._attention, self._recurrent, self._columns = attention, recurrent, columns

    def advance(self, token: Tensor) -> Tensor:
        hidden = self._recurrent.advance(token)
        return self._attention(hidden[:, None], self._columns)[:, 0]

    def select(self, rows: Tensor) -> None:
        self._recurrent.select(rows)
        self._columns = self._columns.index_select(0, rows)
