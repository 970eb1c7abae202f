"""The folder that a dataset is fetched into: what its files must be, and which are there."""

from pathlib import Path

from workflow.lib.archive.download.lock import File, Lock, read_lock, write_lock
from workflow.lib.archive.download.mendeley import Dataset
from workflow.lib.runtime.files import sha256
from workflow.lib.runtime.progress import tracked

RECORD = "verified.json"  # the lock that grows with each file; Snakemake knows nothing of it


def known_lock(folder: Path, output: Path, lock: Path | None, dataset: Dataset) -> Lock:
    """What is known of the dataset before any request."""
    for path in [lock] if lock else [folder / RECORD, output]:
        if lock or path.exists():
            return read_lock(path, dataset.id, dataset.version)
    return Lock(dataset.id, dataset.version)


class Store:
    """The folder, what its files must be, and which of them are there and verified."""

    def __init__(self, folder: Path, dataset: Dataset, known: Lock):
        self.folder, self.dataset, self.known = folder, dataset, known
        self.files: dict[str, File] = {}
        self.others: list[str] = []  # paths in the listing, or the zip, that are not taken
        for file in tracked(known.files.values(), "verifying", "file"):
            if self.target(file.path).is_file():
                found = sha256(self.target(file.path))
                known.check(file.path, found, f"in {folder}", "delete the file to fetch it again")
                self.files[file.path] = file

    @property
    def finished(self) -> bool:
        return self.known.complete and self.files.keys() == self.known.files.keys()

    def target(self, path: str) -> Path:
        return self.folder / path

    def missing(self, needed: dict[str, File]) -> list[File]:
        """Those of the needed files that are not there; others are recorded as verified."""
        missing = []
        for file in needed.values():
            if file.path in self.files:
                continue
            target = self.target(file.path)
            # It may have been renamed just before the process was killed.
            if size_of(target) == file.size and target.is_file() and sha256(target) == file.sha256:
                self.record(file)
            else:
                missing.append(file)
        return missing

    def record(self, file: File) -> None:
        self.files[file.path] = file
        self.write(self.folder / RECORD, complete=False)

    def write(self, path: Path, complete: bool) -> None:
        write_lock(path, self.dataset.id, self.dataset.version, self.files.values(), complete)


def size_of(path: Path) -> int:
    """Bytes in a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0
