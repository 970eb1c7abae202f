"""The tables of the evidence's record, read and checked, without PyTorch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow.lib.runtime.files import InputError


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table of the record; raises InputError where it is no CSV or lacks one of `columns`."""
    expected = f"expected {', '.join(columns) or 'columns'}, as the rules of the record write them"
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} is no CSV with columns ({error}); {expected}") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}; {expected}")
    return table
