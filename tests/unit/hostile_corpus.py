"""Generates hostile and broken .npy files, each with the reason for which it must be refused.

Pickles that no honest writer makes are put together opcode by opcode; `pickletools.dis`
shows what they say.
"""

import builtins
import functools
import io
import os
import pickle
import struct
import subprocess

import numpy as np

SENTINEL = "executed"  # the file that payloads create in the working directory
COMMAND = f"touch {SENTINEL}"
RUN_CODE = f"open({SENTINEL!r}, 'w')"

NDARRAY = b"cnumpy\nndarray\n"
NEW_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(" + NDARRAY + b"(K\x00tC\x01btR"
BYTES_TYPE = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
OBJECT_TYPE = b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR"

Corpus = dict[str, tuple[str, bytes]]


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def npy(content: bytes, descr: str = "|O", shape: tuple = ()) -> bytes:
    """A .npy file with a well-formed header, which need not fit its content."""
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


def saved(content: object, protocol: int = 4) -> bytes:
    """`content` as np.save pickles it into a file."""
    wrapper = np.empty((), object)
    wrapper[()] = content
    return npy(pickle.dumps(wrapper, protocol))


def wrapped(value: bytes) -> bytes:
    """A file whose dict has `value`, opcodes that leave one value, as xtr and as ytr."""
    content = b"}(U\x03xtr" + value + b"q\xffU\x03ytrh\xffu"
    return npy(b"\x80\x05" + NEW_ARRAY + b"(K\x01)" + OBJECT_TYPE + b"\x89]" + content + b"atb.")


def array_of(shape: bytes, kind: bytes, data: bytes) -> bytes:
    """Opcodes of an array in the way of numpy's _reconstruct and state."""
    return NEW_ARRAY + b"(K\x01" + shape + kind + b"\x89" + data + b"tb"


def header_only(text: str, major: int = 1, length: int | None = None) -> bytes:
    """A file that is only a header of format `major`, by default with its true length."""
    body = text.encode()
    size = struct.pack("<H" if major == 1 else "<I", len(body) if length is None else length)
    return b"\x93NUMPY" + bytes([major, 0]) + size + body


def code_corpus() -> Corpus:
    """Files that want something executed."""
    no_part, not_allowed = "which is no part of a NumPy array", "which is not allowed"
    corpus = {
        f"os_system_protocol_{protocol}": (no_part, saved(Call(os.system, COMMAND), protocol))
        for protocol in range(6)
    }
    payloads = {
        "builtins_eval": (no_part, saved({"xtr": Call(builtins.eval, RUN_CODE)})),
        "exec_of_python2": (no_part, saved(Call(builtins.exec, RUN_CODE), 2)),
        "subprocess": (no_part, saved({"xtr": Call(subprocess.Popen, ["touch", SENTINEL])})),
        "nested_reduce": (no_part, saved([(1, {"a": Call(builtins.eval, RUN_CODE)})])),
        "call_as_argument": (no_part, saved(Call(np.dtype, Call(os.system, COMMAND)))),
        "partial": (no_part, saved(functools.partial(os.system, COMMAND))),
    }
    opcodes = {
        "getattr": ("__builtin__.getattr", b"c__builtin__\ngetattr\n(cos\nsystem\nU\x01atR"),
        "numpy_load": ("numpy.load", b"cnumpy\nload\n(U\x01xNI01\ntR"),
        "numpy_fromfile": ("numpy.fromfile", b"cnumpy\nfromfile\n(U\x0b/etc/passwdtR"),
        "dotted_name": ("numpy.f2py.os.system", b"\x8c\x05numpy\x8c\x0ef2py.os.system\x93)R"),
        "dotted_method": ("numpy.ndarray.tofile", b"\x8c\x05numpy\x8c\x0endarray.tofile\x93)R"),
        "name_of_name": ("expected short text", NDARRAY + b"U\x03osa\x93"),
        "call_of_ndarray": ("not a function", NDARRAY + b"(I1000000000\nI1000\nttR"),
        "call_of_text": ("not a function", b"U\x09os.system)R"),
        "call_without_tuple": ("not a function", b"cnumpy\ndtype\nU\x02u1R"),
        "encode_with_codec": (
            "otherwise than as Latin-1",
            b"c_codecs\nencode\n(U\x03abc\x8c\x03ziptR",
        ),
        "encode_object": ("as bytes", b"c_codecs\nencode\n(}\x8c\x06latin1tR"),
        "inst": (f"INST, {not_allowed}", b"(U\x02u1inumpy\ndtype\n"),
        "obj": (f"OBJ, {not_allowed}", b"(" + NDARRAY + b"U\x02u1o"),
        "newobj": (f"NEWOBJ, {not_allowed}", NDARRAY + b")\x81"),
        "newobj_ex": (f"NEWOBJ_EX, {not_allowed}", NDARRAY + b")}\x92"),
        "persistent_id": (f"PERSID, {not_allowed}", b"Pos.system\n"),
        "binary_persistent_id": (f"BINPERSID, {not_allowed}", b"U\x09os.systemQ"),
        "extension_code": (f"EXT1, {not_allowed}", b"\x82\x01"),
        "out_of_band_buffer": (f"NEXT_BUFFER, {not_allowed}", b"\x97"),
        "set": (f"EMPTY_SET, {not_allowed}", b"\x8f(K\x01\x90"),
        "state_of_a_dict": ("sets the state", b"}}U\x09__class__Nsb"),
        "state_of_a_function": ("sets the state", b"c_codecs\nencode\n}U\x08__code__Nsb"),
        "state_is_a_dict": ("sets the state", NEW_ARRAY + b"}U\x08__dict__Nsb"),
        "items_of_an_array": ("not a dict", NEW_ARRAY + b"K\x00K\x00s"),
    }
    return (
        corpus
        | payloads
        | {name: (reason, wrapped(value)) for name, (reason, value) in opcodes.items()}
    )


def bomb_corpus() -> Corpus:
    """Small files that would take all memory, all time, or crash the interpreter."""
    shared = array_of(b"I100000\n\x85", BYTES_TYPE, b"B\xa0\x86\x01\x00" + b"\0" * 100_000)
    encode = (
        b"c_codecs\nencode\nq\x01(X\xa0\x86\x01\x00" + b"a" * 100_000 + b"\x8c\x06latin1tq\x02R"
    )
    fields = b"(K\x03U\x01|N(U\x01at}U\x01aNstb"
    truncated, sizes, many = "bytes announced", "not a tuple of sizes", "operations"
    opcodes = {
        "reconstruct_huge": (
            "a way NumPy does not write",
            NEW_ARRAY.replace(b"(K\x00t", b"(J\xff\xff\xff\x7ft"),
        ),
        "huge_shape": (
            "(1099511627776,) and type '|u1' but holds 2 bytes",
            array_of(b"\x8a\x06\0\0\0\0\0\x01\x85", BYTES_TYPE, b"U\x02ab"),
        ),
        "overflowing_shape": (
            "impossible shape",
            array_of(b"\x8a\x05\0\0\0\0\x01\x8a\x05\0\0\0\0\x01\x86", BYTES_TYPE, b"U\0"),
        ),
        "empty_but_huge": (
            "impossible shape",
            array_of(b"K\x00" + b"\x8a\x08" + b"\xff" * 7 + b"\x3f" + b"\x86", BYTES_TYPE, b"U\0"),
        ),
        "negative_shape": (sizes, array_of(b"I-1\nI-2\n\x86", BYTES_TYPE, b"U\x02ab")),
        "shape_of_text": (sizes, array_of(b"U\x01a\x85", BYTES_TYPE, b"U\x02ab")),
        "many_axes": (
            "impossible shape of 1000 axes",
            array_of(b"(" + b"K\x01" * 1000 + b"t", BYTES_TYPE, b"U\x01a"),
        ),
        "huge_object_array": (
            "does not hold",
            array_of(b"\x8a\x05\0\0\0\0\x01\x85", OBJECT_TYPE, b"]"),
        ),
        "buffer_shape": (
            "(3,) and type '|u1' but holds 2 bytes",
            b"cnumpy._core.numeric\n_frombuffer\n(U\x02ab" + BYTES_TYPE + b"K\x03\x85\x8c\x01CtR",
        ),
        "type_with_fields": ("fields", array_of(b"K\x01\x85", BYTES_TYPE + fields, b"U\x01a")),
        "wide_type": ("'V2000000000'", b"cnumpy\ndtype\n(U\x0bV2000000000K\0K\x01tR"),
        "wide_string_type": ("'S2000000000'", b"cnumpy\ndtype\n(U\x0bS2000000000K\0K\x01tR"),
        "object_scalar": (
            "number of type 'O8'",
            b"cnumpy.core.multiarray\nscalar\n(" + OBJECT_TYPE + b"U\x08abcdefghtR",
        ),
        "bytes_as_objects": (
            "does not hold",
            array_of(b"K\x01\x85", OBJECT_TYPE, b"U\x08abcdefgh"),
        ),
        "huge_bytes": (truncated, b"\x8e" + struct.pack("<Q", 2**62) + b"x"),
        "huge_text": (truncated, b"\x8d" + struct.pack("<Q", 2**62) + b"x"),
        "huge_bytearray": (truncated, b"\x96" + struct.pack("<Q", 2**63) + b"x"),
        "huge_string": (truncated, b"T\xff\xff\xff\x7fx"),
        "huge_integer": ("integer of 2147483647 bytes", b"\x8b\xff\xff\xff\x7fx"),
        "long_integer": ("integer of 1000000 bytes", b"\x8b\x40\x42\x0f\x00" + b"\xff" * 10**6),
        "many_digits": ("does not end", b"L" + b"9" * 10**6 + b"L\n"),
        "huge_memo_index": ("holds nothing", b"Nr\xff\xff\xff\x7f"),
        "huge_memo_number": ("holds nothing", b"Np" + b"9" * 50 + b"\n"),
        "deep_tuples": ("a tuple, expected an array", b")" + b"\x85" * 250_000),
        "deep_lists": ("deep", b"]" * 100_000 + b"a" * 99_999),
        "deep_marks": (many, b"(" * 10**6),
        "list_inside_itself": ("deep", b"]\x94h\x00a"),
        "doubling_lists": (
            "deep",
            b"(" * 60 + b"N\x94" + b"".join(b"h%cl\x94" % i for i in range(60)),
        ),
        "doubling_tuples_hashed": (
            "as a dict key",
            b"})\x94" + b"".join(b"h%c\x86\x94" % i for i in range(60)) + b"Ns",
        ),
        "shared_array": (
            "expands",
            array_of(
                b"M\x20\x4e\x85", OBJECT_TYPE, b"(" + shared + b"q\x01" + b"h\x01" * 19_999 + b"l"
            ),
        ),
        "shared_small_array": (
            "more than 30000 arrays",
            b"("
            + array_of(b"K\x01\x85", BYTES_TYPE, b"U\x01a")
            + b"q\x01"
            + b"h\x01" * 200_000
            + b"l",
        ),
        "shared_numbers": (
            "more than 300000 objects",
            b"(((" + b"K\x01" * 99 + b"l\x94" + b"h\x00" * 99 + b"l\x94" + b"h\x01" * 99 + b"l",
        ),
        "repeated_encoding": ("expands", b"(" + encode + b"h\x01h\x02R" * 20_000 + b"l"),
        "endless_operations": (many, b"N" * 5_000_000),
        "endless_names": (many, NDARRAY * 400_000),
        "endless_text": ("does not end", b"V" + b"x" * 5_000_000),
    }
    return {name: (reason, wrapped(value)) for name, (reason, value) in opcodes.items()}


def header_corpus() -> Corpus:
    """Files that are no .npy files, or whose headers lie."""
    honest = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"
    fields = "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (3,), }\n"
    undeclared, impossible, no_dict = "does not declare", "impossible shape", "expected a dict"
    arrays = {"xtr": np.zeros(3), "ytr": np.zeros(3)}
    return {
        "empty": ("the file is empty", b""),
        "web_page": ("not a .npy file", b"<!DOCTYPE html><title>Too many requests</title>"),
        "pickle_without_header": ("not a .npy file", pickle.dumps({"xtr": 1})),
        "format_9": ("format 9", header_only(honest % ("|u1", "(1,)"), major=9)),
        "huge_header": ("2147483648 bytes", header_only("{", major=2, length=2**31)),
        "header_runs_code": (undeclared, header_only(f"__import__('os').system({COMMAND!r})\n")),
        "header_nests": (undeclared, header_only("(" * 3000)),
        "header_recurses": (undeclared, header_only("-" * 3000 + "1")),
        "header_with_fields": (undeclared, header_only(fields)),
        "header_shape_huge": (no_dict, npy(b"abc", "|u1", (2**30, 6, 72))),
        "header_shape_overflows": (
            impossible,
            header_only(honest % ("|u1", "(4294967296, 4294967296)")),
        ),
        "header_empty_but_huge": (impossible, npy(b"", "|u1", (0, 2**62, 2**62))),
        "header_shape_digits": (impossible, header_only(honest % ("|u1", f"({'9' * 3000},)"), 2)),
        "header_shape_words": ("has shape (1 2,)", header_only(honest % ("|u1", "(1 2,)"))),
        "header_many_axes": (impossible, header_only(honest % ("|u1", f"({'1, ' * 500})"), 2)),
        "header_wide_type": (no_dict, npy(b"abc", "|S2000000000", (3,))),
        "objects_with_axes": (no_dict, npy(b"N.", "|O", (2**40,))),
        "list": ("does not hold a dict", saved([1, 2, 3])),
        "dict_without_array": ("does not hold a dict", npy(pickle.dumps(arrays))),
        "trailing_bytes": ("1 bytes follow", saved(arrays) + b"x"),
        "lacks_ytr": ("lacks the key 'ytr'", saved({"xtr": np.zeros((2, 6, 72))})),
    }


def content_corpus() -> Corpus:
    """Files of the right kind with impossible contents."""
    signals, euler = np.full((4, 6, 72), 100.0), np.full((4, 3), 0.5)
    is_bad = np.arange(signals.size).reshape(signals.shape) == 500
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((6, 72)), np.zeros((6, 71))]
    kind = "expected plain numbers"

    def specimen(xtr=signals, ytr=euler) -> bytes:
        return saved({"xtr": xtr, "ytr": ytr})

    return {
        "nan_signal": ("NaN", specimen(np.where(is_bad, np.nan, signals))),
        "infinite_signal": ("infinite", specimen(np.where(is_bad, np.inf, signals))),
        "nan_angle": ("NaN", specimen(ytr=np.where(np.eye(4, 3), np.nan, euler))),
        "signals_over_255": ("from 300 to 300", specimen(signals * 3)),
        "signals_below_0": ("from -100 to -100", specimen(-signals)),
        "signals_0_to_1": ("scaled to 0–1", specimen(signals / 255)),
        "degrees": ("looks like degrees", specimen(ytr=np.degrees(euler))),
        "wrong_dimensions": ("(4, 432), expected (n, 6, 72)", specimen(signals.reshape(4, 432))),
        "swapped_axes": ("expected (n, 6, 72)", specimen(signals.transpose(0, 2, 1))),
        "fewer_angles": ("4 signals in xtr but 3", specimen(ytr=euler[:3])),
        "no_signals": ("is empty", specimen(signals[:0], euler[:0])),
        "text_instead": (kind, specimen(np.array(["a", "b"]))),
        "times_instead": (kind, specimen(np.array([0, 1], "M8[s]"))),
        "complex_instead": (kind, specimen(signals + 0j)),
        "none_instead": ("holds nothing", specimen(None)),
        "ragged": ("arrays of 2 shapes", specimen(ragged)),
    }


CORPUS = code_corpus() | bomb_corpus() | header_corpus() | content_corpus()
