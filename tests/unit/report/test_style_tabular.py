"""Tabulars: headings that span columns, rows set off by a rule, text that LaTeX would misread."""

import math

import pandas as pd

from workflow.lib.report.style.tabular import escape, tabular, three_digits


def test_headings_span_their_neighbours_only():
    """Two columns without a heading on either side of a heading are not one group."""
    headings = [("", "rule"), ("time / s", "sum"), ("time / s", "longest"), ("", "GPU")]
    text = tabular(pd.DataFrame([["train", 2, 1, "none"]], columns=headings))
    assert text.splitlines() == [
        r"\begin{tabular}{@{}lrrr@{}}",
        r"\toprule",
        r"\multicolumn{1}{c}{} & \multicolumn{2}{c}{time / s} & \multicolumn{1}{c}{} \\",
        r"\cmidrule(lr){2-3}",
        r"rule & sum & longest & GPU \\",
        r"\midrule",
        r"train & 2 & 1 & none \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_without_headings_there_is_one_row_of_names_and_a_rule_above_the_sums():
    table = pd.DataFrame([["a", "1"], ["all", "1"]], columns=[("", "x"), ("", "y")])
    lines = tabular(table, rule_above="all").splitlines()
    assert r"\cmidrule" not in "".join(lines)
    assert lines[2:-2] == [r"x & y \\", r"\midrule", r"a & 1 \\", r"\midrule", r"all & 1 \\"]


def test_escape():
    assert escape("learning_curves & 100 % of #1 for $2") == (
        r"learning\_curves \& 100 \% of \#1 for \$2"
    )


def test_three_digits_are_shown_whatever_the_size():
    numbers = {0.0000123: "0.0000123", 8.7: "8.70", 35.04: "35.0", 999.6: "1000", 12345: "12300"}
    assert {number: three_digits(number) for number in numbers} == numbers
    assert three_digits(math.nan) == "–"
