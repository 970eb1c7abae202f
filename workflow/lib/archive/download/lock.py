"""The lock file: which bytes the dataset consists of, to be committed and verified ever after."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from workflow.lib.runtime.files import InputError, write_text

CLOCK_TOLERANCE_S = 2.0  # FAT and some network file systems keep times in steps of two seconds


@dataclass(frozen=True)
class File:
    """A file of the dataset.

    `path` is relative, with forward slashes; `size` in bytes; `sha256` as 64 lower-case
    hexadecimal digits; `url` is where it was fetched from, a record only. Raises
    ValueError when one of them is not of this form.
    """

    path: str
    size: int
    sha256: str
    url: str

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise ValueError(f"path {self.path!r:.80} is no text")
        for name in self.path.split("/"):
            check_name(name)
        if type(self.size) is not int or self.size < 0:
            raise ValueError(f"size {self.size!r:.80} of {self.path} is no number of bytes")
        if not isinstance(self.sha256, str) or not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 {self.sha256!r:.80} of {self.path} is not 64 hex digits")
        if not isinstance(self.url, str):
            raise ValueError(f"url {self.url!r:.80} of {self.path} is no text")


def check_name(name: object) -> str:
    """`name` if it is a plain name of a file or folder, which no path can be made of.

    Raises ValueError for separators, `..`, control characters and anything but text.
    """
    plain = isinstance(name, str) and 0 < len(name) <= 200 and name not in (".", "..")
    if not plain or re.search(r"[/\\\x00-\x1f\x7f]", name):
        raise ValueError(f"{name!r:.80} is no plain file name")
    return name


@dataclass(frozen=True)
class Lock:
    """What is known of a dataset: its files by path.

    `complete` says that `files` are all that the pipeline needs; `source` is the file
    the lock was read from, None for an empty one.
    """

    dataset: str
    version: int
    complete: bool = False
    files: dict[str, File] = field(default_factory=dict)
    source: Path | None = None

    def check(self, path: str, sha256: str, where: str, advice: str) -> None:
        """Raise InputError if the lock knows another hash for `path` than the one found."""
        known = self.files.get(path)
        if known is not None and known.sha256 != sha256:
            raise InputError(
                f"{path}: sha256 {sha256} {where}, but {known.sha256} in {self.source}; {advice}"
            )


def read_lock(path: Path, dataset: str, version: int) -> Lock:
    """The lock in `path`; InputError if it is malformed or belongs to other data."""
    lock = _parsed(path)
    if (lock.dataset, lock.version) != (dataset, version):
        raise InputError(
            f"{path}: locks dataset {lock.dataset!r} version {lock.version!r}, expected "
            f"{dataset!r} version {version}; give the lock file of this dataset as data.lock"
        )
    return lock


def changed_since(path: Path) -> list[Path]:
    """Files listed in the lock `path`, relative to its folder, that were written after it.

    Only times of modification are compared, no content is read: what is reported was
    touched, and may still be right. Files that are not there are left out. Raises
    InputError if the lock is malformed.
    """
    files = [path.parent / name for name in _parsed(path).files]
    latest = path.stat().st_mtime + CLOCK_TOLERANCE_S
    return [file for file in files if file.is_file() and file.stat().st_mtime > latest]


def check_untouched(path: Path) -> list[str]:
    """[path]; InputError if that lock is there and a file it lists was written after it."""
    if path.exists() and (changed := changed_since(path)):
        raise InputError(
            f"{changed[0]}: written after it was verified ({len(changed)} such files): put the "
            f"verified file back with its time, or delete {path} to have all verified again"
        )
    return [str(path)]


def locked_files(path: Path) -> dict[str, str]:
    """What the lock `path` lists, of whatever dataset: path relative to its folder → sha256."""
    return {name: file.sha256 for name, file in _parsed(path).files.items()}


def _parsed(path: Path) -> Lock:
    """The lock in `path`, of whatever dataset; InputError if it is malformed."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a lock file in JSON, found: {error}") from error
    try:
        dataset, version = content["dataset"], content["version"]
        complete = content["complete"]
        if not isinstance(complete, bool):
            raise ValueError(f"complete {complete!r:.80} is neither true nor false")
        files = [File(name, **entry) for name, entry in content["files"].items()]
        if complete and not files:
            raise ValueError("complete, but without files")
    except KeyError as error:
        raise InputError(f"{path}: not a lock file, the key {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a lock file: {error}") from error
    return Lock(dataset, version, complete, {file.path: file for file in files}, path)


def write_lock(
    path: Path, dataset: str, version: int, files: Iterable[File], complete: bool
) -> None:
    """Write the lock file: JSON, sorted, one key a line, so that a diff shows what changed."""
    entries = {f.path: {"sha256": f.sha256, "size": f.size, "url": f.url} for f in files}
    content = {"complete": complete, "dataset": dataset, "files": entries, "version": version}
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
