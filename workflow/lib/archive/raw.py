"""The raw archive, however it came, as a folder that holds what it should and nothing else."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow.lib.archive.download.lock import locked_files
from workflow.lib.archive.layout import check_specimens, find_files
from workflow.lib.archive.unpack.unpack import unpacked
from workflow.lib.runtime.files import InputError, sha256
from workflow.lib.runtime.progress import tracked


@contextmanager
def raw_folder(place: Path, near: Path, specimens: int, lock: Path | None) -> Iterator[Path]:
    """The folder of the archive at `place`, with the sets of that many specimens.

    An archive that is a file is unpacked into a temporary folder in `near`. With a `lock`, which
    lies in the folder, its files are verified to be those it lists. Raises InputError otherwise.
    """
    with unpacked(place, near) as folder:
        archive = find_files(folder)
        check_specimens(archive, specimens)
        if lock is not None:
            check_locked(lock, archive.files)
        yield folder


def check_locked(lock: Path, files: Iterable[Path]) -> None:
    """Raise InputError unless `files`, below the lock's folder, are all it lists, byte for byte."""
    known = locked_files(lock)
    found = {file.relative_to(lock.parent).as_posix(): file for file in files}
    for name in sorted(known.keys() - found.keys()):
        raise InputError(
            f"{lock.parent / name}: gone, though it was verified: put it back, or delete {lock} "
            "to have it fetched again"
        )
    for name in sorted(found.keys() - known.keys()):
        raise InputError(f"{found[name]}: not in {lock}, expected just what that lists: move it")
    for name, file in tracked(sorted(found.items()), "verifying", "file"):
        if (here := sha256(file)) != known[name]:
            raise InputError(
                f"{file}: sha256 {here}, but {known[name]} in {lock}: delete both to have it "
                "fetched again"
            )
