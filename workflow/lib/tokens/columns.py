"""Numbers as symbols in columns: the bytes (m, n) of n sequences, a row for each place."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def numbers_of(symbols: Tensor) -> tuple[Tensor, ...]:
    """Of the symbols (4 w, n) of four numbers, the first ones (4, n) to the last ones: w views."""
    return symbols.view(4, -1, symbols.shape[1]).unbind(1)


def digits(integers: Tensor, count: int) -> Iterator[Tensor]:
    """The `count` digits of non-negative integers (a float tensor), the highest first."""
    # half a unit more keeps the quotients off the integers, below which rounding may take them
    rest = integers.float().add_(0.5)
    for place in reversed(range(count)):
        digit = (rest / 10**place).floor_()
        rest.sub_(digit, alpha=10**place)
        yield digit.short()


def integer(digits: Iterable[Tensor]) -> Tensor:
    """The integers, int16, that the digits are of, the highest first."""
    first, *others = digits
    integer = first.short()
    for digit in others:
        integer.mul_(10).add_(digit)
    return integer


def mask(condition: Tensor) -> Tensor:
    """255 where a condition is 1, and 0 where it is 0."""
    return condition.to(torch.uint8).neg_()


def replace(target: Tensor, source: Tensor, mask: Tensor) -> None:
    """Put source in target (both of bytes, may overlap) where the mask is 255, not where it is 0.

    On bytes ten times as fast as `torch.where`.
    """
    target ^= (target ^ source).bitwise_and_(mask)
