"""SequenceNet. Letters: n signals, t sequence positions, w width, v vocabulary."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from workflow.lib.networks import lstm
from workflow.lib.networks.layers import convolution, of_rolls, padding_of, pool_relu
from workflow.lib.signals.rolls import AZIMUTHS, FULL_SCALE
from workflow.lib.tokens import Tokenizer

FEWEST_BY_HAND = 256  # sequences; with fewer, PyTorch's own LSTM is as fast or faster
# In decoding; with more, PyTorch's is faster (4 layers 1.3 to 1.5 times, in one thread)
MOST_LAYERS_BY_HAND = 1
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Stepper(Protocol):
    """A recurrent writer at work on n sequences, a symbol at a time; not differentiable."""

    def advance(self, token: Tensor) -> Tensor:
        """The last layer's hidden state (n, w) after one more symbol (n,) of each.

        The result may be overwritten by the next call.
        """
        ...

    def select(self, rows: Tensor) -> None:
        """Go on with these rows (m,), in this order; they may be repeated or left out."""
        ...


class SequenceNet(nn.Module):
    """A convolutional encoder whose code conditions a recurrent writer of symbols.

    cell: `lstm` (as released), `gru` or `rnn`. conditioning: the code is the initial
    hidden (and cell) state of each layer, or is joined to the input of every step.
    roll_embedding: adds a learnt vector for the roll index to the code, which tells the
    network by how much its input was rolled. On a new specimen, whose azimuth has no
    origin the network could know, it carries no information; TTA feeds it 0–71.
    encoder: `published` pads the azimuth's ends with zeros; `equivariant`, which has the
    same parameters, joins them, so that rolling the signal rolls the convolutions' maps.
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
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.layers = layers
        self.conditioning = conditioning
        head, padding = padding_of(encoder, azimuths=6)  # what they consume: 1 + 1 + 2 + 2
        self.encoder = nn.Sequential(
            *head,
            convolution(1, 16, padding), nn.ReLU(),
            convolution(16, 16, padding), *pool_relu(),
            convolution(16, 32, padding), nn.ReLU(),
            convolution(32, 32, padding), *pool_relu(),
            nn.Flatten(),  # 32 · 1 · 18 = 576
            nn.Linear(576, 128), nn.ReLU(),
            nn.Linear(128, 128), nn.ReLU(),
            nn.Linear(128, width),
        )  # fmt: skip
        self.roll_embedding = nn.Embedding(AZIMUTHS, width) if roll_embedding else None
        self.token_embedding = nn.Embedding(len(tokenizer.vocabulary), width)
        inputs = 2 * width if conditioning == "every_step" else width
        self.decoder = CELLS[cell](inputs, width, num_layers=layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, len(tokenizer.vocabulary))

    def forward(self, signals: Tensor, rolls: Tensor, tokens: Tensor) -> Tensor:
        """Logits (n, t, v) of the symbols after each of `tokens` (n, t): teacher forcing.

        signals (n, 6, 72) in 0–255, standardised; rolls (n,) the steps they were rolled by.
        """
        return self._logits(self._code(signals, rolls), tokens)

    def logits_of_rolls(self, signals: Tensor, rolls: Tensor, tokens: Tensor) -> Tensor:
        """As `forward`, for rolls (n, k) of each signal; tokens (n, k, t), logits (n, k, t, v)."""
        codes = self.codes_of_rolls(signals, rolls)
        return self._logits(codes.flatten(0, 1), tokens.flatten(0, 1)).unflatten(0, rolls.shape)

    def codes_of_rolls(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Codes (n, k, w) of signals (n, 6, 72) in rolls (n, k) of each, convolved together."""
        codes = of_rolls(self.encoder, signals, rolls)
        return codes if self.roll_embedding is None else codes + self.roll_embedding(rolls)

    @torch.inference_mode()
    def generate(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """Greedy decoding: tokens (n, length) of signals; arguments as for `forward`."""
        return self.write(self._code(signals, rolls))

    @torch.inference_mode()
    def write(self, code: Tensor) -> Tensor:
        """Tokens (n, length) of codes (n, w), each the most probable after those before it."""
        end, pad = self.tokenizer.end, self.tokenizer.pad
        token = torch.full((len(code),), self.tokenizer.start, device=code.device)
        written = [token]
        stepper = self.stepper(code)
        for _ in range(self.tokenizer.length - 1):
            ended = (token == end) | (token == pad)
            token = torch.where(ended, pad, self.logits(stepper.advance(token)).argmax(-1))
            written.append(token)
        return torch.stack(written, 1)

    def stepper(self, code: Tensor, of_each: int = 1) -> Stepper:
        """What writes sequences of codes (n, w); the first symbol to advance by is START.

        of_each: how many of a code there are going to be, by `Stepper.select`.
        """
        by_hand = self._by_hand(code, of_each) and self.layers <= MOST_LAYERS_BY_HAND
        return _ByHand(self, code) if by_hand else _ByTorch(self, code)

    def _code(self, signals: Tensor, rolls: Tensor) -> Tensor:
        code = self.encoder((signals / FULL_SCALE)[:, None])  # (n, w)
        return code if self.roll_embedding is None else code + self.roll_embedding(rolls)

    def _logits(self, code: Tensor, tokens: Tensor) -> Tensor:
        if self._by_hand(code):
            hidden = self._hidden_by_hand(code, tokens)
        else:
            hidden, _ = self.decoder(self._inputs(code, tokens), self._initial_state(code))
        return self.logits(self.dropout(hidden))

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
