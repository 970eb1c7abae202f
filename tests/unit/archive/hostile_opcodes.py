"""Hostile values for a pickled dict, put together opcode by opcode.

No honest writer makes them; `pickletools.dis` shows what they say.
"""

import io
import struct

import numpy as np

NDARRAY = b"cnumpy\nndarray\n"
NEW_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(" + NDARRAY + b"(K\x00tC\x01btR"
BYTES_TYPE = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
OBJECT_TYPE = b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR"

Corpus = dict[str, tuple[str, bytes]]  # name: reason of the refusal, bytes


def npy(content: bytes, descr: str = "|O", shape: tuple = ()) -> bytes:
    """A .npy file with a well-formed header, which need not fit its content."""
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


def wrapped(value: bytes) -> bytes:
    """A file whose dict has `value`, opcodes that leave one value, as xtr and as ytr."""
    return of_dict(b"U\x03xtr" + value + b"q\xffU\x03ytrh\xff")


def of_dict(items: bytes) -> bytes:
    """A file whose dict has these items: opcodes that leave a key and a value in turns."""
    content = b"}(" + items + b"u"
    return npy(b"\x80\x05" + NEW_ARRAY + b"(K\x01)" + OBJECT_TYPE + b"\x89]" + content + b"atb.")


def array_of(shape: bytes, kind: bytes, data: bytes) -> bytes:
    """Opcodes of an array in the way of numpy's _reconstruct and state."""
    return NEW_ARRAY + b"(K\x01" + shape + kind + b"\x89" + data + b"tb"


def code_opcodes() -> Corpus:
    """Values that want something executed."""
    not_allowed, no_class = "which is not allowed", "not a class"
    return {
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
        "inst": (no_class, b"(U\x02u1inumpy\ndtype\n"),
        "inst_of_popen": ("subprocess.Popen", b"(U\x02lsisubprocess\nPopen\n"),
        "obj": (no_class, b"(" + NDARRAY + b"U\x02u1o"),
        "obj_of_popen": ("subprocess.Popen", b"(csubprocess\nPopen\nU\x02lso"),
        "obj_of_nothing": ("truncated or malformed", b"(o"),
        "newobj": (no_class, NDARRAY + b")\x81"),
        "newobj_of_popen": ("subprocess.Popen", b"csubprocess\nPopen\nU\x02ls\x85\x81"),
        "newobj_ex": (no_class, NDARRAY + b")}\x92"),
        "newobj_ex_of_popen": ("subprocess.Popen", b"csubprocess\nPopen\n)}\x92"),
        "persistent_id": (f"PERSID, {not_allowed}", b"Pos.system\n"),
        "binary_persistent_id": (f"BINPERSID, {not_allowed}", b"U\x09os.systemQ"),
        "extension_code": (f"EXT1, {not_allowed}", b"\x82\x01"),
        "out_of_band_buffer": (f"NEXT_BUFFER, {not_allowed}", b"\x97"),
        "set": ("holds a set", b"\x8f(K\x01\x90"),
        "frozen_set": ("holds a set", b"(K\x01\x91"),
        "items_of_a_set_in_a_list": ("not a set", b"](K\x01\x90"),
        "copy_of_the_top": (f"DUP, {not_allowed}", b"N2"),
        "state_that_runs": ("os.system", b"cos\nsystem\n}U\x0c__setstate__cos\nsystem\nsb"),
        "items_that_run": ("os.system", b"cos\nsystem\n(U\x01aU\x01bu"),
        "method_of_an_unread": ("getattr", b"c__builtin__\ngetattr\n(cos\nsystem\ntR(U\x01atR"),
        "state_of_a_dict": ("sets the state", b"}}U\x09__class__Nsb"),
        "state_of_a_function": ("sets the state", b"c_codecs\nencode\n}U\x08__code__Nsb"),
        "state_is_a_dict": ("sets the state", NEW_ARRAY + b"}U\x08__dict__Nsb"),
        "items_of_an_array": ("not a dict", NEW_ARRAY + b"K\x00K\x00s"),
    }


def bomb_opcodes() -> Corpus:
    """Small values that would take all memory, all time, or crash the interpreter."""
    shared = array_of(b"I100000\n\x85", BYTES_TYPE, b"B\xa0\x86\x01\x00" + b"\0" * 100_000)
    encode = (
        b"c_codecs\nencode\nq\x01(X\xa0\x86\x01\x00" + b"a" * 100_000 + b"\x8c\x06latin1tq\x02R"
    )
    fields = b"(K\x03U\x01|N(U\x01at}U\x01aNstb"
    truncated, sizes, many = "bytes announced", "not a tuple of sizes", "operations"
    return {
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
            "scalar of the array type 'O8'",
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
        "huge_integer": (truncated, b"\x8b\xff\xff\xff\x7fx"),
        "long_integer": ("integer of 1000000 bytes", b"\x8b\x40\x42\x0f\x00" + b"\xff" * 10**6),
        "many_digits": ("integer of 1000001 characters", b"L" + b"9" * 10**6 + b"L\n"),
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
            "holds a dict",
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


OPCODES = code_opcodes() | bomb_opcodes()
