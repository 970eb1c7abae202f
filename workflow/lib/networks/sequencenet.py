"""SequenceNet. Letters: n signals, t sequence positions, w width, v vocabulary."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from workflow.lib.networks import lstm
from workflow.lib.networks.layers import convolution, of_rolls, padding_of, pool_relu
from workflow.lib.signals.rolls import AZIMUTHS, FULL_SCALE
from workflow.lib.tokens import Tokenizer

FEWEST_BY_HAND = 256  # sequences; with fewer, PyTorch's own LSTM is as fast or faster
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


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
        advance = self._stepper_by_hand(code) if self._by_hand(code) else self._stepper(code)
        for _ in range(self.tokenizer.length - 1):
            ended = (token == end) | (token == pad)
            token = torch.where(ended, pad, self.logits(advance(token)).argmax(-1))
            written.append(token)
        return torch.stack(written, 1)

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

    def _stepper(self, code: Tensor) -> Callable[[Tensor], Tensor]:
        state = self._initial_state(code)

        def advance(token: Tensor) -> Tensor:
            nonlocal state
            hidden, state = self.decoder(self._inputs(code, token[:, None]), state)
            return hidden[:, 0]

        return advance

    def _by_hand(self, code: Tensor) -> bool:
        """Whether `networks.lstm` is faster than PyTorch's; on a GPU, cuDNN is used."""
        cpu = code.device.type == "cpu"
        return isinstance(self.decoder, nn.LSTM) and cpu and len(code) >= FEWEST_BY_HAND

    def _hidden_by_hand(self, code: Tensor, tokens: Tensor) -> Tensor:
        layers = lstm.layer_weights(self.decoder)
        drive = self._drive(layers[0], code)(tokens.T)
        return lstm.run(layers, drive, self._start(code)).transpose(0, 1)

    def _stepper_by_hand(self, code: Tensor) -> Callable[[Tensor], Tensor]:
        layers = lstm.layer_weights(self.decoder)
        drive, stepper = self._drive(layers[0], code), lstm.Stepwise(layers, self._start(code))
        return lambda token: stepper.step(drive(token))

    def _drive(self, first: lstm.LayerWeights, code: Tensor) -> Callable[[Tensor], Tensor]:
        """From tokens (..., n) to the input part of the first layer's gates, (..., n, 4w)."""
        table = lstm.symbol_drive(first, self.token_embedding.weight)
        if self.conditioning == "initial_state":
            return lambda tokens: lstm.look_up(table, tokens)
        constant = lstm.code_drive(first, code)
        return lambda tokens: lstm.look_up(table, tokens) + constant
