"""The table of decisions: which single answer to take from several, and how good it is."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from workflow.lib.evaluation.decisions import GREEDY, POSTERIOR, TTA
from workflow.lib.report.style.notice import markdown_notice
from workflow.lib.report.style.tabular import MISSING, escape, tabular

KIND_TITLES = {
    "one_view": "one view",
    "mixture": "72 views, mixture",
    "product": "72 views, product",
    "posterior": "",
}
DECISION_TITLES = {
    GREEDY: "greedy",
    TTA: "medoid of the views' answers",
    "most_probable": "most probable",
    "heaviest": "heaviest candidate",
    "least_expected": "least expected misorientation",
    "medoid": "medoid of the draws",
}
# The paper's rows: those two are what there is without a distribution, of one view and of 72.
ROWS = {(GREEDY, TTA): "greedy; medoid of 72 answers"} | {
    (name,): DECISION_TITLES[name]
    for name in ("most_probable", "heaviest", "least_expected", "medoid")
}


def several_markdown(table: pd.DataFrame) -> str:
    """The table of decisions to be read in a terminal. table: see `decision_table`."""
    rows = [
        {
            "network": row.network,
            "views": KIND_TITLES[row.kind],
            "decision": DECISION_TITLES[row.decision],
            "median / °": with_interval(row.median_deg, row.median_low_deg, row.median_high_deg),
            "mean / °": with_interval(row.mean_deg, row.mean_low_deg, row.mean_high_deg),
            "over 10° / %": f"{row.over_10_percent:.1f}",
            "mean lower by / %": with_interval(
                row.mean_reduction_percent,
                row.mean_reduction_low_percent,
                row.mean_reduction_high_percent,
                1,
            ),
        }
        for row in table.itertuples()
    ]
    return (
        f"{heading(table)} with 95 % bootstrap intervals. The last column compares with the answer "
        f"without a distribution: {DECISION_TITLES[GREEDY]} from one view, "
        f"{DECISION_TITLES[TTA]} from 72.\n\n"
        f"{pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)}\n"
    )


def several_latex(table: pd.DataFrame, titles: Iterable[str]) -> str:
    """The decisions of the models with these titles as a complete tabular, a block for each."""
    cells = {
        (row.network, row.kind, row.decision): (
            f"{row.median_deg:.2f}",
            f"{row.mean_deg:.2f}",
            f"{row.over_10_percent:.1f}",
        )
        for row in table.itertuples()
    }
    rows = []
    for title in titles:
        rows.append([escape(title)] + [""] * 9)
        for decisions, name in ROWS.items():
            rows.append([rf"\quad {name}"])
            for kind in ("one_view", "mixture", "product"):
                found = [cells.get((title, kind, decision)) for decision in decisions]
                rows[-1] += next(filter(None, found), (MISSING,) * 3)
    exact = cells.get((POSTERIOR, "posterior", "least_expected"))
    if exact is not None:
        rows.append([POSTERIOR, *exact] + [""] * 6)
    columns = [("", "decision")] + [
        (KIND_TITLES[kind], heading)
        for kind in ("one_view", "mixture", "product")
        for heading in ("median", "mean", r"$>10^{\circ}$ / \%")
    ]
    shown = pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(columns))
    return tabular(shown, POSTERIOR) + "\n"


def heading(table: pd.DataFrame) -> str:
    """The beginning of a Markdown table: the notice, what was measured on what, by how many."""
    seeds, n = (int(table[name].max()) for name in ("seeds", "n"))
    return (
        f"{markdown_notice(table['simulated'].any())}{n} test signals of {table['data'].iloc[0]}, "
        f"{seeds} seed{'s' * (seeds > 1)},"
    )


def with_interval(value: float, low: float, high: float, decimals: int = 2) -> str:
    """A number with its interval as text; a dash where there is none."""
    if pd.isna(value):
        return MISSING
    return f"{_number(value, decimals)} [{_number(low, decimals)}, {_number(high, decimals)}]"


def _number(value: Any, decimals: int) -> str:
    return f"{value:z.{decimals}f}".replace("inf", "∞").replace("-", "−")  # z: no −0.00
