"""Quaternions as sequences of symbols, the way SequenceNet writes them.

Both tokenizers work on whole tensors (n, 4) ↔ (n, length); a sequence is START, the
symbols, END, and padding up to `length`. Decoding never guesses: a sequence that is not
exactly what `encode` could have written (up to the values of its digits) is invalid, and
its quaternion NaN.

They work on symbols as bytes, and on columns: all quaternions' first symbols, then their
second ones and so on: a CPU compares and moves 32 or 64 of these bytes at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from workflow.lib.runtime.threads import share_out
from workflow.lib.tokens.grammar import Grammar, Numbers, Symbols, anything, unit_quaternions
from workflow.lib.tokens.volume import log_share

_SHORTEST_NORM = 1e-6  # below it, four digits strings name no direction in quaternion space
# Quaternions at a time on a CPU, so that their symbols stay in its cache. Not a power of two:
# a column's neighbours would share its place in the cache, and reading across them be slow.
_CHUNK = 20_000


class Tokenizer(ABC):
    """What both tokenizers share: symbols, their ids and the conversion to text.

    Attributes: `vocabulary` (the symbols, index = id), `pad`, `start`, `end` (ids),
    `length` (of a sequence with START, END and padding), `symbols` (the most symbols
    between START and END), `numbers` (how a component is written).
    """

    name: str
    vocabulary: tuple[str, ...]
    numbers: Numbers
    symbols: int
    pad: int
    start: int
    end: int

    def __init__(self, characters: str, symbols: int) -> None:
        self.vocabulary = (*characters, "<start>", "<end>", "<pad>")
        self.start, self.end, self.pad = range(len(characters), len(characters) + 3)
        self.symbols = symbols
        self._ids = {character: i for i, character in enumerate(characters)}
        self._grammars: dict[tuple[bool, torch.device], Grammar] = {}

    @property
    def length(self) -> int:
        return self.symbols + 2

    def encode(self, q: Tensor) -> Tensor:
        """Tokens (n, length), int64, of unit quaternions (n, 4) with the sign they have."""
        tokens = _empty((len(q), self.length), torch.int64, q.device)
        _in_chunks(self._encode, q, tokens)
        return tokens

    def decode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Unit quaternions (n, 4), float64, and whether each is valid, (n,) bool.

        Invalid sequences give NaN, and so do those with integers that are no symbol's id.
        The components are normalised, as quantised ones (or a network's) are not of unit
        norm; the sign is the one written.
        """
        q = _empty((len(tokens), 4), torch.float64, tokens.device)
        valid = tokens.new_empty(len(tokens), dtype=torch.bool)
        _in_chunks(self._decode, tokens, q, valid)
        return q, valid

    def _encode(self, q: Tensor, tokens: Tensor) -> None:
        tokens[:, 0] = self.start
        tokens[:, 1:] = self._write(_columns(q, torch.float64)).T

    def _decode(self, tokens: Tensor, q: Tensor, valid: Tensor) -> None:
        # bytes first: a row is read once from memory, and its columns come from the cache
        symbols = _columns(self._as_bytes(tokens), torch.uint8)
        starts = symbols[0] == self.start
        components, follows_grammar = self._read(symbols[1:])
        q.copy_(components.T)
        norm = q.norm(dim=-1)
        valid.copy_(starts & follows_grammar & (norm > _SHORTEST_NORM))
        q /= torch.where(valid, norm, torch.nan)[:, None]

    def _as_bytes(self, tokens: Tensor) -> Tensor:
        """The ids as int8, and −1 or the id after the last for what is no symbol's id."""
        least, most = tokens.aminmax()
        if least < 0 or most >= len(self.vocabulary):  # rare, so that looking first is cheaper
            tokens = tokens.long().clamp(-1, len(self.vocabulary))
        # signed: PyTorch transposes faster into another type, here unsigned, than within one
        return tokens.to(torch.int8)

    @abstractmethod
    def _write(self, components: Tensor) -> Tensor:
        """Symbols after START (length − 1, n), uint8, of components (4, n), which it may change."""

    @abstractmethod
    def _read(self, symbols: Tensor) -> tuple[Tensor, Tensor]:
        """Components (4, n), float64, and whether they are well-formed (n,), of what follows START.

        Where they are not, the components are arbitrary numbers. It may change `symbols`.
        """

    def grammar(self, constrained: bool, device: torch.device) -> Grammar:
        """What may be written: unit quaternions (`constrained`), or whatever a network can."""
        if (constrained, device) not in self._grammars:
            symbols = Symbols(self._ids, self.start, self.end, self.pad)
            made = unit_quaternions(self.numbers, symbols) if constrained else anything(symbols)
            self._grammars[constrained, device] = made.to(device)
        return self._grammars[constrained, device]

    def log_uniform(self, q: Tensor) -> Tensor:
        """Natural log of the share of the fundamental zone that is written as q is, (n,), float64.

        q (n, 4): in the fundamental zone nearest the identity; NaN gives NaN. A probability of
        q's sequence is exp(−log_uniform) times as large as that of a uniform distribution. That
        the faces of the zone cut the outermost sequences is neglected, see `tokens.volume`.
        """
        share = log_share(*self.numbers.bounds(q.nan_to_num(0.5)))
        return torch.where(q.isfinite().all(-1), share, torch.nan)

    def loss_weights(self) -> Tensor:
        """Weight of each predicted position (length − 1,) in the cross-entropy."""
        return torch.ones(self.length - 1)

    def to_strings(self, tokens: Tensor) -> list[str]:
        """The symbols between START and END as text, n strings."""
        ids = tokens.cpu().numpy()[:, 1:]
        after_end = np.cumsum(ids == self.end, axis=1) > 0
        characters = np.array([*self.vocabulary[: self.start], "?", "", ""])[ids]
        characters[after_end] = ""
        # numpy's fixed-width text drops trailing empties: a row of characters is a string
        return np.ascontiguousarray(characters).view(f"U{ids.shape[1]}")[:, 0].tolist()

    def from_strings(self, strings: Sequence[str]) -> Tensor:
        """Tokens (n, length) of strings; one that can't be written decodes as invalid."""
        ids = np.full((len(strings), self.length), self.pad)
        ids[:, 0] = self.start
        for row, text in zip(ids, strings, strict=True):
            # a foreign character becomes padding inside the sequence, which no grammar allows
            codes = [self._ids.get(character, self.pad) for character in text] + [self.end]
            row[1 : 1 + len(codes)] = codes[: self.length - 1]
        return torch.from_numpy(ids)


def _empty(shape: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """As `torch.empty`, whose fresh memory costs a CPU more than writing all the symbols.

    NumPy asks the system for large pages, which come four times as fast.
    """
    if device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    return torch.from_numpy(np.empty(shape, str(dtype).removeprefix("torch.")))


def _in_chunks(work: Callable[..., None], *tensors: Tensor) -> None:
    """Have `work` done on the same rows of all tensors: some at a time on a CPU, else all."""
    n = len(tensors[0])
    if n > 0:
        share_out(work, _CHUNK if tensors[0].device.type == "cpu" else n, *tensors)


def _columns(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of rows (n, m) as (m, n), with each column's numbers side by side in memory."""
    return rows.new_empty(rows.shape[::-1], dtype=dtype).copy_(rows.T)
