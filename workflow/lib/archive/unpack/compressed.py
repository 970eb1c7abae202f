"""Read files compressed by gzip, bzip2 or xz as a stream, in memory that no file decides on."""

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import BinaryIO

from workflow.lib.archive.unpack.entries import BY_HAND
from workflow.lib.runtime.files import InputError

COMPRESSIONS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}  # by their first bytes
BROKEN = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)

_BLOCK_BYTES = 2**16
_XZ_MEMORY_BYTES = 2**28  # xz -9 wants 65 MiB; a file may ask for 4 GiB


def open_compressed(path: Path, compression: str | None) -> BinaryIO:
    """The contents of a file compressed by "gz", "bz2" or "xz", or as it is for None.

    Reading raises one of BROKEN, or OSError without a number, where the file is broken, and
    InputError for xz that wants too much memory.
    """
    if compression == "xz":
        return io.BufferedReader(_Xz(path))
    return {None: io.open, "gz": gzip.open, "bz2": bz2.open}[compression](path, "rb")


class _Xz(io.RawIOBase):
    """One or more xz streams. The library's LZMAFile would allocate whatever a stream declares."""

    def __init__(self, path: Path):
        self.path = path
        self.source = open(path, "rb")  # noqa: SIM115 (closed in close)
        self.decoder = _decoder()

    def close(self) -> None:
        self.source.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while True:
            if self.decoder.eof:
                following = self.decoder.unused_data or self.source.read(_BLOCK_BYTES)
                if not following:
                    return 0
                self.decoder = _decoder()
            elif self.decoder.needs_input:
                following = self.source.read(_BLOCK_BYTES)
                if not following:
                    raise EOFError("the xz stream ends early")
            else:
                following = b""
            data = self._decompressed(following, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _decompressed(self, following: bytes, count: int) -> bytes:
        try:
            return self.decoder.decompress(following, count)
        except lzma.LZMAError as error:
            if "Memory usage limit" not in str(error):
                raise
            raise InputError(
                f"{self.path}: wants over {_XZ_MEMORY_BYTES >> 20} MiB of memory to be unpacked; "
                f"{BY_HAND}"
            ) from error


def _decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
