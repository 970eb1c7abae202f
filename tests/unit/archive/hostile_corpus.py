"""Generates hostile and broken .npy files, each with the reason for which it must be refused."""

import builtins
import functools
import os
import pickle
import struct
import subprocess

import numpy as np
from hostile_opcodes import OPCODES, Corpus, npy, wrapped

SENTINEL = "executed"  # the file that payloads create in the working directory
COMMAND = f"touch {SENTINEL}"
RUN_CODE = f"open({SENTINEL!r}, 'w')"


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def saved(content: object, protocol: int = 4) -> bytes:
    """`content` as np.save pickles it into a file."""
    wrapper = np.empty((), object)
    wrapper[()] = content
    return npy(pickle.dumps(wrapper, protocol))


def header_only(text: str, major: int = 1, length: int | None = None) -> bytes:
    """A file that is only a header of format `major`, by default with its true length."""
    body = text.encode()
    size = struct.pack("<H" if major == 1 else "<I", len(body) if length is None else length)
    return b"\x93NUMPY" + bytes([major, 0]) + size + body


def code_corpus() -> Corpus:
    """Files that want something executed."""
    no_part = "which is no part of a NumPy array"
    corpus = {
        f"os_system_protocol_{protocol}": (no_part, saved(Call(os.system, COMMAND), protocol))
        for protocol in range(6)
    }
    payloads = {
        "builtins_eval": (no_part, saved({"xtr": Call(builtins.eval, RUN_CODE), "ytr": 1})),
        "exec_of_python2": (no_part, saved(Call(builtins.exec, RUN_CODE), 2)),
        "subprocess": (
            no_part,
            saved({"xtr": Call(subprocess.Popen, ["touch", SENTINEL]), "ytr": 1}),
        ),
        "nested_reduce": ("not hold a dict", saved([(1, {"a": Call(builtins.eval, RUN_CODE)})])),
        "call_in_a_list": (
            no_part,
            saved({"xtr": [np.zeros(3), Call(builtins.eval, RUN_CODE)], "ytr": 1}),
        ),
        "call_as_argument": (no_part, saved(Call(np.dtype, Call(os.system, COMMAND)))),
        "partial": (no_part, saved(functools.partial(os.system, COMMAND))),
    }
    return corpus | payloads


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


WRAPPED = {name: (reason, wrapped(value)) for name, (reason, value) in OPCODES.items()}
CORPUS = code_corpus() | WRAPPED | header_corpus() | content_corpus()
