"""LaTeX tabulars, all in one style: no vertical rules, the first column left, the others right."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pandas as pd

MISSING = "–"


def tabular(table: pd.DataFrame, rule_above: str | None = None) -> str:
    """A complete tabular, without a newline at its end.

    table: its cells are LaTeX. Its columns have two levels; the first level, where it is not
        empty, is a heading that spans its neighbouring columns.
    rule_above: the first cell of rows that a rule sets off.
    """
    spans, rules, start = [], "", 1
    for group, headings in groupby(group for group, _ in table.columns):
        end = start + len(list(headings)) - 1
        spans.append(rf"\multicolumn{{{end - start + 1}}}{{c}}{{{group}}}")
        rules += rf"\cmidrule(lr){{{start}-{end}}}" if group else ""
        start = end + 1
    lines = [r"\toprule"]
    if rules:
        lines += [" & ".join(spans) + r" \\", rules]
    lines += [" & ".join(heading for _, heading in table.columns) + r" \\", r"\midrule"]
    for row in table.itertuples(index=False):
        if row[0] == rule_above:
            lines.append(r"\midrule")
        lines.append(" & ".join(map(str, row)) + r" \\")
    form = "@{}l" + "r" * (len(table.columns) - 1) + "@{}"
    body = "\n".join([*lines, r"\bottomrule"])
    return f"\\begin{{tabular}}{{{form}}}\n{body}\n\\end{{tabular}}"


def escape(text: str) -> str:
    """Plain text as LaTeX: the characters with a meaning of their own that names may hold."""
    for character in "_&%#$":
        text = text.replace(character, "\\" + character)
    return text


def two_decimals(values: Sequence[float]) -> list[str]:
    """Numbers as text; what is missing is a dash."""
    return [MISSING if np.isnan(value) else f"{value:.2f}" for value in values]


def three_digits(value: float) -> str:
    """A number to three digits, never with an exponent: 0.0512, 8.70, 1230; a dash for NaN."""
    if np.isnan(value):
        return MISSING
    return np.format_float_positional(value, 3, unique=False, fractional=False).rstrip(".")
