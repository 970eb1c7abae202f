"""Table 1."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.evaluation.scores import Result, mean_of_medians, median_interval
from workflow.lib.report.style.notice import markdown_notice
from workflow.lib.report.style.tabular import MISSING, escape, tabular, two_decimals

# Columns of Table 1 with their headings; the published values stand beside them.
STATISTICS = {
    "median_deg": "median",
    "mean_deg": "mean",
    "tta_median_deg": "TTA median",
    "tta_mean_deg": "TTA mean",
}
PUBLISHED = {"paper": "published", "released": "released code"}


def table1(
    results: Mapping[str, Result],
    titles: Mapping[str, str],
    published: dict[str, Any],
    resamples: int,
    source: str,
    simulated: bool,
) -> pd.DataFrame:
    """A row per model: medians, means, n, intervals of the medians, the published values.

    titles: of each model by its name, in the order of the rows.
    """
    rows = []
    for network, display in titles.items():
        result = results[network]
        row: dict[str, Any] = {
            "network": display,
            "median_deg": mean_of_medians(result.plain_deg),
            "mean_deg": float(result.plain_deg.mean()),
            "tta_median_deg": mean_of_medians(result.tta_deg),
            "tta_mean_deg": float(result.tta_deg.mean()),
            "n": result.plain_deg.shape[1],
        }
        for name, deg in (("median", result.plain_deg), ("tta_median", result.tta_deg)):
            low, high = median_interval(deg, resamples)
            row |= {f"{name}_low_deg": low, f"{name}_high_deg": high}
        for origin, label in PUBLISHED.items():
            values = published[origin].get(network, {})
            for column in STATISTICS:
                row[f"{label.replace(' ', '_')}_{column}"] = values.get(column, np.nan)
        row |= {"seeds": len(result.plain_deg), "data": source, "simulated": simulated}
        rows.append(row)
    return pd.DataFrame(rows)


def table1_markdown(table: pd.DataFrame) -> str:
    """Table 1 to be read in a terminal; the published values are rows of their own."""
    rows = [_markdown_row(table, "", network) for network in table.index]
    for label in PUBLISHED.values():
        prefix = label.replace(" ", "_") + "_"
        known = table.index[table[prefix + "median_deg"].notna()]
        rows += [_markdown_row(table, prefix, network) | {"n": MISSING} for network in known]
    fewest, most = int(table["seeds"].min()), int(table["seeds"].max())
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    return (
        f"{markdown_notice(table['simulated'].any())}"
        f"Misorientation in degrees on {table['data'].iloc[0]}, "
        f"{seeds} seed{'s' * (most > 1)}, with 95 % bootstrap intervals of the medians; "
        "published values are of measured data.\n\n"
        f"{pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)}\n"
    )


def _markdown_row(table: pd.DataFrame, prefix: str, index: int) -> dict[str, str]:
    row = table.loc[[index]]
    origin = prefix.replace("_", " ").strip() or "this run"
    cells = {"network": f"{row['network'].item()}, {origin}"}
    for column, heading in STATISTICS.items():
        texts = two_decimals(row[prefix + column]) if prefix else _with_interval(row, column)
        cells[heading] = texts[0]
    return cells | {"n": str(row["n"].item())}


def table1_latex(table: pd.DataFrame, titles: Collection[str] | None = None) -> str:
    """Table 1 as a complete tabular: intervals under their medians, published values beside.

    titles: of the models that have rows; all if there are none.
    """
    if titles is not None:
        table = table[table["network"].isin(list(titles))].reset_index(drop=True)
    this_run = "this run (simulated)" if table["simulated"].any() else "this run"
    values = {("", ""): table["network"].map(escape)}
    intervals = {("", ""): ["95 % interval"] * len(table)}
    for column, heading in STATISTICS.items():
        values[(this_run, heading)] = two_decimals(table[column])
        intervals[(this_run, heading)] = _intervals(table, column)
    values[(this_run, "n")] = table["n"].astype(str)
    for column in list(STATISTICS)[:3]:
        numbers = two_decimals(_published(table, PUBLISHED["paper"], column))
        values[(PUBLISHED["paper"], STATISTICS[column])] = numbers
    small = pd.DataFrame(intervals).replace(r"(.+)", r"{\\footnotesize \1}", regex=True)
    small = small.replace(" % ", r"\\,\\% ", regex=True)
    shown = pd.concat([pd.DataFrame(values), small]).fillna("").sort_index(kind="stable")
    return tabular(shown) + "\n"


def _published(table: pd.DataFrame, label: str, column: str) -> pd.Series:
    return table[f"{label.replace(' ', '_')}_{column}"]


def _intervals(table: pd.DataFrame, column: str) -> list[str]:
    if "median" not in column:
        return [""] * len(table)
    low = table[column.replace("_deg", "_low_deg")]
    high = table[column.replace("_deg", "_high_deg")]
    return [f"[{a:.2f}, {b:.2f}]" for a, b in zip(low, high, strict=True)]


def _with_interval(table: pd.DataFrame, column: str) -> list[str]:
    pairs = zip(two_decimals(table[column]), _intervals(table, column), strict=True)
    return [f"{value} {interval}".strip() for value, interval in pairs]
