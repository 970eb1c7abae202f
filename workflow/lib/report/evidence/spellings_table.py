"""Wrong answers in mixed spellings, as a table of the paper."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.evaluation.record import read_table
from workflow.lib.report.style.notice import SIMULATED_NOTE
from workflow.lib.report.style.tabular import MISSING, escape, tabular

COLUMNS = ("network", "title", "kind", "statistic", "value", "low", "high", "n", "simulated")


def spellings_latex(csv: Path) -> str:
    """spellings.csv as a complete tabular, a row per model: shares in per cent.

    Writers first, because the hypothesis is about them; the others show what happens without
    anything written. Raises InputError for another table.
    """
    table = read_table(csv, COLUMNS)
    titles = table.drop_duplicates("network")
    titles = titles.assign(other=titles["kind"] != "writer").sort_values("other", kind="stable")
    models = [_row(table, network) for network in titles["network"]]
    shown = pd.DataFrame(models)
    shown.columns = pd.MultiIndex.from_tuples(shown.columns)
    others = titles.loc[titles["other"], "title"]
    rule = escape(others.iloc[0]) if 0 < len(others) < len(titles) else None
    note = f"% {SIMULATED_NOTE}\n" if table["simulated"].any() else ""
    return f"{note}{tabular(shown, rule)}\n"


def _row(table: pd.DataFrame, network: str) -> dict[tuple[str, str], str]:
    rows = table[table["network"] == network].set_index("statistic")
    of_wrong = "of these"
    return {
        ("", ""): escape(str(rows["title"].iloc[0])),
        ("", r"over 10° / \%"): _percent(rows.loc["far", "value"]),
        ("", "n"): str(rows["n"].iloc[0]),
        (of_wrong, r"near a face / \%"): _percent(rows.loc["near_face", "value"]),
        (of_wrong, r"mixed / \%"): _with_interval(rows.loc["mixed"]),
        (of_wrong, r"by chance / \%"): _percent(rows.loc["chance", "value"]),
    }


def _with_interval(row: pd.Series) -> str:
    value, low, high = (_percent(row[name]) for name in ("value", "low", "high"))
    return value if value == MISSING else f"{value} [{low}, {high}]"


def _percent(share: float) -> str:
    return MISSING if np.isnan(share) else f"{100 * share:.1f}"
