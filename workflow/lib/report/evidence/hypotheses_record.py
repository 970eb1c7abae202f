"""Rows of the record by the models that a figure shows."""

from collections.abc import Sequence

import pandas as pd

from workflow.lib.runtime.files import InputError


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
            "those that its provenance.json says it compares: make it anew (`make evidence`)"
        )
    names = dict.fromkeys([*needed, *(name for name in wished if name in known)])
    return {name: table[table["network"] == name] for name in names}
