"""Read the entries of a tar, strictly and in order.

The library's tarfile is not used: it reads headers of any declared size into memory, matches
them in quadratic time, and takes a broken header, or the end of a truncated file, for the end
of the archive. Understood are the old format, POSIX with pax headers, and GNU's long names.
"""

from collections.abc import Iterator
from typing import BinaryIO

from workflow.lib.archive.unpack.entries import Broken, Entry

BLOCK_BYTES = 512
MAX_EXTENSION_BYTES = 2**20  # of a header with a long name or attributes of macOS

_NUMBER_BYTES = 12  # digits of the largest length of a pax record
_KINDS = {
    **dict.fromkeys((b"1", b"2"), "is a link, expected a file"),
    **dict.fromkeys((b"3", b"4", b"6"), "is a special file, expected a file"),
    b"S": "is stored with holes (tar -S)",
}


def is_header(block: bytes) -> bool:
    """Whether `block` is the header of an entry: its sum agrees."""
    if len(block) != BLOCK_BYTES or not any(block):
        return False
    try:
        declared = _number(block[148:156])
    except Broken:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    return declared in (sum(rest), sum(rest) - 256 * sum(byte > 127 for byte in rest))


def tar_entries(stream: BinaryIO) -> Iterator[Entry]:
    """The entries in `stream`; the content of each is to be read before the next is asked for.

    Raises Broken unless the tar is whole, up to the zeros at its end.
    """
    extension: dict[str, str] = {}
    while any(block := _exactly(stream, BLOCK_BYTES)):
        if not is_header(block):
            raise Broken("a header is damaged")
        kind, size = block[156:157], _number(block[124:136])
        if kind in b"xXLKg":
            content = _extension(stream, size)
            if kind == b"L":
                extension["path"] = _text(content)
            elif kind in b"xX":
                extension |= _pax_records(content)
            elif kind == b"g" and {"path", "size"} & _pax_records(content).keys():
                raise Broken("a header for all files gives names or sizes")
            continue
        name = extension.get("path") or _name(block)
        is_folder = kind == b"5" or (kind in b"0\0" and name.endswith("/"))
        if is_folder:
            size = 0
        elif "size" in extension:
            size = _decimal(extension["size"])
        content = _Content(stream, size)
        yield Entry(name, is_folder, size, _problem(kind, extension), content.opened)
        content.skip()
        extension = {}
    while rest := stream.read(2**20):
        if any(rest):
            raise Broken("something follows its end, perhaps another tar")


class _Content:
    """The bytes of an entry, which end at its size; what follows fills its last block."""

    def __init__(self, stream: BinaryIO, size: int):
        self.stream, self.left = stream, size
        self.padding = -size % BLOCK_BYTES

    def opened(self) -> "_Content":
        return self

    def __enter__(self) -> "_Content":
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, count: int) -> bytes:
        data = _exactly(self.stream, min(count, self.left))
        self.left -= len(data)
        return data

    def skip(self) -> None:
        while self.left:
            self.read(2**20)
        _exactly(self.stream, self.padding)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise Broken("truncated")
    return data


def _extension(stream: BinaryIO, size: int) -> bytes:
    if size > MAX_EXTENSION_BYTES:
        raise Broken(f"a header of {size} bytes")
    return _exactly(stream, size + -size % BLOCK_BYTES)[:size]


def _pax_records(content: bytes) -> dict[str, str]:
    """Records "<length> <key>=<value>\\n"; the length counts all of it."""
    records, position = {}, 0
    while position < len(content):
        digits, space, _ = content[position : position + _NUMBER_BYTES].partition(b" ")
        length = _decimal(_text(digits))
        record = content[position + len(digits) + 1 : position + length]
        whole = position + length <= len(content) and record.endswith(b"\n")
        if not (space and whole and b"=" in record):
            raise Broken("a header is malformed")
        key, _, value = record[:-1].partition(b"=")
        records[_text(key)] = _text(value)
        position += length
    return records


def _name(block: bytes) -> str:
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = _text(block[:100])
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Octal digits, or, where they would not suffice, a binary number after the byte 0x80."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return _decimal(_text(field).strip(" ") or "0", 8)


def _decimal(text: str, base: int = 10) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Broken("a header holds no number where one belongs")
    try:
        return int(text, base)
    except ValueError as error:
        raise Broken("a header holds no number where one belongs") from error


def _problem(kind: bytes, extension: dict[str, str]) -> str | None:
    if any(key.startswith("GNU.sparse.") for key in extension):
        return _KINDS[b"S"]
    return None if kind in b"05\0" or kind == b"7" else _KINDS.get(kind, "is of an unknown kind")
