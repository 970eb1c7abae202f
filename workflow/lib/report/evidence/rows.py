"""What the tables and the figure of the controls share: columns they need, the order of rows."""

import numpy as np
import pandas as pd

from workflow.lib.report.style.tabular import MISSING

COLUMNS = {
    "trainings": ["simulated"],
    "models": ["network", "parameters", "tflop"],
    "controls": ["network", "title", "kind", "statistic", "value", "low", "high", "seeds", "n"],
    "differences": ["network", "reference", "statistic", "percent", "effect", "p_holm"],
    "fold_summary": ["network", "title", "statistic", "value", "sd"],
    "fold_differences": ["network", "reference", "statistic", "percent", "folds_lower", "p_holm"],
}
"""What is read of the tables by their names; of others, whatever they have."""
KIND_TITLES = {
    "regression": "Regression",
    "density": "Density",
    "writer": "Writer",
    "ensemble": "Ensemble",
    "neighbour": "Nearest neighbour",
}


def by_kind(controls: pd.DataFrame, statistic: str) -> list[tuple[str, list[str]]]:
    """Titles of kinds, each with its networks' names, the one with the lowest value first."""
    rows = controls[controls["statistic"] == statistic].sort_values("value", kind="stable")
    kinds = [*KIND_TITLES, *(kind for kind in rows["kind"].unique() if kind not in KIND_TITLES)]
    found = [(kind, rows.loc[rows["kind"] == kind, "network"].to_list()) for kind in kinds]
    return [(KIND_TITLES.get(kind, kind), networks) for kind, networks in found if networks]


def titles_of(table: pd.DataFrame) -> dict[str, str]:
    """Titles by network's name."""
    return dict(zip(table["network"], table["title"], strict=True))


def references_of(differences: pd.DataFrame) -> list[str]:
    """The models that others are compared with, the baseline first."""
    return differences["reference"].unique().tolist()


def row_of(table: pd.DataFrame, *keys: str) -> pd.Series | None:
    """The row with these keys, in the table's index; None where there is none."""
    return table.loc[keys] if keys in table.index else None


def with_interval(row: pd.Series | None, name: str = "value", decimals: int = 2) -> str:
    """A number with its interval, whose columns are low and high, or name_low and name_high."""
    if row is None:
        return MISSING
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    ends = f"{number(row[low], decimals)}, {number(row[high], decimals)}"
    return f"{number(row[name], decimals)} [{ends}]"


def number(value: float, decimals: int = 2) -> str:
    """With a minus sign, not a hyphen, and without −0; a dash for NaN."""
    if np.isnan(value):
        return MISSING
    return f"{value:z.{decimals}f}".replace("inf", "∞").replace("-", "−")


def p_text(p: float) -> str:
    """A p-value to two digits, or that it is less than 0.001."""
    if np.isnan(p):
        return MISSING
    return "<0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def latex(text: str) -> str:
    """Numbers as this module writes them, in LaTeX's signs."""
    for character, command in {"−": "$-$", "∞": r"$\infty$", "<": "$<$", "±": r"$\pm$"}.items():
        text = text.replace(character, command)
    return text
