"""What all networks that write symbols share. Letters: n signals, t sequence positions, w width,
v vocabulary, k rolls."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from workflow.lib.networks.encoders import ENCODERS
from workflow.lib.networks.layers import of_rolls
from workflow.lib.signals.rolls import AZIMUTHS, FULL_SCALE
from workflow.lib.tokens import Tokenizer


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


class Writer(nn.Module, ABC):
    """An encoder whose code of a signal conditions a writer of symbols.

    body, encoder: see `networks.encoders`.
    width: of the code, of the symbols' embeddings and of what the writer hands on. decoder: makes
    what writes. roll_embedding: adds a learnt vector for the roll index to the code, which tells
    the network by how much its input was rolled. On a new specimen, whose azimuth has no origin the
    network could know, it carries no information; TTA feeds it 0–71.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        decoder: Callable[[], nn.Module],
        width: int,
        dropout: float,
        roll_embedding: bool,
        encoder: str,
        body: str,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.encoder = ENCODERS[body](encoder, width)
        self.roll_embedding = nn.Embedding(AZIMUTHS, width) if roll_embedding else None
        self.token_embedding = nn.Embedding(len(tokenizer.vocabulary), width)
        self.decoder = decoder()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, len(tokenizer.vocabulary))  # the last, see `training.muon`

    @abstractmethod
    def stepper(self, code: Tensor, of_each: int = 1) -> Stepper:
        """What writes sequences of codes (n, w); the first symbol to advance by is START.

        of_each: how many of a code there are going to be, by `Stepper.select`.
        """

    @abstractmethod
    def _hidden(self, code: Tensor, tokens: Tensor) -> Tensor:
        """What the writer hands on after each of tokens (n, t), of codes (n, w): (n, t, w)."""

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

    def _code(self, signals: Tensor, rolls: Tensor) -> Tensor:
        code = self.encoder((signals / FULL_SCALE)[:, None])  # (n, w)
        return code if self.roll_embedding is None else code + self.roll_embedding(rolls)

    def _logits(self, code: Tensor, tokens: Tensor) -> Tensor:
        return self.logits(self.dropout(self._hidden(code, tokens)))
