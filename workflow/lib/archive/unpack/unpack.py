"""Unpack an archive of the dataset without trusting it: a zip, or a tar, compressed or not.

Refused are entries that would land outside the folder, links and other special files, names
that meet on some file system (also by case or Unicode form), encrypted entries, compression
methods of zips other than stored and deflated, and archives that unpack to far more than they
are (bombs). Sizes are counted while writing; what the archive declares is only used to check
the free space. The files appear all together at the end or not at all.
"""

import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from workflow.lib.archive.layout import SETS
from workflow.lib.archive.unpack import compressed
from workflow.lib.archive.unpack.entries import Broken, Entry, checked_files
from workflow.lib.archive.unpack.kind import archive_kind, is_packed, not_an_archive
from workflow.lib.archive.unpack.tar import tar_entries
from workflow.lib.archive.unpack.zip import zip_entries
from workflow.lib.runtime.files import InputError, scratch_folder
from workflow.lib.runtime.progress import Progress
from workflow.lib.runtime.script import logger

MAX_BYTES = 2**35  # 32 GiB; the dataset has 3.5 GB
MAX_RATIO = 100  # unpacked to packed; the dataset's is below 2, a bomb's can be 1000
HARMLESS_BYTES = 2**24  # the ratio is not looked at below

_BLOCK_BYTES = 2**20
_BROKEN = (
    *(Broken, *compressed.BROKEN),
    *(zipfile.BadZipFile, zlib.error, ValueError, OverflowError, RuntimeError),
)


@contextmanager
def unpacked(root: Path, near: Path) -> Iterator[Path]:
    """`root` if it is a folder; else a temporary folder in `near` with what the archive holds.

    What is said inside the block about the temporary folder, in errors and in the log, is said
    of the archive instead: "given.zip: training_sets/02.npy". Raises InputError as `unpack`
    does, and for an archive that holds other archives where its sets should be.
    """
    root = Path(root)
    if not root.is_file():
        yield root  # a folder, or nothing, which whoever looks for files there will tell
        return
    with scratch_folder(Path(near) / "unpacked") as temporary:
        folder = temporary / "content"
        unpack(root, folder)
        with _said_of(root, folder):
            _check_not_nested(folder)
            yield folder


def unpack(path: Path, folder: Path) -> None:
    """Unpack the archive at `path`, told by its content, into `folder`, which must not exist yet.

    Raises InputError, and leaves nothing behind, when the file is no zip or tar, is broken,
    holds an entry that is refused, exceeds the limits of this module or the free disk space.
    """
    path, folder = Path(path), Path(folder)
    with _told(path, "archive"):
        kind = archive_kind(path)
        if kind is None:
            raise InputError(f"{path}: {not_an_archive(path)}")
    if kind == "zip":
        unpack_zip(path, folder)
    else:
        _unpack_tar(path, folder, kind)


def unpack_zip(path: Path, folder: Path) -> None:
    """Unpack the zip at `path` into `folder`, which must not exist yet; errors as of `unpack`."""
    path, folder = Path(path), Path(folder)
    with _told(path, "zip"), zip_entries(path) as entries:
        files = list(checked_files(path, entries))
        declared = sum(entry.size for _, entry in files)
        _check_free_space(path, declared, folder)
        _write_together(path, files, folder, declared)


def _unpack_tar(path: Path, folder: Path, kind: str) -> None:
    compression = kind.removeprefix("tar").removeprefix(".") or None
    with _told(path, kind), closing(compressed.open_compressed(path, compression)) as stream:
        size = path.stat().st_size
        _check_free_space(path, size, folder)
        files = checked_files(path, tar_entries(_Limited(path, stream)))
        _write_together(path, files, folder, size if compression is None else None)


@contextmanager
def _told(path: Path, kind: str) -> Iterator[None]:
    """Turn the errors of unpacking into the one line that names the archive."""
    try:
        yield
    except InputError:
        raise
    except _BROKEN as error:
        reason = str(error) or "it ends early"
        raise InputError(f"{path}: broken {kind} ({reason[:80]!a}); fetch it again") from error
    except OSError as error:
        if error.errno is None:  # of gzip and bz2
            raise InputError(
                f"{path}: broken {kind} ({str(error)[:80]!a}); fetch it again"
            ) from error
        raise InputError(f"{path}: cannot be unpacked: {error.strerror}") from error


@contextmanager
def _said_of(archive: Path, folder: Path) -> Iterator[None]:
    """Name `archive` instead of `folder` in the errors and messages of the block."""

    def renamed(text: str) -> str:
        return text.replace(f"{folder}{os.sep}", f"{archive}: ").replace(str(folder), str(archive))

    def rename(record: logging.LogRecord) -> bool:
        record.msg, record.args = renamed(record.getMessage()), ()
        return True

    logger.addFilter(rename)
    try:
        yield
    except InputError as error:
        raise InputError(renamed(str(error))) from error
    finally:
        logger.removeFilter(rename)


def _check_not_nested(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if any(path.match(f"{sets}/*.npy") for path in files for sets in SETS.values()):
        return
    packed = [path.relative_to(folder).as_posix() for path in files if is_packed(path)]
    if packed:
        more = f" and {len(packed) - 1} more archives" if len(packed) > 1 else ""
        raise InputError(
            f"{folder}: holds {packed[0]}{more} but no sets; unpack by hand, what is inside too, "
            "and give the folder as data.archive"
        )


class _Limited:
    """A stream, or with none a count, that ends in InputError where a bomb would go on."""

    def __init__(self, path: Path, stream: BinaryIO | None = None):
        self.path, self.stream, self.count = path, stream, 0
        self.limit = min(MAX_BYTES, max(HARMLESS_BYTES, MAX_RATIO * path.stat().st_size))

    def read(self, count: int) -> bytes:
        data = self.stream.read(count)
        self.add(len(data))
        return data

    def add(self, count: int) -> None:
        self.count += count
        if self.count > self.limit:
            raise InputError(
                f"{self.path}: unpacks to more than {self.limit} bytes, over {MAX_RATIO} times "
                f"its size or {MAX_BYTES} bytes: a bomb?"
            )


def _write_together(
    path: Path,
    files: Iterable[tuple[PurePosixPath, Entry]],
    folder: Path,
    total_bytes: int | None,
) -> None:
    if folder.exists():
        raise InputError(f"{folder}: exists already; remove it to unpack {path.name} there")
    written = _Limited(path)
    with (
        scratch_folder(folder) as temporary,
        Progress("unpack", total_bytes, "B") as progress,
    ):
        inside = temporary / "content"
        inside.mkdir()
        for name, entry in files:
            target = inside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            before = written.count
            with entry.open() as source, open(target, "xb") as output:
                while block := source.read(_BLOCK_BYTES):
                    written.add(len(block))
                    output.write(block)
                    progress.add(len(block))
            if written.count - before != entry.size:
                raise Broken(f"{entry.name} has not the size it declares")
        os.rename(inside, folder)


def _check_free_space(path: Path, declared: int, folder: Path) -> None:
    existing = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(existing).free
    if declared > free:
        raise InputError(
            f"{path}: unpacks to {declared / 1e9:.3f} GB, but {folder.parent} has only "
            f"{free / 1e9:.3f} GB free"
        )
