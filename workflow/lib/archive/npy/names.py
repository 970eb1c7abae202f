"""What the names mean that a pickled NumPy array refers to: stand-ins, which only take notes.

Arguments come from the file and are checked here, or when an array is made of the notes.
"""

import numpy as np

from workflow.lib.archive.npy.arrays import (
    Array,
    Name,
    Refused,
    Spend,
    Text,
    Type,
    Unread,
    kind_of,
    short_text,
)


def _new_array(spend: Spend, arguments: tuple) -> Array:
    """numpy's _reconstruct(ndarray, (0,), b"b"): always an empty array, filled by its state."""
    if len(arguments) != 3 or arguments[0] is not _NDARRAY or arguments[1] != (0,):
        raise Refused("the pickle starts an array in a way NumPy does not write")
    return Array()


def _array_from_buffer(spend: Spend, arguments: tuple) -> Array:
    """numpy's _frombuffer(bytes, type, shape, order[, axis order]), of protocol 5."""
    if len(arguments) not in (4, 5) or arguments[3] not in ("C", "F", "K"):
        raise Refused("the pickle holds a malformed array buffer")
    array = Array()
    array.data, array.type, array.shape, order = arguments[:4]
    array.order = "F" if order == "F" else "C"
    if order == "K" and len(arguments) == 5:
        array.axis_order = arguments[4]
    return array


def _new_type(spend: Spend, arguments: tuple) -> Type:
    """numpy.dtype(code, align, copy): any code, as nothing is made of it here."""
    return Type(short_text(arguments[0], "an array type") if arguments else "")


def _scalar(spend: Spend, arguments: tuple) -> int | float | bool | Unread:
    """numpy's scalar(type, bytes): one number; other scalars, such as dates, are not read."""
    if len(arguments) != 2 or type(arguments[0]) is not Type:
        raise Refused("the pickle holds a malformed number")
    kind, data = arguments
    if not kind.is_numeric:
        return Unread(f"holds a scalar of {kind_of(kind)}, expected an array")
    if type(data) is not bytes or np.dtype(kind.code).itemsize != len(data):
        raise Refused(f"the pickle holds a number of type {kind.code!r} that is malformed")
    return np.frombuffer(data, kind.order + kind.code)[0].item()


def _latin1_bytes(spend: Spend, arguments: tuple) -> bytes:
    """_codecs.encode(text, "latin1"): how Python 3 writes bytes in protocols 0 to 2."""
    if len(arguments) != 2 or arguments[1] not in ("latin1", "latin-1"):
        raise Refused("the pickle encodes text otherwise than as Latin-1")
    text = arguments[0]
    if type(text) is Text:
        spend(len(text.view))
        return str(text.view, text.encoding).encode("latin-1")
    return short_text(text, "bytes").encode("latin-1")


def _no_bytes(spend: Spend, arguments: tuple) -> bytes:
    """bytes(): how Python 3 writes no bytes at all in protocols 0 to 2."""
    if arguments:
        raise Refused("the pickle makes bytes of something")
    return b""


_NDARRAY = Name(None)  # only ever an argument
_NAMES_BY_VERSION = {
    ("multiarray", "_reconstruct"): Name(_new_array),
    ("multiarray", "scalar"): Name(_scalar),
    ("numeric", "_frombuffer"): Name(_array_from_buffer),
}
NAMES = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): Name(_new_type),
    ("_codecs", "encode"): Name(_latin1_bytes),
    ("__builtin__", "bytes"): Name(_no_bytes),
} | {
    (f"{package}.{module}", name): stand_in
    for package in ("numpy.core", "numpy._core")  # NumPy 1 and NumPy 2
    for (module, name), stand_in in _NAMES_BY_VERSION.items()
}
