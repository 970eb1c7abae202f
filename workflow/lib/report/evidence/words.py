"""Numbers of the record in words: which of two is lower, with interval and p-value, as LaTeX.

A direction is stated where the 95 % interval of a difference excludes zero and the p-value that
Holm's procedure corrects is below 0.05; there is no other way into a sentence.
"""

from collections.abc import Sequence

import numpy as np

from workflow.lib.report.evidence.record import Record, Row
from workflow.lib.report.style.tabular import escape

SIGNIFICANT = 0.05
LOWER, HIGHER, ALIKE = "lower than", "higher than", "not distinguishable from"
NOT_HERE = "not part of this evidence"


def degrees(value: float) -> str:
    return rf"\dg{{{value:.2f}}}"


def with_interval(row: Row) -> str:
    """A value of the record in degrees with its interval in brackets."""
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    if not np.isfinite([low, high]).all():
        return degrees(value)
    return rf"{degrees(value)} (\interval{{{low:.2f}}}{{{high:.2f}}})"


def relation(row: Row) -> str:
    """Of a difference: LOWER, HIGHER or ALIKE."""
    low, high, p = (row.number(name) for name in ("low", "high", "p_holm"))
    if not p < SIGNIFICANT:
        return ALIKE
    return LOWER if high < 0 else HIGHER if low > 0 else ALIKE


def difference(row: Row) -> str:
    """A difference in degrees with its interval and p-value, to stand in brackets."""
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    return (
        rf"difference \dg{{{value:+.2f}}}, \interval{{{low:+.2f}}}{{{high:+.2f}}}; "
        f"Holm {p_value(row.number('p_holm'))}"
    )


def reduction(row: Row) -> str:
    """By how much per cent the first of a difference is lower, with the interval of it."""
    percent, low, high = (row.number(name) for name in ("percent", "percent_low", "percent_high"))
    direction = "lower" if percent >= 0 else "higher"
    return rf"{abs(percent):.0f}\,\% {direction}, ${low:.0f}$ to ${high:.0f}$ as a reduction"


def p_value(p: float) -> str:
    if np.isnan(p):
        return "$p$ unknown"
    return "$p<0.001$" if p < 0.001 else f"$p={p:.3f}$" if p < 0.01 else f"$p={p:.2f}$"


def listed(items: Sequence[str]) -> str:
    """Joined with commas and an "and"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def title(record: Record, network: str) -> str:
    """A model's title as LaTeX."""
    return escape(record.title(network))


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 fold, 10 folds."""
    return f"{number} {noun}" + "s" * (number != 1)


def sentence(text: str) -> str:
    """With a capital, whatever it begins with."""
    return text[:1].upper() + text[1:]
