"""The record of a run, copied to where the paper's sources have it."""

import shutil
from pathlib import Path

from workflow.lib.report.evidence.record import KEYS
from workflow.lib.runtime.files import InputError, atomic

BESIDE = ("provenance.json", "maps.h5")  # of the record; results.json lies above it
LARGEST_BYTES = 1_100_000


def freeze(run: Path, record: Path) -> list[str]:
    """Copy run/record/ and run/results.json to `record`; the names, sorted.

    Raises InputError, before anything is written, where the run lacks a table or results.json, and
    where the files come to more than 1.1 MB.
    """
    needed = [run / "record" / name for name in (*KEYS, *BESIDE)] + [run / "results.json"]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        raise InputError(
            f"{missing[0]} is missing ({len(missing)} of {len(needed)} files); expected a finished "
            "run: make evidence"
        )
    size = sum(path.stat().st_size for path in needed)
    if size > LARGEST_BYTES:
        raise InputError(
            f"{run}/record comes to {size / 1e6:.1f} MB; expected less than "
            f"{LARGEST_BYTES / 1e6:g} MB"
        )
    for path in needed:
        with atomic(record / path.name) as part:
            shutil.copyfile(path, part)
    return sorted(path.name for path in needed)
