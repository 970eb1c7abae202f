"""Read the entries of a zip."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from workflow.lib.archive.unpack.entries import BY_HAND, Entry
from workflow.lib.runtime.files import InputError

MAX_DIRECTORY_BYTES = 2**22  # of the list of contents, which zipfile reads whole

_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_DEFLATE64 = 9


@contextmanager
def zip_entries(path: Path) -> Iterator[list[Entry]]:
    """The entries of the zip at `path`, whose contents can be read within the block.

    Raises InputError for a file that is no whole zip, and zipfile's own errors.
    """
    _check_end(path)
    with zipfile.ZipFile(path) as archive:
        yield [
            # Not `filename`, which zipfile cuts at a null byte.
            Entry(
                info.orig_filename,
                info.orig_filename.endswith(("/", "\\")),
                info.file_size,
                _problem(info),
                partial(archive.open, info),
            )
            for info in archive.infolist()
        ]


def _check_end(path: Path) -> None:
    """Refuse a zip without an end, in parts, or whose list of contents would fill the memory."""
    size = path.stat().st_size
    with open(path, "rb") as stream:
        stream.seek(max(0, size - _END_RECORD_BYTES - 2**16))  # a comment may follow the record
        tail = stream.read()
    start = tail.rfind(_END_RECORD)
    if start < 0 or start + _END_RECORD_BYTES > len(tail):
        raise InputError(f"{path}: not a zip, or truncated: it has no end; fetch it again")
    if tail[start + 4 : start + 6] not in (b"\0\0", b"\xff\xff"):
        raise InputError(f"{path}: the last part of a zip in several parts; {BY_HAND}")
    directory_bytes = int.from_bytes(tail[start + 12 : start + 16], "little")
    zip64 = tail[max(0, start - 20 - 56) : start]  # its end record and locator come before
    if zip64[:4] == b"PK\x06\x06":
        directory_bytes = int.from_bytes(zip64[40:48], "little")
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise InputError(
            f"{path}: its list of contents has {directory_bytes} bytes, expected at most "
            f"{MAX_DIRECTORY_BYTES}"
        )


def _problem(info: zipfile.ZipInfo) -> str | None:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "is a link, expected a file"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a special file, expected a file"
    if info.flag_bits & 0x2041:
        return "is encrypted"
    if info.compress_type == _DEFLATE64:
        return "is compressed by Deflate64, as Windows does with large files: not read here"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = zipfile.compressor_names.get(info.compress_type, "unknown")
        return (
            f"uses the compression method {info.compress_type} ({method}), expected stored or "
            "deflated"
        )
    return None
