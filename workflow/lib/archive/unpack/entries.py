"""What archives of all kinds have in common: entries, and the names that are refused."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from workflow.lib.runtime.files import InputError

BY_HAND = "unpack it by hand and give the folder as data.archive"
MAX_ENTRIES = 10_000
MAX_DEPTH = 32

_MACOS_EXTRAS = (".DS_Store", "Icon\r")


class Broken(Exception):
    """The archive is damaged, or ends too early; the message says where."""


class Entry(NamedTuple):
    """An entry as the archive declares it, nothing of which is trusted yet.

    size: in bytes, once unpacked. problem: why it is refused whatever its name, or None.
    """

    name: str
    is_folder: bool
    size: int
    problem: str | None
    open: Callable[[], AbstractContextManager[BinaryIO]]


def checked_files(archive: Path, entries: Iterable[Entry]) -> Iterator[tuple[PurePosixPath, Entry]]:
    """The entries that are files, with their path inside the folder, as they come.

    Names may begin with ./ and have backslashes, as Windows tools write them. What macOS
    adds is left out: __MACOSX, .DS_Store, ._files and icons. Raises InputError for an entry
    that would land outside the folder, is no plain file or folder, or whose name meets
    another one on some file system, for too many entries, and, at the end, for no files.
    """
    files: dict[str, str] = {}  # name as stored, by key
    folders: set[str] = set()
    for number, entry in enumerate(entries):
        if number >= MAX_ENTRIES:
            raise InputError(f"{archive}: over {MAX_ENTRIES} entries; {BY_HAND}")
        parts = _parts(entry.name)
        problem = _way_problem(entry.name, parts)
        if problem is None and _is_macos_extra(parts):
            continue
        problem = problem or _name_problem(entry.name, parts) or entry.problem
        if problem:
            raise InputError(f"{archive}: the entry {entry.name[:80]!a} {problem}; {BY_HAND}")
        path = PurePosixPath(*parts)
        key = _key(path)
        above = {_key(parent) for parent in path.parents}
        if not entry.is_folder and key in files:
            raise InputError(
                f"{archive}: the entries {files[key][:80]!a} and {entry.name[:80]!a} have the "
                f"same name; {BY_HAND}"
            )
        if above & files.keys() or (key in files if entry.is_folder else key in folders):
            raise InputError(
                f"{archive}: the entry {entry.name[:80]!a}, or one above it, is a file and a "
                f"folder; {BY_HAND}"
            )
        folders |= above
        if entry.is_folder:
            folders.add(key)
        else:
            files[key] = entry.name
            yield path, entry
    if not files:
        raise InputError(f"{archive}: holds no files")


def _parts(name: str) -> list[str]:
    """The parts of a path, without those that mean "here"."""
    parts = name.replace("\\", "/").removesuffix("/").split("/")
    return [part for part in parts if part != "."]


def _is_macos_extra(parts: list[str]) -> bool:
    return "__MACOSX" in parts or (
        bool(parts) and (parts[-1] in _MACOS_EXTRAS or parts[-1].startswith("._"))
    )


def _way_problem(name: str, parts: list[str]) -> str | None:
    if name.startswith(("/", "\\")) or (parts and ":" in parts[0]):
        return "has an absolute path"
    return "would land outside the folder" if ".." in parts else None


def _name_problem(name: str, parts: list[str]) -> str | None:
    if not name.isprintable():
        return "has a name with control characters"
    if "" in parts or len(parts) > MAX_DEPTH:
        return "has a malformed path"
    return "has too long a name" if any(len(part.encode()) > 255 for part in parts) else None


def _key(path: PurePosixPath) -> str:
    """The path as the least discerning file system would compare it."""
    return unicodedata.normalize("NFC", str(path)).casefold()
