"""SequenceNet. Letters: n signals, t sequence positions, w width, v vocabulary."""

from typing import Literal

import torch
from torch import Tensor, nn

from workflow.lib.networks import lstm
from workflow.lib.networks.writer import Stepper, Writer
from workflow.lib.tokens import Tokenizer

FEWEST_BY_HAND = 256  # sequences; with fewer, PyTorch's own LSTM is as fast or faster
# In decoding; with more, PyTorch's is faster (4 layers 1.3 to 1.5 times, in one thread)
MOST_LAYERS_BY_HAND = 1
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class SequenceNet(Writer):
    """A convolutional encoder whose code conditions a recurrent writer of symbols.

    cell: `lstm` (as released), `gru` or `rnn`. conditioning: the code is the initial
    hidden (and cell) state of each layer, or is joined to the input of every step.
    roll_embedding, encoder, body: see `Writer`.
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
        inputs = 2 * width if conditioning == "every_step" else width

        def decoder() -> nn.Module:
            return CELLS[cell](inputs, width, num_layers=layers, batch_first=True)

        super().__init__(tokenizer, decoder, width, dropout, roll_embedding, encoder, body)
        self.layers = layers
        self.conditioning = conditioning

    def stepper(self, code: Tensor, of_each: int = 1) -> Stepper:
        by_hand = self._by_hand(code, of_each) and self.layers <= MOST_LAYERS_BY_HAND
        return _ByHand(self, code) if by_hand else _ByTorch(self, code)

    def _hidden(self, code: Tensor, tokens: Tensor) -> Tensor:
        if self._by_hand(code):
            return self._hidden_by_hand(code, tokens)
        hidden, _ = self.decoder(self._inputs(code, tokens), self._initial_state(code))
        return hidden

    def _start(self, code: Tensor) -> Tensor:
        """The initial hidden (and cell) state (n, w) of each layer."""
        return torch.zeros_like(code) if self.conditioning == "every_step" else code

    def _initial_state(self, code: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        state = self._start(code).expand(self.layers, *code.shape).contiguous()  # (layers, n, w)
        return (state, state) if isinstance(self.decoder, nn.LSTM) else state

    def _inputs(self, code: Tensor, tokens: Tensor) -> Tensor:
        inputs = self.token_embedding(tokens)  # (n, t, w)
        if self.conditioning == "initial_state":
            return inputs
        return torch.cat((inputs, code[:, None].expand_as(inputs)), -1)

    def _by_hand(self, code: Tensor, of_each: int = 1) -> bool:
        """Whether `networks.lstm` is faster than PyTorch's; on a GPU, cuDNN is used."""
        cpu = code.device.type == "cpu"
        return isinstance(self.decoder, nn.LSTM) and cpu and of_each * len(code) >= FEWEST_BY_HAND

    def _hidden_by_hand(self, code: Tensor, tokens: Tensor) -> Tensor:
        layers = lstm.layer_weights(self.decoder)
        table, constant = self._drives(layers[0], code)
        drive = lstm.look_up(table, tokens.T)
        drive = drive if constant is None else drive + constant
        return lstm.run(layers, drive, self._start(code)).transpose(0, 1)

    def _drives(self, first: lstm.LayerWeights, code: Tensor) -> tuple[Tensor, Tensor | None]:
        """Input part of the first layer's gates: of each symbol (v, 4w), of the code (n, 4w)."""
        table = lstm.symbol_drive(first, self.token_embedding.weight)
        if self.conditioning == "initial_state":
            return table, None
        return table, lstm.code_drive(first, code)


class _ByTorch:
    """A `Stepper` of PyTorch's own cells."""

    def __init__(self, network: SequenceNet, code: Tensor) -> None:
        self._network, self._code = network, code
        self._state = network._initial_state(code)

    def advance(self, token: Tensor) -> Tensor:
        inputs = self._network._inputs(self._code, token[:, None])
        hidden, self._state = self._network.decoder(inputs, self._state)
        return hidden[:, 0]

    def select(self, rows: Tensor) -> None:
        self._code = self._code.index_select(0, rows)
        if isinstance(self._state, tuple):
            self._state = tuple(part.index_select(1, rows) for part in self._state)
        else:
            self._state = self._state.index_select(1, rows)


class _ByHand:
    """A `Stepper` of `networks.lstm`."""

    def __init__(self, network: SequenceNet, code: Tensor) -> None:
        layers = lstm.layer_weights(network.decoder)
        self._table, self._constant = network._drives(layers[0], code)
        self._steps = lstm.Stepwise(layers, network._start(code))

    def advance(self, token: Tensor) -> Tensor:
        drive = self._table.index_select(0, token)
        return self._steps.step(drive if self._constant is None else drive + self._constant)

    def select(self, rows: Tensor) -> None:
        self._steps.select(rows)
        if self._constant is not None:
            self._constant = self._constant.index_select(0, rows)
