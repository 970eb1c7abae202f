"""A copy of what a long job has finished, which only success replaces.

Snakemake deletes a job's outputs before it runs or submits it, also when the cluster then
refuses, or when the reason turns out to change nothing (an input that was written again with
the same bytes). The copy lies in a folder that Snakemake knows nothing of. It belongs to what
the result depends on, told by a fingerprint; the same job finds it there and is done.
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from workflow.lib.runtime.files import atomic, sha256, write_text

RECORD = "kept.json"  # written last: without it the copy is none
ANEW = "DRM_TRAIN_ANEW"  # in the environment where somebody asked to run a job in any case


def keep(folder: Path, fingerprint: str, files: Sequence[Path]) -> None:
    """Copy the finished `files`, whose names differ, to `folder`, in place of what is there.

    Where the file system has hard links, the copies take no space.
    """
    (folder / RECORD).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        with atomic(folder / file.name) as part:
            _link_or_copy(file, part)
    record = {"fingerprint": fingerprint, "sha256": {file.name: sha256(file) for file in files}}
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")


def restore(folder: Path, fingerprint: str, files: Sequence[Path]) -> bool:
    """Put the copies back to where `files` belong; whether that could be done.

    False where there is no copy, where it belongs to another fingerprint or is not whole, and
    where the variable ANEW is set.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if ANEW in os.environ or record["fingerprint"] != fingerprint:
            return False
        copies = {file: folder / file.name for file in files}
        if any(sha256(copy) != record["sha256"][copy.name] for copy in copies.values()):
            return False
    except (OSError, ValueError, KeyError, TypeError):  # none, or none that can be trusted
        return False
    for file, copy in copies.items():
        with atomic(file) as part:
            _link_or_copy(copy, part)
            os.utime(part)  # Snakemake takes what is older than the inputs for out of date
    return True


def _link_or_copy(source: Path, target: Path) -> None:
    """Two names for one file, which is only ever replaced as a whole; else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
