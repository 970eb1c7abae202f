"""The zip of a release: the same files give the same bytes; read without believing what it says.

Files are stored as they are: weights hardly shrink, and what a compressor makes of them depends on
its version. SHA256SUMS guards against damage, not against forgery: who hands out a release says
its SHA-256 elsewhere.
"""

import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workflow.lib.archive.unpack.entries import BY_HAND, MAX_ENTRIES, Entry
from workflow.lib.archive.unpack.zip import zip_entries
from workflow.lib.maps.release.contents import FACTS, SUMS, WEIGHTS, belongs
from workflow.lib.runtime.files import InputError, atomic, sha256

MAX_WEIGHTS_BYTES = 2**29  # the largest network of the paper has 10 MB
MAX_BYTES = 2**22  # of any other file
MAX_RATIO = 20  # unpacked to packed; a release is stored, and weights hardly shrink if packed anew
HARMLESS_BYTES = 2**24  # the ratio is not looked at below

AGAIN = "fetch it again, or make it anew with the target release.zip"
NEVER = (1980, 1, 1, 0, 0, 0)  # the date of every file, the earliest of a zip
LINE = re.compile(r"([0-9a-f]{64})  (.+)", re.ASCII)  # as sha256sum writes it

_BLOCK_BYTES = 2**20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, RuntimeError)


def pack_release(path: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write `files`, contents or where they are by their names, and their sums as a zip."""
    sums = {name: _digest(content) for name, content in files.items()}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    every = dict(files) | {SUMS: lines.encode()}
    with atomic(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as packed:
        for name, content in sorted(every.items()):
            entry = zipfile.ZipInfo(name, NEVER)
            entry.create_system = 3  # Unix, whatever this is, for its rights
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            if isinstance(content, bytes):
                packed.writestr(entry, content)
                continue
            entry.file_size = content.stat().st_size
            with open(content, "rb") as source, packed.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _BLOCK_BYTES)


@dataclass(frozen=True)
class Packed:
    """A zip whose every file has been read once and is what its SHA256SUMS says.

    sums: by name, without SHA256SUMS itself. checksum: SHA-256 of the whole zip.
    """

    path: Path
    sums: dict[str, str]
    checksum: str

    def read(self, name: str) -> bytes:
        """The content of a file, compared with its sum again: it may be another by now."""
        with _entries(self.path) as entries:
            content = b"".join(_blocks(self.path, entries[name])) if name in entries else b""
        if hashlib.sha256(content).hexdigest() != self.sums[name]:
            raise InputError(f"{self.path}: changed while it was read; run the same command again")
        return content


def open_packed(path: Path) -> Packed:
    """A release's zip, checked whole. Raises InputError for all that it should not be."""
    path, found = Path(path), {}
    with _entries(path) as entries:
        for name, entry in entries.items():
            digest = hashlib.sha256()
            for block in _blocks(path, entry):
                digest.update(block)
            found[name] = digest.hexdigest()
        for name in (SUMS, FACTS):
            if name not in entries:
                raise InputError(f"{path}: holds no {name}, expected a release of this workflow")
        expected = _sums(path, b"".join(_blocks(path, entries[SUMS])))
    del found[SUMS]
    for name in sorted(found.keys() | expected.keys()):
        if name not in found:
            raise InputError(f"{path}: lacks {name}, which {SUMS} names; {AGAIN}")
        if name not in expected:
            raise InputError(f"{path}: holds {name}, which {SUMS} does not name; {AGAIN}")
        if found[name] != expected[name]:
            raise InputError(
                f"{path}: {name} has the SHA-256 {found[name][:12]}…, expected "
                f"{expected[name][:12]}… as {SUMS} says; {AGAIN}"
            )
    return Packed(path, found, sha256(path))


@contextmanager
def _entries(path: Path) -> Iterator[dict[str, Entry]]:
    """The entries by name, none of which has been read."""
    try:
        with zip_entries(path) as entries:
            yield _checked(path, entries)
    except InputError as error:
        raise InputError(str(error).replace(BY_HAND, AGAIN)) from error
    except _BROKEN as error:
        reason = str(error) or "it ends early"
        raise InputError(f"{path}: broken zip ({reason[:80]!a}); {AGAIN}") from error
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file, expected a release; see maps.release in config/README.md"
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: {error.strerror}, expected a release.zip") from error


def _checked(path: Path, entries: list[Entry]) -> dict[str, Entry]:
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"{path}: {len(entries)} entries, expected at most {MAX_ENTRIES}")
    checked: dict[str, Entry] = {}
    for entry in entries:
        shown = f"the entry {entry.name[:80]!a}"
        if not belongs(entry.name):
            raise InputError(f"{path}: {shown} is not a release's; {AGAIN}")
        if entry.problem:
            raise InputError(f"{path}: {shown} {entry.problem}; {AGAIN}")
        if entry.name in checked:
            raise InputError(f"{path}: {shown} is there twice; {AGAIN}")
        limit = MAX_WEIGHTS_BYTES if entry.name.endswith(WEIGHTS) else MAX_BYTES
        if entry.size > limit:
            raise InputError(f"{path}: {shown} has {entry.size} bytes, expected at most {limit}")
        checked[entry.name] = entry
    unpacked = sum(entry.size for entry in entries)
    limit = max(HARMLESS_BYTES, MAX_RATIO * path.stat().st_size)
    if unpacked > limit:
        raise InputError(
            f"{path}: unpacks to {unpacked} bytes, expected at most {limit}, {MAX_RATIO} times its "
            "size: a bomb?"
        )
    return checked


def _blocks(path: Path, entry: Entry) -> Iterator[bytes]:
    """The content of an entry, as much as it declares and no more."""
    left = entry.size
    with entry.open() as source:
        while block := source.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                break
            yield block
    if left:
        raise InputError(f"{path}: {entry.name} has not the size it declares; {AGAIN}")


def _sums(path: Path, content: bytes) -> dict[str, str]:
    lines = content.decode("ascii", "replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if not all(found):
        raise InputError(f"{path}: {SUMS} has lines that sha256sum does not write; {AGAIN}")
    return {line[2]: line[1] for line in found if line}


def _digest(content: bytes | Path) -> str:
    return sha256(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()
