"""Unpack a zip of the dataset without trusting it.

Refused are entries that would land outside the folder, links and other special files, names
that meet on some file system (also by case or Unicode form), encrypted entries, compression
methods other than stored and deflated, and archives that unpack to far more than they are
(bombs). Sizes are counted while writing; what the archive declares is only used to check the
free space. The files appear all together at the end or not at all.
"""

import os
import shutil
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from workflow.lib.files import InputError, scratch_folder

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 2**22  # of the list of contents, which zipfile reads whole
MAX_BYTES = 2**35  # 32 GiB; the dataset has 3.5 GB
MAX_RATIO = 100  # unpacked to packed; the dataset's is below 2, a bomb's can be 1000
HARMLESS_BYTES = 2**24  # the ratio is not looked at below
MAX_DEPTH = 32

_BLOCK_BYTES = 2**20
_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, RuntimeError)


def unpack_zip(zip_path: Path, folder: Path) -> None:
    """Unpack the archive `zip_path` into `folder`, which must not exist yet.

    Raises InputError, and leaves nothing behind, when the archive is broken, holds an entry
    that is refused, exceeds the limits of this module or the free disk space.
    """
    zip_path, folder = Path(zip_path), Path(folder)
    if folder.exists():
        raise InputError(f"{folder}: exists already; remove it to unpack {zip_path.name} there")
    try:
        _check_directory_size(zip_path)
        with zipfile.ZipFile(zip_path) as archive:
            files = _checked_files(zip_path, archive.infolist())
            _check_free_space(zip_path, sum(entry.file_size for entry in files.values()), folder)
            _unpack_together(zip_path, archive, files, folder)
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(f"{zip_path}: broken zip ({str(error)[:80]!a}); fetch it again") from error
    except OSError as error:
        raise InputError(f"{zip_path}: cannot be unpacked: {error.strerror}") from error


def _unpack_together(
    zip_path: Path,
    archive: zipfile.ZipFile,
    files: dict[PurePosixPath, zipfile.ZipInfo],
    folder: Path,
) -> None:
    limit = min(MAX_BYTES, max(HARMLESS_BYTES, MAX_RATIO * zip_path.stat().st_size))
    declared = sum(entry.file_size for entry in files.values())
    with (
        scratch_folder(folder) as temporary,
        tqdm(total=declared, desc="unpack", unit="B", unit_scale=True, disable=None) as bar,
    ):
        inside = temporary / "content"
        inside.mkdir()
        written = 0
        for name, entry in files.items():
            target = inside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            before = written
            with archive.open(entry) as source, open(target, "xb") as output:
                while block := source.read(_BLOCK_BYTES):
                    written += len(block)
                    if written > limit:
                        raise InputError(
                            f"{zip_path}: unpacks to more than {limit} bytes, over "
                            f"{MAX_RATIO} times its size or {MAX_BYTES} bytes: a bomb?"
                        )
                    output.write(block)
                    bar.update(len(block))
            if written - before != entry.file_size:
                raise zipfile.BadZipFile(f"{entry.filename} has not the size it declares")
        os.rename(inside, folder)


def _check_directory_size(zip_path: Path) -> None:
    """Refuse an archive whose list of contents would fill the memory."""
    size = zip_path.stat().st_size
    with open(zip_path, "rb") as stream:
        stream.seek(max(0, size - _END_RECORD_BYTES - 2**16))  # a comment may follow the record
        tail = stream.read()
    start = tail.rfind(_END_RECORD)
    if start < 0 or start + _END_RECORD_BYTES > len(tail):
        raise InputError(f"{zip_path}: not a zip, or truncated: it has no end; fetch it again")
    directory_bytes = int.from_bytes(tail[start + 12 : start + 16], "little")
    zip64 = tail[max(0, start - 20 - 56) : start]  # its end record and locator come before
    if zip64[:4] == b"PK\x06\x06":
        directory_bytes = int.from_bytes(zip64[40:48], "little")
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise InputError(
            f"{zip_path}: its list of contents has {directory_bytes} bytes, expected at most "
            f"{MAX_DIRECTORY_BYTES}"
        )


def _checked_files(
    zip_path: Path, entries: list[zipfile.ZipInfo]
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The entries that are files, by their path inside the folder; InputError for bad ones."""
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"{zip_path}: {len(entries)} entries, expected at most {MAX_ENTRIES}")
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        problem = _name_problem(name) or _kind_problem(entry)
        if problem:
            raise InputError(f"{zip_path}: the entry {name[:80]!a} {problem}")
        path = PurePosixPath(name)
        folders.update(_key(parent) for parent in path.parents)
        if entry.is_dir():
            folders.add(_key(path))
            continue
        if _key(path) in seen:
            raise InputError(
                f"{zip_path}: the entries {seen[_key(path)][:80]!a} and {name[:80]!a} have "
                "the same name"
            )
        seen[_key(path)] = name
        files[path] = entry
    for clash in sorted(folders & seen.keys())[:1]:
        raise InputError(f"{zip_path}: the entry {seen[clash][:80]!a} is a file and a folder")
    if not files:
        raise InputError(f"{zip_path}: holds no files")
    return files


def _key(path: PurePosixPath) -> str:
    """The path as the least discerning file system would compare it."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _name_problem(name: str) -> str | None:
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or ":" in parts[0]:
        return "has an absolute path"
    if ".." in parts:
        return "would land outside the folder"
    if not name.isprintable() or "\\" in name:
        return "has a name with control characters or backslashes"
    if "" in parts or "." in parts or len(parts) > MAX_DEPTH:
        return "has a malformed path"
    if any(len(part.encode()) > 255 for part in parts):
        return "has too long a name"
    return None


def _kind_problem(entry: zipfile.ZipInfo) -> str | None:
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "is a link, expected a file"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a special file, expected a file"
    if entry.flag_bits & 0x2041:
        return "is encrypted; unpack the archive by hand and give the folder"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"uses the compression method {entry.compress_type}, expected stored or deflated"
    return None


def _check_free_space(zip_path: Path, declared: int, folder: Path) -> None:
    existing = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(existing).free
    if declared > free:
        raise InputError(
            f"{zip_path}: unpacks to {declared / 1e9:.3f} GB, but {folder.parent} has only "
            f"{free / 1e9:.3f} GB free"
        )
