"""Load .npy files without executing anything, and without trusting what they declare.

Two kinds of file occur in the dataset. Plain arrays (the whole-specimen scans) are mapped
from the file. Sets of signals are dicts that `np.save` pickled into an array of no
dimensions; NumPy, where it is allowed to load them, runs whatever they ask for, so
`safe_pickle` reads them. Every refusal is an InputError of one line that names the file.
"""

import math
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workflow.lib.archive.npy import interpreter as safe_pickle
from workflow.lib.archive.npy.arrays import Array, Refused, Type, Unread, as_array, is_plausible
from workflow.lib.runtime.files import InputError

MAX_HEADER_BYTES = 4096
MAX_PICKLE_BYTES = 2**30  # 600,000 signals of 32-bit floats
MAX_LISTED_BYTES = 2**24  # of numbers that the pickle lists one by one
MAPPED_FROM_BYTES = 2**26  # larger arrays stay in the file
BLOCK_BYTES = 2**25  # of `read_blocks`

_HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<type>[^']*)',\s*'fortran_order':\s*(?P<fortran>True|False),"
    r"\s*'shape':\s*\((?P<shape>[0-9L,\s]*)\),?\s*\}\s*"
)
_NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_OBJECTS = re.compile(r"\|?O[48]?")


class Header(NamedTuple):
    """What the head of a .npy file declares: numpy's type text, order, shape, start of data."""

    type: str
    is_fortran: bool
    shape: tuple[int, ...]
    data_start: int


def read_header(path: Path) -> Header:
    """The header of a .npy file of format 1, 2 or 3; its declarations are not yet checked.

    Raises InputError if it is not such a header. It is matched as text, never evaluated.
    """
    try:
        with open(path, "rb") as stream:
            head = stream.read(12 + MAX_HEADER_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not head:
        raise InputError(f"{path}: the file is empty, expected a .npy file; fetch it again")
    if head[:6] != b"\x93NUMPY"[: len(head)]:
        raise InputError(f"{path}: not a .npy file: it starts with {ascii(head[:6])[1:]}")
    major = head[6] if len(head) > 6 else 1
    if major not in (1, 2, 3):
        raise InputError(f"{path}: .npy format {major}, expected 1, 2 or 3")
    start = 10 if major == 1 else 12
    length = int.from_bytes(head[8:start], "little")
    if len(head) >= start and length > MAX_HEADER_BYTES:
        raise InputError(f"{path}: header of {length} bytes, expected at most {MAX_HEADER_BYTES}")
    if len(head) < start or len(head) < start + length:
        raise InputError(f"{path}: truncated within the .npy header; fetch it again")
    return _parsed_header(path, head[start : start + length].decode("latin-1"), start + length)


def map_array(path: Path) -> np.ndarray:
    """A plain array of numbers, mapped read-only from a .npy file.

    Raises InputError when the file is no .npy file, holds objects or fields, or is not
    exactly as long as its header declares.
    """
    path = Path(path)
    header = read_header(path)
    if not _NUMBERS.fullmatch(header.type):
        raise InputError(f"{path}: holds type {header.type[:40]!a}, expected an array of numbers")
    dtype = np.dtype(header.type)
    declared = header.data_start + math.prod(header.shape) * dtype.itemsize
    found = path.stat().st_size
    if found != declared:
        broken = "truncated; fetch it again" if found < declared else "longer than declared"
        raise InputError(
            f"{path}: shape {header.shape} of {dtype.str!r} takes {declared} bytes, "
            f"the file has {found}: it is {broken}"
        )
    if math.prod(header.shape) == 0:
        return np.empty(header.shape, dtype)
    order = "F" if header.is_fortran else "C"
    return np.memmap(path, dtype, "r", header.data_start, header.shape, order)


def open_array(path: Path) -> np.ndarray:
    """A plain array of numbers from a .npy file: read, or mapped if it has 64 MiB or more.

    Raises InputError as `map_array` does.
    """
    array = map_array(path)
    return array if array.nbytes >= MAPPED_FROM_BYTES else np.array(array, order="K")


def read_blocks(path: Path, tile: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Blocks of a plain array of two or more axes: (start on axis 0, start on axis 1, block).

    Starts are multiples of `tile`; a block has `tile` lines (fewer at the end) on the axis
    that varies slowest in the file and at most 32 MiB. The mapping is renewed for every
    block, or else the pages of the whole file would stay in memory. Errors as `map_array`.
    """
    array = map_array(path)
    slow, fast = (1, 0) if array.flags.f_contiguous and not array.flags.c_contiguous else (0, 1)
    shape = array.shape
    bytes_per_tile = tile * tile * array.itemsize * math.prod(shape[2:])
    width = tile * max(1, BLOCK_BYTES // max(1, bytes_per_tile))
    del array
    for first in range(0, shape[slow], tile):
        for second in range(0, shape[fast], width):
            start = (first, second) if slow == 0 else (second, first)
            size = (tile, width) if slow == 0 else (width, tile)
            rows, columns = (slice(a, a + n) for a, n in zip(start, size, strict=True))
            yield *start, np.array(map_array(path)[rows, columns])


def load_dict(path: Path, keys: tuple[str, ...] = ("xtr", "ytr")) -> dict[str, np.ndarray]:
    """The arrays named `keys` of a dict that `np.save` pickled into a .npy file.

    Other keys are ignored, whatever they hold: what is no plain data is not read. Raises
    InputError when the file is no such file, lacks a key, is broken, or when one of `keys`
    holds anything but an array of numbers.
    """
    path = Path(path)
    header = read_header(path)
    if not _OBJECTS.fullmatch(header.type) or header.shape != ():
        raise InputError(
            f"{path}: holds an array of type {header.type[:40]!a} and shape {header.shape}, "
            f"expected a dict with the keys {', '.join(keys)}"
        )
    size = path.stat().st_size
    if size > MAX_PICKLE_BYTES:
        raise InputError(f"{path}: {size} bytes, expected at most {MAX_PICKLE_BYTES}")
    try:
        with open(path, "rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            content = _wrapped_dict(safe_pickle.read(mapped, header.data_start))
        missing = [key for key in keys if key not in content]
        if missing:
            found = ", ".join(ascii(key[:20]) for key in list(content)[:5]) or "none"
            raise Refused(f"the dict lacks the key {missing[0]!r}; its keys are {found}")
        # Copies, because views would break if the file changed while they are in use.
        return {
            key: np.array(_needed(key, content[key], size + MAX_LISTED_BYTES), order="K")
            for key in keys
        }
    except Refused as error:
        raise InputError(f"{path}: {error}") from error


def _parsed_header(path: Path, text: str, data_start: int) -> Header:
    match = _HEADER.fullmatch(text)
    if match is None:
        raise InputError(
            f"{path}: the .npy header {text[:60]!a} does not declare a plain array "
            "(type, order and shape)"
        )
    sizes = match["shape"].replace("L", "").split(",")
    try:
        shape = tuple(int(size) for size in sizes if size.strip())
    except ValueError as error:
        raise InputError(f"{path}: the .npy header has shape ({match['shape'][:60]})") from error
    if not is_plausible(shape):
        raise InputError(
            f"{path}: the .npy header declares an impossible shape of {len(shape)} axes"
        )
    return Header(match["type"], match["fortran"] == "True", shape, data_start)


def _wrapped_dict(value: object) -> dict[str, object]:
    """The dict inside the array of no dimensions in which `np.save` wraps an object."""
    if (
        type(value) is not Array
        or type(value.type) is not Type
        or not value.type.is_object
        or value.shape != ()
        or type(value.data) is not list
        or len(value.data) != 1
        or type(value.data[0]) not in (dict, Unread)
    ):
        raise Refused("the pickle does not hold a dict saved by np.save")
    if type(value.data[0]) is Unread:
        raise Refused(f"{value.data[0].refusal()}, expected a plain dict saved by np.save")
    return value.data[0]


def _needed(key: str, value: object, limit: int) -> np.ndarray:
    try:
        return as_array(value, limit)
    except Refused as error:
        raise Refused(f"{key}: {error}; save {key} as a plain array of numbers") from error
