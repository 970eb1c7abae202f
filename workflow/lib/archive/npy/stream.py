"""The bytes of a pickle, taken in order; nothing is allocated before the file holds it."""

import codecs
import mmap
from collections.abc import Callable
from typing import TypeVar

from workflow.lib.archive.npy.arrays import Refused, Text, Unread

LONGEST_SHORT = 64  # bytes; longer contents stay in the file
LONGEST_NAME = 512  # bytes of a module, or of a class inside classes
LONGEST_INTEGER = 16  # bytes
LONGEST_NUMBER = 64  # characters

T = TypeVar("T")


class PickleBytes:
    """A position in a pickle, and the contents that follow it. Raises Refused where they end."""

    def __init__(self, source: bytes | mmap.mmap, start: int):
        self.source = source
        self.view = memoryview(source)
        self.position = start
        self.copies_left = len(source)

    def take(self, count: int) -> memoryview:
        """The next `count` bytes, as a view of the file."""
        left = len(self.view) - self.position
        if not 0 <= count <= left:
            raise Refused(f"the pickle is truncated: {count} bytes announced, {left} left")
        self.position += count
        return self.view[self.position - count : self.position]

    def unsigned(self, size: int) -> int:
        """A number of `size` bytes, lowest first."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int | Unread:
        """The same in two's complement; long ones, which no array needs, are not read."""
        view = self.take(size)
        if size > LONGEST_INTEGER:
            return Unread(f"holds an integer of {size} bytes, expected an array")
        return int.from_bytes(view, "little", signed=True)

    def bytes_counted(self, size: int) -> bytes | memoryview:
        """Bytes after their number, which has `size` bytes; long ones as a view."""
        view = self.take(self.unsigned(size))
        return bytes(view) if len(view) <= LONGEST_SHORT else view

    def text_counted(self, size: int) -> str | Text:
        """Text after its length in bytes, which has `size` bytes; long text stays in the file."""
        return _text(self.take(self.unsigned(size)), "utf-8")

    def line(self, longest: int = LONGEST_NAME) -> memoryview:
        """The bytes up to the next end of a line, at most `longest`."""
        end = self.source.find(b"\n", self.position, self.position + longest + 1)
        if end < 0:
            raise Refused("the pickle is truncated or malformed: a line does not end")
        view = self.take(end - self.position)
        self.position += 1
        return view

    def text_line(self) -> str | Text:
        """Text of protocol 0, with escapes."""
        return _text(self.line(len(self.view)), "raw-unicode-escape")

    def index_line(self) -> int:
        """A position in the memo, as protocol 0 writes it."""
        return _parsed(self.line(LONGEST_NUMBER), int)

    def float_line(self) -> float:
        """A float of protocol 0."""
        return _parsed(self.line(LONGEST_NUMBER), float)

    def integer_line(self) -> int | bool | Unread:
        """An integer of protocol 0; long ones are not read."""
        line = self.line(len(self.view))
        if len(line) > LONGEST_NUMBER:
            return Unread(f"holds an integer of {len(line)} characters, expected an array")
        return _parsed(line, _integer)

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


def _text(view: memoryview, encoding: str) -> str | Text:
    if len(view) > LONGEST_SHORT:
        return Text(view, encoding)
    # As Python pickles it: names of files may hold half characters ("surrogates").
    return str(view, encoding, "surrogatepass" if encoding == "utf-8" else "strict")


def _parsed(line: memoryview, parse: Callable[[str], T]) -> T:
    text = str(line, "ascii")
    try:
        return parse(text)
    except ValueError as error:
        raise Refused(f"the pickle holds {text[:32]!a} where a number belongs") from error


def _integer(line: str) -> int | bool:
    """An integer as protocol 0 writes it: "00" and "01" are False and True, "5L" is 5."""
    return line == "01" if line in ("00", "01") else int(line.removesuffix("L"))
