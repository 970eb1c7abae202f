"""What a file is by its first bytes, and what to do with one that cannot be unpacked here."""

from pathlib import Path

from workflow.lib.archive.unpack.compressed import BROKEN, COMPRESSIONS, open_compressed
from workflow.lib.archive.unpack.entries import BY_HAND
from workflow.lib.archive.unpack.tar import BLOCK_BYTES, is_header

_HEAD_BYTES = 2048
_SETS = "expected a folder, zip or tar with training_sets/ and evaluation_sets/"
_NO_ARCHIVE = f"{_SETS}; give that as data.archive"
_AGAIN = "saved instead of the archive: download it again in a browser, logged in where needed"

# By their first bytes:
_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard (zst)",
    b"\x04\x22\x4d\x18": "compressed by LZ4",
    b"LZIP": "compressed by lzip",
    b"\x1f\x9d": "compressed by compress (Z)",
    b"\x5d\0\0": "compressed by LZMA",
    b"MSCF": "a cabinet archive (cab)",
}
_SINGLE_FILES = {
    b"\x93NUMPY": "a single array (.npy)",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"MATLAB 5.0 MAT-file": "a MATLAB file (.mat)",
    b"MATLAB 7.3 MAT-file": "a MATLAB file (.mat)",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image (PNG)",
    b"\xff\xd8\xff": "an image (JPEG)",
    b"{": "a JSON file",
    b"MZ": "a Windows program",
}
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")
_OFFICE = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".npz")  # zips inside, but not to be unpacked
_POINTER = b"version https://git-lfs.github.com/spec/"


def archive_kind(path: Path) -> str | None:
    """ "zip", "tar", "tar.gz", "tar.bz2" or "tar.xz", told by content; None for other files."""
    head = _head(path)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return "zip"
    if is_header(head[:BLOCK_BYTES]):
        return "tar"
    compression = _first(COMPRESSIONS, head)
    if compression and _may_be_tar(path, compression):
        return f"tar.{compression}"
    return None


def is_packed(path: Path) -> bool:
    """Whether the file is there to be unpacked, be it here or by hand."""
    if path.suffix.lower() in _OFFICE:
        return False
    head = _head(path)
    return archive_kind(path) is not None or bool(_first(COMPRESSIONS | _ARCHIVES, head))


def not_an_archive(path: Path) -> str:
    """What a file is that is neither a zip nor a tar, and what to do: the end of a message."""
    head = _head(path)
    if not head:
        return "the file is empty; fetch it again"
    if compression := _first(COMPRESSIONS, head):
        return f"a single file compressed by {compression}, {_SETS}; {BY_HAND}"
    if found := _first(_ARCHIVES, head):
        return f"{found}, which is not read here; {BY_HAND}"
    if found := _first(_SINGLE_FILES, head):
        return f"{found}, {_NO_ARCHIVE}"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower().startswith(_PAGES):
        return f"a web page, {_AGAIN}"
    if head.startswith(_POINTER):
        return "a pointer of Git LFS, not the file itself: fetch it (git lfs pull)"
    return f"neither a zip nor a tar: it starts with {ascii(head[:6])[1:]}, {_NO_ARCHIVE}"


def _first(kinds: dict[bytes, str], head: bytes) -> str | None:
    return next((kind for start, kind in kinds.items() if head.startswith(start)), None)


def _head(path: Path) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(_HEAD_BYTES)


def _may_be_tar(path: Path, compression: str) -> bool:
    """Whether a tar is inside a compressed file, as far as that can be read."""
    try:
        with open_compressed(path, compression) as stream:
            return is_header(stream.read(BLOCK_BYTES))
    except (*BROKEN, OSError):
        return True
