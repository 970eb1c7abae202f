"""What ingest found unlikely in the data, kept in dataset.h5 for the data card.

A dataset `warnings` at the root, text (k,), a line each; a file without warnings lacks it. It
is no attribute, because those of the root are copied into every file made from the dataset.
"""

from collections.abc import Sequence

import h5py

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import reserve
from workflow.lib.runtime.script import logger

NAME = "warnings"
MOST_LINES = 100  # of more, the last says how many there are: the data card has to be read
MOST_CHARACTERS = 400  # of a line, which may name files of any length


def write_warnings(file: h5py.File, warnings: Sequence[str]) -> None:
    """Log warnings, a clause each, and keep them in a dataset; without any, nothing is written."""
    lines = [_printable(warning) for warning in warnings]
    if len(lines) > MOST_LINES:
        more = f"{len(lines) - MOST_LINES + 1} more warnings like these"
        lines = [*lines[: MOST_LINES - 1], more]
    for line in lines:
        logger.warning("warning: %s", line)
    if lines:
        reserve(file, sum(len(line.encode()) for line in lines))
        file.create_dataset(NAME, data=lines, dtype=h5py.string_dtype())


def read_warnings(file: h5py.File) -> list[str]:
    """The warnings kept in a dataset; InputError when they are no text."""
    if NAME not in file:
        return []
    lines = file[NAME]
    is_text = isinstance(lines, h5py.Dataset) and h5py.check_string_dtype(lines.dtype)
    if not is_text or lines.ndim != 1:
        raise InputError(
            f"{file.filename}: {NAME!r} holds no lines of text; was it made by ingest?"
        )
    return [_printable(line) for line in lines.asstr(errors="replace")[:MOST_LINES]]


def _printable(line: str) -> str:
    """One line of limited length; what can't be shown, as in names of files, as an escape."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[: MOST_CHARACTERS - 1]}…"
