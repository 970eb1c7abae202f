"""Stand-ins for the pieces of which pickles build NumPy arrays, and arrays made from them.

While a pickle is read (`safe_pickle`), nothing of NumPy is called: the names that a pickled
array refers to lead to the functions of `pickle_names`, which only take notes. `as_array` then
makes an array from the notes, after checking that the declared shape and type agree with the
bytes that are there. Types are booleans, integers and floats up to 8 bytes; arrays of objects
are accepted where the objects are numbers or arrays of one shape. Everything else may be
noted, as `Type` or `Unread`, but is refused here: where it is not needed nobody asks.
"""

import math
import re
from collections.abc import Callable

import numpy as np

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**40  # of one array; keeps every size that NumPy computes within 64 bits
# In one conversion, so that the longest takes well below a second:
MAX_OBJECTS = 300_000  # elements of lists and object arrays
MAX_ARRAYS = 30_000  # arrays and lists among them
DEEPEST_NESTING = 4  # of lists and object arrays

_NUMERIC_TYPE = re.compile(r"b1|[iu][1248]|f[248]")
_OBJECT_TYPE = re.compile(r"O[48]?")

Spend = Callable[[int], None]


class Refused(ValueError):
    """The pickle is broken or holds more than arrays; the message says what in one line."""


class Unread:
    """Stand-in for what is no part of an array, such as a date: nothing of it is kept.

    `why` ends the sentence "the pickle …" with which it is refused where an array is needed.
    """

    __slots__ = ("why",)

    def __init__(self, why: str):
        self.why = why

    def refusal(self) -> Refused:
        return Refused(f"the pickle {self.why}")


class Text:
    """Long text left in the file: a view of its bytes and their encoding."""

    __slots__ = ("encoding", "view")

    def __init__(self, view: memoryview, encoding: str):
        self.view = view
        self.encoding = encoding


class Type:
    """Stand-in for numpy.dtype: a type code such as "u1", not yet checked, and a byte order."""

    __slots__ = ("code", "has_fields", "order")

    def __init__(self, code: str):
        self.code = code
        self.order = "="
        self.has_fields = False

    @property
    def is_object(self) -> bool:
        return _OBJECT_TYPE.fullmatch(self.code) is not None and not self.has_fields

    @property
    def is_numeric(self) -> bool:
        return _NUMERIC_TYPE.fullmatch(self.code) is not None and not self.has_fields

    def set_state(self, state: tuple) -> None:
        """Byte order from dtype's state (version, order, subtype, names, fields, …)."""
        if len(state) < 5:
            raise Refused("the pickle holds a malformed array type")
        self.has_fields = any(part is not None for part in state[2:5])
        order = short_text(state[1], "a byte order")
        if order not in {"<", ">", "=", "|"}:
            raise Refused(f"the pickle holds the byte order {order[:8]!a}")
        self.order = order


class Array:
    """Stand-in for numpy.ndarray: what it is to be made of, none of it trusted yet."""

    __slots__ = ("axis_order", "data", "order", "shape", "type")

    def __init__(self) -> None:
        self.data: object = None  # None until the pickle has set the array's state
        self.shape: object = (0,)
        self.type: object = None
        self.order = "C"
        self.axis_order: object = None

    def set_state(self, state: tuple) -> None:
        """Contents from ndarray's state (version, shape, type, is Fortran order, data)."""
        if len(state) != 5:
            raise Refused("the pickle holds a malformed array state")
        _, self.shape, self.type, is_fortran, self.data = state
        self.order = "F" if is_fortran in (True, 1) else "C"


class Name:
    """A permitted global name; `call` is ours and stands in for what the name means."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[Spend, tuple], object] | None):
        self.call = call


def short_text(value: object, what: str) -> str:
    """`value` as text: a string of Python 3, or of Python 2, where text is bytes."""
    if type(value) is bytes:
        return value.decode("latin-1")
    if type(value) is not str:
        raise Refused(f"the pickle has {kind_of(value)} as {what}, expected short text")
    return value


def is_plausible(shape: tuple[int, ...]) -> bool:
    """Whether an array may have this shape; axes of length 0 do not excuse huge other ones."""
    return len(shape) <= MAX_DIMENSIONS and math.prod(size or 1 for size in shape) <= MAX_ELEMENTS


def as_array(value: object, limit: int) -> np.ndarray:
    """The array that a value read by `safe_pickle.read` stands for.

    Accepted are stand-ins of arrays, and object arrays and lists of numbers or of arrays
    with one shape. Single arrays are views of the file's bytes. `limit` bounds the bytes of
    all that is stacked, so that a small file that refers to one array a million times is
    refused before it fills the memory.
    """
    return _Conversion(limit).array(value, 0)


class _Conversion:
    def __init__(self, limit: int):
        self.bytes_left = limit
        self.objects_left = MAX_OBJECTS
        self.arrays_left = MAX_ARRAYS

    def array(self, value: object, depth: int) -> np.ndarray:
        self.arrays_left -= 1
        if self.arrays_left < 0:
            raise Refused(f"the pickle holds more than {MAX_ARRAYS} arrays inside one")
        if depth > DEEPEST_NESTING:
            raise Refused(f"the pickle nests lists or object arrays over {DEEPEST_NESTING} deep")
        if type(value) is list:
            return self._stacked(value, depth)
        if type(value) is Unread:
            raise value.refusal()
        if type(value) is not Array:
            raise Refused(f"the pickle holds {kind_of(value)}, expected an array")
        shape = _checked_shape(value.shape)
        if type(value.type) is Unread:
            raise value.type.refusal()
        if type(value.type) is not Type:
            raise Refused("the pickle holds an array without a type")
        if not value.type.is_object:
            return self._numeric(value, shape)
        if type(value.data) is not list or len(value.data) != math.prod(shape):
            raise Refused(f"the pickle declares an object array of shape {shape} it does not hold")
        flat = self._stacked(value.data, depth)
        # NumPy lists objects in C order, also those of arrays that it flags as Fortran order.
        return flat.reshape(*shape, *flat.shape[1:])

    def _numeric(self, value: Array, shape: tuple[int, ...]) -> np.ndarray:
        if not value.type.is_numeric:
            raise Refused(f"the pickle holds {kind_of(value.type)}, expected plain numbers")
        dtype = np.dtype(value.type.order + value.type.code)
        declared = math.prod(shape) * dtype.itemsize
        held = len(value.data) if isinstance(value.data, bytes | memoryview) else -1
        if declared != held:
            found = f"holds {held} bytes" if held >= 0 else f"holds {kind_of(value.data)}"
            raise Refused(
                f"the pickle declares an array of shape {shape} and type {dtype.str!r} but {found}"
            )
        if not held:
            return np.empty(shape, dtype)
        array = np.frombuffer(value.data, dtype).reshape(shape, order=value.order)
        if value.axis_order is None:
            return array
        axes = _checked_shape(value.axis_order)
        if sorted(axes) != list(range(len(shape))):
            raise Refused(f"the pickle declares the axis order {axes} for shape {shape}")
        return array.transpose(axes)

    def _stacked(self, values: list, depth: int) -> np.ndarray:
        """Objects as one array: numbers along one axis, or arrays stacked along a new one."""
        self.objects_left -= len(values)
        if self.objects_left < 0:
            raise Refused(f"the pickle holds more than {MAX_OBJECTS} objects in arrays")
        if all(type(item) in (int, float, bool) for item in values):
            return np.array([float(item) for item in values], dtype=np.float64)
        parts = [self.array(item, depth + 1) for item in values]
        shapes = {part.shape for part in parts}
        if len(shapes) != 1:
            raise Refused(f"the pickle holds arrays of {len(shapes)} shapes where one is expected")
        self._spend(sum(part.nbytes for part in parts))
        return np.stack(parts)

    def _spend(self, count: int) -> None:
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise Refused("the pickle expands to more than the file holds")


def _checked_shape(shape: object) -> tuple[int, ...]:
    if type(shape) is not tuple or any(type(size) is not int or size < 0 for size in shape):
        raise Refused("the pickle declares an array shape that is not a tuple of sizes")
    if not is_plausible(shape):
        raise Refused(f"the pickle declares an impossible shape of {len(shape)} axes")
    return shape


def kind_of(value: object) -> str:
    """What `value` is, in the words of messages; all types that a pickle can give."""
    names = {
        **{Text: "text", str: "text", bytes: "bytes", memoryview: "bytes", int: "an integer"},
        **{float: "a number", bool: "true or false", type(None): "nothing", tuple: "a tuple"},
        **{list: "a list", dict: "a dict", Array: "an array", Name: "a name"},
        Unread: "an object",
    }
    if type(value) is Type:
        fields = " with fields" if value.has_fields else ""
        return f"the array type {value.code[:32]!a}{fields}"
    return names[type(value)]
