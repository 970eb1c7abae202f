"""Quaternions as sequences of symbols, the way SequenceNet writes them.

Both tokenizers work on whole tensors (n, 4) ↔ (n, length); a sequence is START, the
symbols, END, and padding up to `length`. Decoding never guesses: a sequence that is not
exactly what `encode` could have written (up to the values of its digits) is invalid, and
its quaternion NaN.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workflow.lib.orientation import azimuth_rotation, multiply, to_fundamental_zone
from workflow.lib.signals import AZIMUTHS

_SHORTEST_NORM = 1e-6  # below it, four digits strings name no direction in quaternion space


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

    @abstractmethod
    def encode(self, q: Tensor) -> Tensor:
        """Tokens (n, length), int64, of unit quaternions (n, 4) with the sign they have."""

    @abstractmethod
    def decode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Unit quaternions (n, 4), float64, and whether each is valid, (n,) bool.

        Invalid sequences give NaN. The components are normalised, as quantised ones (or
        a network's) are not of unit norm; the sign is the one written.
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

    def _normalise(self, components: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        norm = components.norm(dim=-1, keepdim=True)
        valid = valid & (norm[:, 0] > _SHORTEST_NORM)
        return torch.where(valid[:, None], components / norm, torch.nan), valid


class DigitTokenizer(Tokenizer):
    """As released with the paper: round((q + 1)/2 · 1000) as three digits per component.

    12 digits; values are clipped to 0–999, so that 1.0 is written as 0.998. The rounding
    alone costs 0.11° in the median and at most 0.22°.
    """

    name = "digit"

    def __init__(self, digit_weights: Sequence[float] = (2.0, 1.0, 0.5)) -> None:
        super().__init__("0123456789", symbols=12)
        self._digit_weights = tuple(digit_weights)

    def encode(self, q: Tensor) -> Tensor:
        values = ((q.double() + 1) * 500).round().clamp(0, 999).long()
        digits = torch.stack((values // 100, values // 10 % 10, values % 10), -1).flatten(1)
        start = digits.new_full((len(q), 1), self.start)
        return torch.cat((start, digits, start.new_full(start.shape, self.end)), 1)

    def decode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        digits = tokens[:, 1:-1]
        valid = (digits < self.start).all(1)
        valid &= (tokens[:, 0] == self.start) & (tokens[:, -1] == self.end)
        places = torch.tensor([100, 10, 1], device=tokens.device)
        values = (digits.reshape(-1, 4, 3) * places).sum(-1)
        return self._normalise(values.double() / 500 - 1, valid)

    def loss_weights(self) -> Tensor:
        """Hundreds, tens and units weigh 2, 1 and 1/2 as released; the end token 1."""
        return torch.tensor([*(self._digit_weights * 4), 1.0])


class DecimalTokenizer(Tokenizer):
    """As the paper's text describes: "0.123,-0.679,0.111,-0.321".

    Three decimals per component, so 23 to 27 symbols. The rounding alone costs 0.055° in
    the median.
    """

    name = "decimal"
    _COMPONENT_STATES = 6  # sign or unit, unit, point, and three decimals to come

    def __init__(self) -> None:
        super().__init__("0123456789-.,", symbols=27)
        self._minus, self._point, self._comma = 10, 11, 12
        self._transitions = self._automaton()

    def encode(self, q: Tensor) -> Tensor:
        values = (q.double() * 1000).round().long()
        negative, size = values < 0, values.abs()
        columns = (
            torch.where(negative, self._minus, self.pad),
            size // 1000,
            torch.full_like(size, self._point),
            size // 100 % 10,
            size // 10 % 10,
            size % 10,
            torch.full_like(size, self._comma),
        )
        written = torch.stack(columns, -1).flatten(1)
        written[:, -1] = self.end
        # move the places of absent minus signs to the back, where they are the padding
        order = (written == self.pad).long().argsort(dim=1, stable=True)
        start = written.new_full((len(q), 1), self.start)
        return torch.cat((start, written.gather(1, order)), 1)

    def decode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        n, device = len(tokens), tokens.device
        transitions = self._transitions.to(device)
        values = torch.zeros(n, 5, dtype=torch.int64, device=device)  # a fifth to absorb the end
        sign = torch.ones_like(values)
        place = torch.tensor([1000, 1000, 0, 100, 10, 1], device=device)
        place = torch.cat((place.repeat(4), place.new_zeros(len(transitions) - 24)))
        state = torch.zeros(n, dtype=torch.int64, device=device)
        for token in tokens[:, 1:].unbind(1):
            component = (state // self._COMPONENT_STATES).clamp(max=4)[:, None]
            amount = torch.where(token < 10, token * place[state], 0)
            values.scatter_add_(1, component, amount[:, None])
            is_minus = (token == self._minus)[:, None]
            sign.scatter_(1, component, torch.where(is_minus, -1, sign.gather(1, component)))
            state = transitions[state, token]
        values = (values * sign)[:, :4]
        valid = (state == self._accept) & (tokens[:, 0] == self.start)
        valid &= (values.abs() <= 1000).all(1)
        return self._normalise(values.double() / 1000, valid)

    def _automaton(self) -> Tensor:
        """Next state by state and token, (states, vocabulary): the grammar of a sequence.

        Six states for each component: a sign or a unit is due, a unit, the point, and one
        for each decimal; then `separator` states after each component, `accept` after
        END, and `reject`, which nothing leaves.
        """
        count = self._COMPONENT_STATES
        separators = range(4 * count, 4 * count + 4)
        self._accept, reject = 4 * count + 4, 4 * count + 5
        table = torch.full((reject + 1, len(self.vocabulary)), reject)
        for component, separator in enumerate(separators):
            first = component * count
            table[first, self._minus] = first + 1
            table[first : first + 2, :2] = first + 2  # the unit is 0 or 1
            table[first + 2, self._point] = first + 3
            table[first + 3, :10] = first + 4
            table[first + 4, :10] = first + 5
            table[first + 5, :10] = separator
            if component < 3:
                table[separator, self._comma] = first + count
        table[separators[-1], self.end] = self._accept
        table[self._accept, self.pad] = self._accept
        return table


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
