"""Signed decimals, as the paper's text describes."""

import torch
from torch import Tensor

from workflow.lib.tokens.columns import digits, integer, mask, numbers_of, replace
from workflow.lib.tokens.grammar import Numbers
from workflow.lib.tokens.tokenizer import Tokenizer


class DecimalTokenizer(Tokenizer):
    """As the paper's text describes: "0.123,-0.679,0.111,-0.321".

    Three decimals per component, so 23 to 27 symbols. The rounding alone costs 0.055° in
    the median.
    """

    name = "decimal"
    # in halves of a thousandth; without -0.000, which is never written
    numbers = Numbers(
        texts=[f"{number / 1000:.3f}" for number in range(-1000, 1001)],
        edges=[-2000, *range(-1999, 2000, 2), 2000],
        scale=2000,
        separator=",",
    )
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
        _, unit, _, *decimals, _ = numbers_of(symbols[:-1])
        for column, digit in zip((unit, *decimals), digits(thousandths.abs(), 4), strict=True):
            column.copy_(digit)
        no_sign = mask(thousandths.ge_(0))
        for i in reversed(range(4)):  # what follows an absent sign moves up
            rest = symbols[i * self._WIDTH :]
            replace(rest[:-1], rest[1:], no_sign[i])
        return symbols[:-1]

    def _read(self, symbols: Tensor) -> tuple[Tensor, Tensor]:
        wrong = torch.zeros_like(symbols[0])
        for i in range(4):  # what follows an absent sign moves down; padding drops out
            rest = symbols[i * self._WIDTH :]
            no_sign = mask(rest[0].clone().ne_(self._minus))
            wrong |= (rest[-1] ^ self.pad) & no_sign
            replace(rest[1:], rest[:-1], no_sign)
        # a digit differs from the layout's 0 by itself, and the right symbol from its own by 0
        symbols ^= self._layout.to(symbols.device)
        fits = symbols.clone().le_(self._largest.to(symbols.device)).all(0)
        sign, unit, _, *decimals, _ = numbers_of(symbols)
        size = integer((unit, *decimals))
        valid = (wrong == 0) & fits.bool() & (size.amax(0) <= 1000)  # so that the unit is 0 or 1
        is_negative = sign.eq_(0).short()
        return size.mul_(1 - 2 * is_negative).double().div_(1000), valid
