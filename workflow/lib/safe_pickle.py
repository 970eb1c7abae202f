"""Read a pickle of NumPy arrays without executing anything.

Python's own unpickler calls whatever a file names, and even with `find_class` overridden
it allocates what a file declares before looking whether the file holds it, hashes any key
and hands any state to NumPy's C code. This module therefore never calls it. It interprets
the pickle itself, and knows only numbers, strings, bytes, tuples, lists, dicts with text
keys, and the stand-ins of `pickled_arrays`. Every other opcode and name is refused. Long
contents stay views of the file.

Protocols 0 to 5 as written by Python 2 and 3 and by NumPy 1 and 2 are understood.
"""

import codecs
import mmap
import pickle
import pickletools
import struct
from collections.abc import Callable

from workflow.lib.pickled_arrays import NAMES, Array, Name, Refused, Text, Type, short_text

MAX_OPERATIONS = 300_000  # so that the longest refusal takes well below a second
LONGEST_NAME = 64  # bytes; longer contents stay in the file
LONGEST_INTEGER = 16  # bytes
LONGEST_NUMBER = 64  # characters


def read(source: bytes | mmap.mmap, start: int = 0) -> object:
    """The value pickled in `source` from byte `start` to its end.

    Arrays come as stand-ins that `pickled_arrays.as_array` turns into arrays. Raises
    Refused for anything else than data, for broken pickles and for excessive ones.
    """
    return _Machine(source, start).run()


class _Machine:
    """One pass over one pickle: the stack, the memo and the position in the file."""

    def __init__(self, source: bytes | mmap.mmap, start: int):
        self.source = source
        self.view = memoryview(source)
        self.position = start
        self.copies_left = len(source)
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        try:
            for _ in range(MAX_OPERATIONS):
                opcode = self.view[self.position]
                self.position += 1
                if opcode == pickle.STOP[0]:
                    return self.finish()
                if opcode in _PUSHES:
                    self.stack.append(_PUSHES[opcode](self))
                elif opcode in _ACTIONS:
                    _ACTIONS[opcode](self)
                else:
                    raise Refused(f"the pickle uses {_opcode_name(opcode)}, which is not allowed")
        except IndexError as error:
            raise Refused("the pickle is truncated or malformed") from error
        except KeyError as error:
            raise Refused("the pickle refers to a value it never stored") from error
        except UnicodeError as error:
            raise Refused("the pickle holds text that cannot be decoded") from error
        raise Refused(f"the pickle has more than {MAX_OPERATIONS} operations")

    def finish(self) -> object:
        surplus = len(self.view) - self.position
        if surplus:
            raise Refused(f"{surplus} bytes follow the end of the pickle")
        if len(self.stack) != 1 or self.marks:
            raise Refused("the pickle is malformed: it leaves more or less than one value")
        return self.stack.pop()

    # Reading: nothing is allocated before the file is known to hold it.

    def take(self, count: int) -> memoryview:
        left = len(self.view) - self.position
        if count > left:
            raise Refused(f"the pickle is truncated: {count} bytes announced, {left} left")
        self.position += count
        return self.view[self.position - count : self.position]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        if size > LONGEST_INTEGER:
            raise Refused(f"the pickle holds an integer of {size} bytes")
        return int.from_bytes(self.take(size), "little", signed=True)

    def bytes_counted(self, size: int) -> bytes | memoryview:
        view = self.take(self.unsigned(size))
        return bytes(view) if len(view) <= LONGEST_NAME else view

    def text_counted(self, size: int) -> str | Text:
        return _text(self.take(self.unsigned(size)), "utf-8")

    def line(self, longest: int = LONGEST_NAME) -> memoryview:
        end = self.source.find(b"\n", self.position, self.position + longest + 1)
        if end < 0:
            raise Refused("the pickle is truncated or malformed: a line does not end")
        view = self.take(end - self.position)
        self.position += 1
        return view

    def number_line(self, parse: Callable[[str], object]) -> object:
        line = str(self.line(LONGEST_NUMBER), "ascii")
        try:
            return parse(line)
        except ValueError as error:
            raise Refused(f"the pickle holds {line[:32]!a} where a number belongs") from error

    def string_line(self) -> bytes:
        """A string of Python 2 in protocol 0: quoted, with escapes."""
        line = self.line(len(self.view))
        if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":
            raise Refused("the pickle holds a string without quotes")
        self.spend(len(line))
        try:
            return codecs.escape_decode(line[1:-1])[0]
        except ValueError as error:
            raise Refused("the pickle holds a string with broken escapes") from error

    def spend(self, count: int) -> None:
        """Account for bytes copied out of the file: an honest pickle copies none twice."""
        self.copies_left -= count
        if self.copies_left < 0:
            raise Refused("the pickle expands to more than the file holds")

    # Moving values on the stack

    def pop_mark(self) -> list:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop_tuple(self, count: int) -> tuple:
        first = len(self.stack) - count
        if first < 0:
            raise IndexError
        items = tuple(self.stack[first:])
        del self.stack[first:]
        return items

    def extend(self, items: list) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused("the pickle appends to something that is not a list")
        target.extend(items)

    def set_items(self, items: list) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise Refused("the pickle sets items of something that is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[short_text(key, "a dict key")] = value

    def make_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.set_items(items)

    def store(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    # Names and what they do

    def named(self, module: object, name: object) -> Name:
        path = short_text(module, "a module"), short_text(name, "a name")
        if path not in NAMES:
            wanted = ascii(".".join(path)[:80])
            raise Refused(f"the pickle asks for {wanted}, which is no part of a NumPy array")
        return NAMES[path]

    def call(self) -> object:
        function, arguments = self.pop_tuple(2)
        if type(function) is not Name or function.call is None or type(arguments) is not tuple:
            raise Refused("the pickle calls something that is not a function")
        return function.call(self.spend, arguments)

    def set_state(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) not in (Array, Type) or type(state) is not tuple:
            raise Refused("the pickle sets the state of something that is not an array")
        target.set_state(state)


def _text(view: memoryview, encoding: str) -> str | Text:
    return str(view, encoding) if len(view) <= LONGEST_NAME else Text(view, encoding)


def _integer(line: str) -> int | bool:
    """An integer as protocol 0 writes it: "00" and "01" are False and True, "5L" is 5."""
    return line == "01" if line in ("00", "01") else int(line.removesuffix("L"))


def _opcode_name(opcode: int) -> str:
    known = pickletools.code2op.get(chr(opcode))
    return f"the opcode {known.name}" if known else f"the unknown opcode 0x{opcode:02x}"


# Opcodes that push one value, and opcodes that change the stack otherwise. Absent, and so
# refused: all that make instances of classes (INST, OBJ, NEWOBJ…), extension codes, persistent
# ids, out-of-band buffers, sets, and POP, DUP, POP_MARK, which no pickle of arrays needs.
_PUSHES: dict[int, Callable[[_Machine], object]] = {
    code[0]: read_value
    for code, read_value in {
        pickle.NONE: lambda m: None,
        pickle.NEWTRUE: lambda m: True,
        pickle.NEWFALSE: lambda m: False,
        pickle.INT: lambda m: m.number_line(_integer),
        pickle.LONG: lambda m: m.number_line(_integer),
        pickle.FLOAT: lambda m: m.number_line(float),
        pickle.BININT: lambda m: m.signed(4),
        pickle.BININT1: lambda m: m.unsigned(1),
        pickle.BININT2: lambda m: m.unsigned(2),
        pickle.LONG1: lambda m: m.signed(m.unsigned(1)),
        pickle.LONG4: lambda m: m.signed(m.unsigned(4)),
        pickle.BINFLOAT: lambda m: struct.unpack(">d", m.take(8))[0],
        pickle.STRING: lambda m: m.string_line(),
        pickle.BINSTRING: lambda m: m.bytes_counted(4),
        pickle.SHORT_BINSTRING: lambda m: m.bytes_counted(1),
        pickle.BINBYTES: lambda m: m.bytes_counted(4),
        pickle.SHORT_BINBYTES: lambda m: m.bytes_counted(1),
        pickle.BINBYTES8: lambda m: m.bytes_counted(8),
        pickle.BYTEARRAY8: lambda m: m.bytes_counted(8),
        pickle.UNICODE: lambda m: _text(m.line(len(m.view)), "raw-unicode-escape"),
        pickle.BINUNICODE: lambda m: m.text_counted(4),
        pickle.SHORT_BINUNICODE: lambda m: m.text_counted(1),
        pickle.BINUNICODE8: lambda m: m.text_counted(8),
        pickle.EMPTY_TUPLE: lambda m: (),
        pickle.EMPTY_LIST: lambda m: [],
        pickle.EMPTY_DICT: lambda m: {},
        pickle.TUPLE: lambda m: tuple(m.pop_mark()),
        pickle.TUPLE1: lambda m: m.pop_tuple(1),
        pickle.TUPLE2: lambda m: m.pop_tuple(2),
        pickle.TUPLE3: lambda m: m.pop_tuple(3),
        pickle.LIST: lambda m: m.pop_mark(),
        pickle.GET: lambda m: m.memo[m.number_line(int)],
        pickle.BINGET: lambda m: m.memo[m.unsigned(1)],
        pickle.LONG_BINGET: lambda m: m.memo[m.unsigned(4)],
        pickle.GLOBAL: lambda m: m.named(bytes(m.line()), bytes(m.line())),
        pickle.STACK_GLOBAL: lambda m: m.named(*m.pop_tuple(2)),
        pickle.REDUCE: lambda m: m.call(),
    }.items()
}
_ACTIONS: dict[int, Callable[[_Machine], None]] = {
    code[0]: act
    for code, act in {
        pickle.PROTO: lambda m: m.take(1),
        pickle.FRAME: lambda m: m.take(8),  # frames only help readers of streams
        pickle.MARK: lambda m: m.marks.append(len(m.stack)),
        pickle.APPEND: lambda m: m.extend(list(m.pop_tuple(1))),
        pickle.APPENDS: lambda m: m.extend(m.pop_mark()),
        pickle.SETITEM: lambda m: m.set_items(list(m.pop_tuple(2))),
        pickle.SETITEMS: lambda m: m.set_items(m.pop_mark()),
        pickle.DICT: lambda m: m.make_dict(),
        pickle.PUT: lambda m: m.store(m.number_line(int)),
        pickle.BINPUT: lambda m: m.store(m.unsigned(1)),
        pickle.LONG_BINPUT: lambda m: m.store(m.unsigned(4)),
        pickle.MEMOIZE: lambda m: m.store(len(m.memo)),
        pickle.BUILD: lambda m: m.set_state(),
    }.items()
}
