"""The record of the evidence: its tables, and which cells of them a text has cited.

A small run has fewer rows, or none: what is not there is None, and the text says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.runtime.files import InputError

Keys = Mapping[str, Any]
ORIGIN = ("run", "commit", "date", "simulated", "source", "n", "fold", "compared")
NO_ANSWERS = ("regression", "density")  # kinds that answer without writing


@dataclass(frozen=True)
class Cited:
    """A number of the record: the value of `column` in the one row of `file` with `keys`."""

    file: str
    keys: dict[str, Any]
    column: str
    value: float


@dataclass(frozen=True)
class Row:
    """One row of a table. Its numbers are noted in `cited` as they are read."""

    file: str
    keys: dict[str, Any]
    values: Keys
    cited: list[Cited]

    def number(self, column: str) -> float:
        value = float(self.values[column])
        self.cited.append(Cited(self.file, self.keys, column, value))
        return value

    def text(self, column: str) -> str:
        return str(self.values[column])


@dataclass(frozen=True)
class Record:
    """Tables by the names of their files, without those that are empty, and where they are from.

    origin: of provenance.json, see `origin`. is_this_run: whether they are this run's own.
    """

    tables: Mapping[str, pd.DataFrame]
    origin: Keys
    is_this_run: bool
    cited: list[Cited] = field(default_factory=list)

    @property
    def baseline(self) -> str:
        """Of the two models compared the one that the other is to beat."""
        return self.origin["compared"][0]

    @property
    def writer(self) -> str:
        """Of the two models compared the other."""
        return self.origin["compared"][1]

    def rows(self, file: str, **keys: Any) -> list[Row]:
        """All rows of a table whose columns have the values of `keys`, in its order."""
        table = self.tables.get(file)
        if table is None:
            return []
        for column, value in keys.items():
            table = table[table[column] == value]
        return [Row(file, _identity(file, row), row, self.cited) for row in _dicts(table)]

    def row(self, file: str, **keys: Any) -> Row | None:
        """The first such row, None where there is none."""
        return next(iter(self.rows(file, **keys)), None)

    def value(self, network: str, statistic: str) -> Row | None:
        """Of a model on the table's fold: value, low and high."""
        return self.row("controls.csv", network=network, statistic=statistic)

    def difference(self, network: str, reference: str, statistic: str) -> Row | None:
        return self.row(
            "differences.csv", network=network, reference=reference, statistic=statistic
        )

    def title(self, network: str) -> str:
        row = self.row("models.csv", network=network) or self.row("controls.csv", network=network)
        return row.text("title") if row else network

    def of_kinds(self, kinds: Sequence[str]) -> list[str]:
        """Models of these kinds but the two compared and variants by budget, in table order."""
        return [
            row.text("network")
            for row in self.rows("models.csv")
            if row.text("kind") in kinds
            and row.text("network") not in self.origin["compared"]
            and not _is_variant(row)
        ]

    def best_without_writing(self) -> str | None:
        """Of the controls that write nothing the one with the lowest validation median.

        Chosen by validation signals: the best of several on the test signals would look better
        than it is. None where there is no such control.
        """
        found = [self.row("models.csv", network=name) for name in self.of_kinds(NO_ANSWERS)]
        found = [row for row in found if row and pd.notna(row.values["validation_median_deg"])]
        best = min(found, key=lambda row: row.values["validation_median_deg"], default=None)
        return best.text("network") if best else None


# What tells the rows of a table apart
KEYS = {
    "trainings.csv": ("network", "fold", "seed"),
    "models.csv": ("network",),
    "controls.csv": ("network", "statistic"),
    "differences.csv": ("network", "reference", "statistic"),
    "folds.csv": ("network", "fold", "statistic"),
    "fold_summary.csv": ("network", "statistic"),
    "fold_differences.csv": ("network", "reference", "statistic"),
    "seams.csv": ("network", "distance", "from_deg", "to_deg", "tta"),
    "near_far.csv": ("network", "distance", "tta", "statistic"),
    "spellings.csv": ("network", "statistic"),
    "triangle.csv": ("network", "bin"),
    "views.csv": ("network", "fold", "seed", "views", "decision", "statistic"),
    "arithmetic.csv": ("base", "network", "statistic"),
    "claims.csv": ("claim",),
    "maps.csv": ("truth", "network"),
}


def read_record(files: Sequence[Path], provenance: Path, is_this_run: bool) -> Record:
    """The tables in `files`; one without rows counts as none.

    provenance: a JSON object with the keys ORIGIN, as the rule `record_origin` writes it. Raises
    InputError where it lacks one, and for a table without the columns in KEYS.
    """
    origin = json.loads(provenance.read_text(encoding="utf-8"))
    missing = [key for key in ORIGIN if key not in origin]
    if missing:
        raise InputError(
            f"{provenance} has no {missing[0]}; expected what the rule record_origin writes"
        )
    tables = {path.name: read_table(path) for path in files}
    return Record(
        {name: table for name, table in tables.items() if len(table)}, origin, is_this_run
    )


def read_table(path: Path) -> pd.DataFrame:
    """A table of the record; an empty file is a table without rows."""
    try:
        table = pd.read_csv(path, keep_default_na=True)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table of the record ({error}); expected a CSV") from error
    missing = [name for name in KEYS.get(path.name, ()) if name not in table]
    if missing and len(table):
        raise InputError(f"{path} has no column {missing[0]}; expected {', '.join(table.columns)}")
    return table


def origin_phrase(origin: Keys, is_this_run: bool) -> str:
    """Where the evidence is from, to stand after "from": plain words with LaTeX."""
    data = f"{origin['source']}, commit {origin['commit']}, {origin['date']}"
    if is_this_run:
        return f"this run ({data})"
    return rf"the frozen record of run \texttt{{{origin['run']}}} ({data})"


def _identity(file: str, row: Keys) -> dict[str, Any]:
    return {name: _plain(row[name]) for name in KEYS.get(file, ()) if name in row}


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's, so that it fits into JSON."""
    return value.item() if hasattr(value, "item") else value


def _is_variant(row: Row) -> bool:
    return pd.notna(row.values["base"]) and bool(row.text("base"))


def _dicts(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    columns = [str(name) for name in table.columns]
    for values in table.itertuples(index=False, name=None):
        yield dict(zip(columns, values, strict=True))
