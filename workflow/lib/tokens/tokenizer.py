"""Quaternions as sequences of symbols, the way SequenceNet writes them.

Both tokenizers work on whole tensors (n, 4) ↔ (n, length); a sequence is START, the
symbols, END, and padding up to `length`. Decoding never guesses: a sequence that is not
exactly what `encode` could have written (up to the values of its digits) is invalid, and
its quaternion NaN.

They work on symbols as bytes, and on columns: all quaternions' first symbols, then their
second ones and so on: a CPU compares and moves 32 or 64 of these bytes at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from workflow.lib.orientation import azimuth_rotation, multiply, to_fundamental_zone
from workflow.lib.signals.rolls import AZIMUTHS

_SHORTEST_NORM = 1e-6  # below it, four digits strings name no direction in quaternion space
# Quaternions at a time on a CPU, so that their symbols stay in its cache. Not a power of two:
# a column's neighbours would share its place in the cache, and reading across them be slow.
_CHUNK = 20_000


class Tokenizer(ABC):
    """What both tokenizers share: symbols, their ids and the conversion to text.

    Attributes: `vocabulary` (the symbols, index = id), `pad`, `start`, `end` (ids),
    `length` (of a sequence with START, END and padding), `symbols` (the most symbols
    between START and END).
    """

    name: str
    vocabulary: tuple[str, ...]
    symbols: int
    pad: int
    start: int
    end: int

    def __init__(self, characters: str, symbols: int) -> None:
        self.vocabulary = (*characters, "<start>", "<end>", "<pad>")
        self.start, self.end, self.pad = range(len(characters), len(characters) + 3)
        self.symbols = symbols

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
        known = {character: i for i, character in enumerate(self.vocabulary[: self.start])}
        for row, text in zip(ids, strings, strict=True):
            # a foreign character becomes padding inside the sequence, which no grammar allows
            codes = [known.get(character, self.pad) for character in text] + [self.end]
            row[1 : 1 + len(codes)] = codes[: self.length - 1]
        return torch.from_numpy(ids)


class DigitTokenizer(Tokenizer):
    """As released with the paper: round((q + 1)/2 · 1000) as three digits per component.

    12 digits; values are clipped to 0–999, so that 1.0 is written as 0.998. The rounding
    alone costs 0.11° in the median and at most 0.22°.
    """

    name = "digit"

    def __init__(self, digit_weights: Sequence[float] = (2.0, 1.0, 0.5)) -> None:
        super().__init__("0123456789", symbols=12)
        self._digit_weights = tuple(digit_weights)

    def _write(self, components: Tensor) -> Tensor:
        values = components.add_(1).mul_(500).round_().clamp_(0, 999)
        symbols = components.new_empty(self.length - 1, components.shape[1], dtype=torch.uint8)
        symbols[-1] = self.end
        for column, digit in zip(_numbers_of(symbols[:-1]), _digits(values, 3), strict=True):
            column.copy_(digit)
        return symbols

    def _read(self, symbols: Tensor) -> tuple[Tensor, Tensor]:
        digits, end = symbols[:-1], symbols[-1]
        valid = (digits.amax(0) <= 9) & (end == self.end)
        return _integer(_numbers_of(digits)).double().div_(500).sub_(1), valid

    def loss_weights(self) -> Tensor:
        """Hundreds, tens and units weigh 2, 1 and 1/2 as released; the end token 1."""
        return torch.tensor([*(self._digit_weights * 4), 1.0])


class DecimalTokenizer(Tokenizer):
    """As the paper's text describes: "0.123,-0.679,0.111,-0.321".

    Three decimals per component, so 23 to 27 symbols. The rounding alone costs 0.055° in
    the median.
    """

    name = "decimal"
    # The layout of fixed width that sequences are written from and read into, in which every
    # number has its sign's place: 0.5 in "…,0.500,…" is laid out as "-0.500,"
    _LAYOUT = "-0.000,-0.000,-0.000,-0.000"
    _WIDTH = 7  # of a number with its comma, or END in the comma's place
    _LARGEST = (255, 9, 0, 9, 9, 9, 0)  # sign (anything), unit, point, three decimals, comma

    def __init__(self) -> None:
        super().__init__("0123456789-.,", symbols=len(self._LAYOUT))
        self._minus = self.vocabulary.index("-")
        ids = [self.vocabulary.index(character) for character in self._LAYOUT]
        self._layout = torch.tensor([*ids, self.end], dtype=torch.uint8)[:, None]
        self._largest = torch.tensor(self._LARGEST * 4, dtype=torch.uint8)[:, None]

    def _write(self, components: Tensor) -> Tensor:
        thousandths = components.mul_(1000).round_()
        # one more than wanted: padding to move in
        symbols = components.new_empty(self.length, components.shape[1], dtype=torch.uint8)
        symbols[:-1], symbols[-1] = self._layout.to(symbols.device), self.pad
        _, unit, _, *decimals, _ = _numbers_of(symbols[:-1])
        for column, digit in zip((unit, *decimals), _digits(thousandths.abs(), 4), strict=True):
            column.copy_(digit)
        no_sign = _mask(thousandths.ge_(0))
        for i in reversed(range(4)):  # what follows an absent sign moves up
            rest = symbols[i * self._WIDTH :]
            _replace(rest[:-1], rest[1:], no_sign[i])
        return symbols[:-1]

    def _read(self, symbols: Tensor) -> tuple[Tensor, Tensor]:
        wrong = torch.zeros_like(symbols[0])
        for i in range(4):  # what follows an absent sign moves down; padding drops out
            rest = symbols[i * self._WIDTH :]
            no_sign = _mask(rest[0].clone().ne_(self._minus))
            wrong |= (rest[-1] ^ self.pad) & no_sign
            _replace(rest[1:], rest[:-1], no_sign)
        # a digit differs from the layout's 0 by itself, and the right symbol from its own by 0
        symbols ^= self._layout.to(symbols.device)
        fits = symbols.clone().le_(self._largest.to(symbols.device)).all(0)
        sign, unit, _, *decimals, _ = _numbers_of(symbols)
        size = _integer((unit, *decimals))
        valid = (wrong == 0) & fits.bool() & (size.amax(0) <= 1000)  # so that the unit is 0 or 1
        is_negative = sign.eq_(0).short()
        return size.mul_(1 - 2 * is_negative).double().div_(1000), valid


def _empty(shape: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """As `torch.empty`, whose fresh memory costs a CPU more than writing all the symbols.

    NumPy asks the system for large pages, which come four times as fast.
    """
    if device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    return torch.from_numpy(np.empty(shape, str(dtype).removeprefix("torch.")))


def _in_chunks(work: Callable[..., None], *tensors: Tensor) -> None:
    """Have `work` done on the same rows of all tensors: some at a time on a CPU, else all.

    A CPU's threads share out the chunks. To divide each operation, as PyTorch would, takes
    longer than most of them do, and far longer where other programs keep a core busy.
    """
    if len(tensors[0]) == 0:
        return
    if tensors[0].device.type != "cpu" or len(tensors[0]) <= _CHUNK:
        work(*tensors)
        return
    chunks = [tensor.split(_CHUNK) for tensor in tensors]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            # a thread starts outside the inference mode that the results may be made in
            list(pool.map(torch.inference_mode()(work), *chunks))
    finally:
        torch.set_num_threads(threads)


def _columns(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of rows (n, m) as (m, n), with each column's numbers side by side in memory."""
    return rows.new_empty(rows.shape[::-1], dtype=dtype).copy_(rows.T)


def _numbers_of(symbols: Tensor) -> tuple[Tensor, ...]:
    """Of the symbols (4 w, n) of four numbers, the first ones (4, n) to the last ones: w views."""
    return symbols.view(4, -1, symbols.shape[1]).unbind(1)


def _digits(integers: Tensor, count: int) -> Iterator[Tensor]:
    """The `count` digits of non-negative integers (a float tensor), the highest first."""
    # half a unit more keeps the quotients off the integers, below which rounding may take them
    rest = integers.float().add_(0.5)
    for place in reversed(range(count)):
        digit = (rest / 10**place).floor_()
        rest.sub_(digit, alpha=10**place)
        yield digit.short()


def _integer(digits: Iterable[Tensor]) -> Tensor:
    """The integers, int16, that the digits are of, the highest first."""
    first, *others = digits
    integer = first.short()
    for digit in others:
        integer.mul_(10).add_(digit)
    return integer


def _mask(condition: Tensor) -> Tensor:
    """255 where a condition is 1, and 0 where it is 0."""
    return condition.to(torch.uint8).neg_()


def _replace(target: Tensor, source: Tensor, mask: Tensor) -> None:
    """Put source in target (both of bytes, may overlap) where the mask is 255, not where it is 0.

    On bytes ten times as fast as `torch.where`.
    """
    target ^= (target ^ source).bitwise_and_(mask)


TOKENIZERS = {"digit": DigitTokenizer, "decimal": DecimalTokenizer}


def encode_all_rolls(orientation: Tensor, tokenizer: Tokenizer) -> Tensor:
    """What SequenceNet has to write for each signal in each azimuth roll.

    orientation (n, 4) of the unrolled signals → tokens (n, 72, length), uint8: of
    Rz(5° k) g, the symmetry-equivalent nearest the identity.
    """
    tokens = torch.empty(len(orientation), AZIMUTHS, tokenizer.length, dtype=torch.uint8)
    for k in range(AZIMUTHS):
        turned = multiply(azimuth_rotation(k), orientation)
        tokens[:, k] = tokenizer.encode(to_fundamental_zone(turned))
    return tokens
