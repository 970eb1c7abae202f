"""Random numbers by counting: each follows from a seed and its place, on every device alike.

By SplitMix64 (Steele, Lea & Flood 2014): a sequence of equal steps, each passed through a mixer of
64 bits. No generator has a state, so that numbers can be made in any order and portion.
"""

import torch
from torch import Tensor


def streams(seeds: Tensor, count: int) -> Tensor:
    """`count` seeds (n, count) of each of seeds (n,), all int64."""
    numbers = torch.arange(1, count + 1, device=seeds.device)
    return _mixed(_mixed(seeds)[:, None] + numbers * _STEP)


def uniform(seeds: Tensor, place: int) -> Tensor:
    """Of each seed its number at a place ≥ 1 of its sequence: float64, at least 0, less than 1."""
    bits = _mixed(seeds + torch.full_like(seeds, place) * _STEP)
    # 52 of them: with 53, the product with a sum may be rounded up to the sum
    return _shifted(bits, 12).double() * 2.0**-52


def _signed(bits: int) -> int:
    return bits - (1 << 64) if bits >> 63 else bits


_STEP, _FIRST, _SECOND = map(_signed, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _mixed(bits: Tensor) -> Tensor:
    bits = (bits ^ _shifted(bits, 30)) * _FIRST  # overflow wraps around, as it is meant to
    bits = (bits ^ _shifted(bits, 27)) * _SECOND
    return bits ^ _shifted(bits, 31)


def _shifted(bits: Tensor, places: int) -> Tensor:
    """To the right, with zeros moving in, where `>>` repeats the sign."""
    return (bits >> places) & ((1 << (64 - places)) - 1)
