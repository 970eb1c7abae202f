"""The tables on record of the hypotheses' tests, read and checked, without PyTorch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow.lib.runtime.files import InputError


def read_table(csv: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table with rows and all of `columns`; raises InputError for another file."""
    try:
        table = pd.read_csv(csv)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise InputError(
            f"{csv} cannot be read as a CSV ({error}); {_expected(columns)}"
        ) from error
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        found = f"no column {missing[0]}" if missing else "no rows"
        raise InputError(f"{csv} has {found}; {_expected(columns)}")
    return table


def of_networks(
    table: pd.DataFrame, needed: Sequence[str], wished: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    """Rows by network: of those needed, and of those wished for that are there, in this order.

    Raises InputError where one that is needed has none.
    """
    known = set(table["network"])
    lacking = [name for name in needed if name not in known]
    if lacking:
        raise InputError(
            f"the record has no network {lacking[0]}, only {', '.join(sorted(known))}; expected "
            "those of the config key compared: make the record with them (`make evidence`)"
        )
    names = dict.fromkeys([*needed, *(name for name in wished if name in known)])
    return {name: table[table["network"] == name] for name in names}


def _expected(columns: Sequence[str]) -> str:
    return f"expected the columns {', '.join(columns)}, as the rule hypotheses writes them"
