"""A new record beside the frozen one: which values moved, which rows are missing or new."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.report.evidence.record import KEYS, read_table

COLUMNS = ("file", "keys", "change", "frozen", "low", "high", "new")
MOVED, MISSING, NEW = "moved", "missing", "new"
NO_INTERVALS = ("trainings.csv", "folds.csv")  # a row is a training, of its own chance


def moved_table(frozen: Sequence[Path], new: Sequence[Path]) -> tuple[pd.DataFrame, int]:
    """What changed, a row each with COLUMNS, and how many values were compared.

    frozen, new: files of two records. A value moved if it lies outside the 95 % interval that it
    has in the frozen record; values without an interval are not compared. A row is missing or new
    by the columns in KEYS; so is a file, all of whose rows are.
    """
    rows, compared = [], 0
    names = sorted({path.name for path in [*frozen, *new]} - set(NO_INTERVALS))
    tables = [{path.name: read_table(path) for path in files} for files in (frozen, new)]
    for name in names:
        if name not in KEYS:
            continue
        before, after = (_by_keys(each.get(name, pd.DataFrame()), name) for each in tables)
        for keys in before.index.union(after.index, sort=False):
            here = {"file": name, "keys": keys}
            if keys not in after.index:
                rows.append(here | {"change": MISSING, "frozen": _value(before.loc[keys])})
            elif keys not in before.index:
                rows.append(here | {"change": NEW, "new": _value(after.loc[keys])})
            else:
                value, low, high = (before.loc[keys].get(c, np.nan) for c in _columns(before))
                if not np.isfinite([value, low, high]).all():
                    continue
                compared += 1
                found = _value(after.loc[keys])
                if not low <= found <= high:
                    rows.append(
                        here
                        | {"change": MOVED, "frozen": value, "low": low, "high": high, "new": found}
                    )
    return pd.DataFrame(rows, columns=COLUMNS), compared


def moved_markdown(table: pd.DataFrame, compared: int) -> str:
    """The table below a sentence that counts, or the sentence alone."""
    counts = table["change"].value_counts()
    moved, missing, new = (counts.get(change, 0) for change in (MOVED, MISSING, NEW))
    text = (
        f"Of {compared} values with a 95 % interval in the frozen record, {moved} lie outside it "
        f"now. Rows that are missing: {missing}; that are new: {new}."
    )
    if table.empty:
        return f"{text}\n"
    shown = table.map(lambda value: f"{value:.4g}" if isinstance(value, float) else value)
    shown = shown.replace("nan", "")
    return f"{text}\n\n{shown.to_markdown(index=False, disable_numparse=True)}\n"


def _by_keys(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Indexed by a text with all keys of a row, the first of rows with equal keys."""
    if table.empty:
        return table
    named = table[list(KEYS[name])].itertuples(index=False)
    keys = [
        ", ".join(f"{key}={value}" for key, value in zip(KEYS[name], row, strict=True))
        for row in named
    ]
    table = table.set_axis(keys)
    return table[~table.index.duplicated()]


def _columns(table: pd.DataFrame) -> tuple[str, str, str]:
    """Of the value and its interval; that of claims is called result, of seams median_deg."""
    first = next((c for c in ("value", "result", "median_deg") if c in table), "value")
    return first, "low", "high"


def _value(row: pd.Series) -> float:
    found = next((row[c] for c in ("value", "result", "median_deg") if c in row), np.nan)
    return float(found)
