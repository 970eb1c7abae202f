"""The table of whether the probabilities are true."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from workflow.lib.evaluation.decisions import POSTERIOR
from workflow.lib.evaluation.truth import CLAIMS
from workflow.lib.report.several import KIND_TITLES, heading, with_interval
from workflow.lib.report.style.tabular import MISSING, escape, tabular

# Columns with their headings and decimals, in the order in which they are read.
STATISTICS = {
    "error": ("calibration error", 3),
    "top_error": ("of the heaviest", 3),
    "log_score": ("log score / nat", 2),
    "divergence": ("divergence / nat", 2),
}
EXPLANATION = (
    "with 95 % intervals. Calibration error: the mean distance between what candidates' "
    "probabilities claim and how often the reference is in their radius, in ten bins; in brackets "
    "after it, what true probabilities would show by chance. Covered: how many references the "
    "smallest sets hold that claim 50, 80, 95 %. Log score: relative to uniform on the fundamental "
    "zone. Divergence: Kullback-Leibler, from the exact posterior; weight elsewhere: total "
    "variation from its modes. Risk: area under the curve of mean misorientation when the least "
    "certain signals are left out, the best possible, and at random."
)


def calibration_markdown(table: pd.DataFrame) -> str:
    """The table to be read in a terminal. table: see `calibration_table`."""
    rows = []
    for row in table.to_dict("records"):
        cells = {
            "network": row["network"],
            "views": KIND_TITLES[row["kind"]],
            "temperature": MISSING
            if np.isnan(row["temperature"])
            else f"{row['stage']}, {row['temperature']:.2f}",
        }
        for name, (title, decimals) in STATISTICS.items():
            cells[title] = _estimate(row, name, decimals)
            if f"{name}_if_true" in row:
                cells[title] += f" ({row[f'{name}_if_true']:.3f})"
        for claim in CLAIMS:
            cells[f"covered, {claim} %"] = _estimate(row, f"covered_{claim}", 1, 100)
        cells["weight elsewhere"] = _estimate(row, "moved_weight", 3)
        areas = [row[f"area{which}_deg"] for which in ("", "_best", "_random")]
        known = not np.isnan(areas[0])
        cells["risk / °"] = "; ".join(f"{area:.2f}" for area in areas) if known else MISSING
        rows.append(cells)
    text = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return f"{heading(table)} {EXPLANATION}\n\n{text}\n"


def calibration_latex(table: pd.DataFrame, titles: Iterable[str]) -> str:
    """Before and after the temperature was fitted, of the models with these titles: a tabular."""
    found = table.set_index(["network", "kind", "stage"]).sort_index()
    rows = []
    for title in titles:
        rows.append({("", ""): escape(title)})
        for kind in ("one_view", "mixture", "product"):
            before, after = (found.loc[(title, kind, stage)] for stage in ("before", "after"))
            rows.append(_latex_row(rf"\quad {KIND_TITLES[kind]}", before, after))
    if POSTERIOR in table["network"].to_list():
        exact = found.loc[(POSTERIOR, "posterior", "exact")]
        rows.append(_latex_row(POSTERIOR, None, exact))
    shown = pd.DataFrame(rows).fillna("")
    columns = sorted(shown.columns, key=list(_latex_row("", None, after)).index)
    return tabular(shown[columns], POSTERIOR) + "\n"


def _latex_row(name: str, before: pd.Series | None, after: pd.Series) -> dict:
    row = {("", ""): name, ("", "$T$"): _latex(after["temperature"], 2)}
    for column, (title, decimals) in STATISTICS.items():
        earlier = MISSING if before is None else _latex(before[column], decimals)
        row[(title, "before")] = earlier
        row[(title, "after")] = _latex(after[column], decimals)
    for claim in CLAIMS:
        row[(r"covered / \%", f"{claim}")] = _latex(100 * after[f"covered_{claim}"], 1)
    return row


def _latex(value: float, decimals: int) -> str:
    if np.isnan(value):
        return MISSING
    return rf"${value:z.{decimals}f}$".replace("inf", r"\infty")


def _estimate(row: dict, name: str, decimals: int, factor: float = 1) -> str:
    ends = (factor * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return with_interval(*ends, decimals)
