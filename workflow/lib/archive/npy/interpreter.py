"""Read a pickle of NumPy arrays without executing anything.

Python's own unpickler calls whatever a file names, and even with `find_class` overridden
it allocates what a file declares before looking whether the file holds it, hashes any key
and hands any state to NumPy's C code. This module therefore never calls it. It interprets
the pickle itself, and knows only numbers, strings, bytes, tuples, lists, dicts with text
keys, and the stand-ins of `pickled_arrays`. What asks for any other name becomes an `Unread`:
nothing is imported, made or called for it, and its contents are dropped. Every other opcode is
refused. Long contents stay views of the file.

Protocols 0 to 5 as written by Python 2 and 3 and by NumPy 1 and 2 are understood.
"""

import mmap
import pickle
import pickletools
import struct
from collections.abc import Callable, Sequence

from workflow.lib.archive.npy.arrays import Array, Name, Refused, Text, Type, Unread, short_text
from workflow.lib.archive.npy.names import NAMES
from workflow.lib.archive.npy.stream import PickleBytes

MAX_OPERATIONS = 300_000  # so that the longest refusal takes well below a second


def read(source: bytes | mmap.mmap, start: int = 0) -> object:
    """The value pickled in `source` from byte `start` to its end.

    Arrays come as stand-ins that `pickled_arrays.as_array` turns into arrays, and what is
    neither an array nor plain data as `Unread`, inside lists and dicts too. Items of dicts
    whose keys are no short text are dropped. Raises Refused for broken pickles and for
    excessive ones.
    """
    return _Machine(source, start).run()


class _Machine(PickleBytes):
    """One pass over one pickle: the stack, the memo and the position in the file."""

    def __init__(self, source: bytes | mmap.mmap, start: int):
        super().__init__(source, start)
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
        raise Refused(
            f"the pickle has more than {MAX_OPERATIONS} operations; save long lists as arrays"
        )

    def finish(self) -> object:
        surplus = len(self.view) - self.position
        if surplus:
            raise Refused(f"{surplus} bytes follow the end of the pickle")
        if len(self.stack) != 1 or self.marks:
            raise Refused("the pickle is malformed: it leaves more or less than one value")
        return self.stack.pop()

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

    def pop(self) -> None:
        """Drop the last value, or the mark after it."""
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def extend(self, items: list) -> None:
        target = self.stack[-1]
        if type(target) is list:
            target.extend(items)
        elif type(target) is not Unread:
            raise Refused("the pickle appends to something that is not a list")

    def add_to_set(self) -> None:
        self.pop_mark()
        if type(self.stack[-1]) is not Unread:
            raise Refused("the pickle adds to something that is not a set")

    def set_items(self, items: list) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, Unread) or len(items) % 2:
            raise Refused("the pickle sets items of something that is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(target) is dict and type(key) in (str, bytes):
                target[short_text(key, "a dict key")] = value

    def make_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.set_items(items)

    def store(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    # Names and what they do

    def named(self, module: object, name: object) -> Name | Unread:
        path = _name_text(module, "a module"), _name_text(name, "a name")
        if path in NAMES:
            return NAMES[path]
        asked = ascii(".".join(path)[:80])
        return Unread(f"asks for {asked}, which is no part of a NumPy array")

    def named_in_lines(self) -> Name | Unread:
        return self.named(bytes(self.line()), bytes(self.line()))

    def call(self) -> object:
        function, arguments = self.pop_tuple(2)
        if type(arguments) is tuple and type(function) is Unread:
            return function
        if type(function) is not Name or function.call is None or type(arguments) is not tuple:
            raise Refused("the pickle calls something that is not a function")
        unread = [argument for argument in arguments if type(argument) is Unread]
        # Arrays of another class, or of a type that is none of NumPy's own.
        return unread[0] if unread else function.call(self.spend, arguments)

    def instance(self, parts: Sequence) -> Unread:
        """An instance of a class, `parts[0]`: not made, whatever the arguments after it."""
        if type(parts[0]) is not Unread:
            raise Refused("the pickle makes an instance of something that is not a class")
        return parts[0]

    def frozen_set(self) -> Unread:
        self.pop_mark()
        return _SET

    def set_state(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is Unread:
            return
        if type(target) not in (Array, Type) or type(state) is not tuple:
            raise Refused("the pickle sets the state of something that is not an array")
        target.set_state(state)


def _name_text(value: object, what: str) -> str:
    """The text of a name; the beginning of one that is too long to be NumPy's."""
    return str(value.view[:80], "latin-1") if type(value) is Text else short_text(value, what)


def _opcode_name(opcode: int) -> str:
    known = pickletools.code2op.get(chr(opcode))
    return f"the opcode {known.name}" if known else f"the unknown opcode 0x{opcode:02x}"


_SET = Unread("holds a set, expected an array")

# Opcodes that push one value, and opcodes that change the stack otherwise. Absent, and so
# refused: extension codes, persistent ids, out-of-band buffers, and DUP, which nobody writes.
_PUSHES: dict[int, Callable[[_Machine], object]] = {
    code[0]: read_value
    for code, read_value in {
        pickle.NONE: lambda m: None,
        pickle.NEWTRUE: lambda m: True,
        pickle.NEWFALSE: lambda m: False,
        pickle.INT: lambda m: m.integer_line(),
        pickle.LONG: lambda m: m.integer_line(),
        pickle.FLOAT: lambda m: m.float_line(),
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
        pickle.UNICODE: lambda m: m.text_line(),
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
        pickle.GET: lambda m: m.memo[m.index_line()],
        pickle.BINGET: lambda m: m.memo[m.unsigned(1)],
        pickle.LONG_BINGET: lambda m: m.memo[m.unsigned(4)],
        pickle.GLOBAL: lambda m: m.named_in_lines(),
        pickle.STACK_GLOBAL: lambda m: m.named(*m.pop_tuple(2)),
        pickle.REDUCE: lambda m: m.call(),
        pickle.INST: lambda m: m.instance([m.named_in_lines(), m.pop_mark()]),
        pickle.OBJ: lambda m: m.instance(m.pop_mark()),
        pickle.NEWOBJ: lambda m: m.instance(m.pop_tuple(2)),
        pickle.NEWOBJ_EX: lambda m: m.instance(m.pop_tuple(3)),
        pickle.EMPTY_SET: lambda m: _SET,
        pickle.FROZENSET: lambda m: m.frozen_set(),
    }.items()
}
_ACTIONS: dict[int, Callable[[_Machine], None]] = {
    code[0]: act
    for code, act in {
        pickle.PROTO: lambda m: m.take(1),
        pickle.FRAME: lambda m: m.take(8),  # frames only help readers of streams
        pickle.MARK: lambda m: m.marks.append(len(m.stack)),
        pickle.POP: lambda m: m.pop(),
        pickle.POP_MARK: lambda m: m.pop_mark(),
        pickle.APPEND: lambda m: m.extend(list(m.pop_tuple(1))),
        pickle.APPENDS: lambda m: m.extend(m.pop_mark()),
        pickle.SETITEM: lambda m: m.set_items(list(m.pop_tuple(2))),
        pickle.SETITEMS: lambda m: m.set_items(m.pop_mark()),
        pickle.DICT: lambda m: m.make_dict(),
        pickle.PUT: lambda m: m.store(m.index_line()),
        pickle.BINPUT: lambda m: m.store(m.unsigned(1)),
        pickle.LONG_BINPUT: lambda m: m.store(m.unsigned(4)),
        pickle.MEMOIZE: lambda m: m.store(len(m.memo)),
        pickle.ADDITEMS: lambda m: m.add_to_set(),
        pickle.BUILD: lambda m: m.set_state(),
    }.items()
}
