"""Keys of a set that nobody asks for: whatever they hold is ignored, and none of it is run."""

import collections
import dataclasses
import datetime
import enum
import fractions
import functools
import os
import pathlib
import uuid

import numpy as np
import pandas as pd
import pytest
from hostile_corpus import COMMAND, SENTINEL, Call, saved
from hostile_opcodes import BYTES_TYPE, OPCODES, array_of, of_dict
from measured_loading import measure

from workflow.lib.archive.npy import interpreter as safe_pickle
from workflow.lib.archive.npy.arrays import Unread
from workflow.lib.archive.npy.load import load_dict
from workflow.lib.runtime.files import InputError

SIGNALS = np.arange(6 * 72).astype(np.uint8).reshape(1, 6, 72)
EULER = np.full((1, 3), 1, np.uint8)


class Etchant(enum.Enum):
    NITAL = "nital"


@dataclasses.dataclass
class Note:
    author: str
    lines: list[str]


def recursive() -> tuple:
    inside_itself = ([],)
    inside_itself[0].append(inside_itself)
    return inside_itself


TABLE = pd.DataFrame(
    {"grain": [1, 2], "phase": ["fcc", "bcc"], "at": pd.to_datetime(["2020-01-01", "2021-01-01"])}
)
EXTRAS = {
    "text": "Inconel 718",
    "long text": "μ" * 300,
    "undecodable name": "drm\udcff.npy",
    "bytes": b"abc" * 100,
    "bytearray": bytearray(100),
    "datetime": datetime.datetime(2020, 1, 1),
    "datetime with zone": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "timedelta": datetime.timedelta(1),
    "table": TABLE,
    "column": TABLE["at"],
    "timestamp": pd.Timestamp("2020-01-01", tz="UTC"),
    "categories": pd.Categorical(["a", "b"]),
    "missing values": [pd.NA, pd.NaT, None],
    "dict": {"a": 1, 2: "b", None: 3, (1, 2): 4, "l" * 100: 5, "within": {"xtr": [1]}},
    "list of text": ["a", "b"],
    "nothing": None,
    "structured array": np.zeros(3, [("a", "i4"), ("b", "U3"), ("c", "f8", (2,))]),
    "record array": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "void scalar": np.zeros(1, [("a", "i4")])[0],
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "date scalar": np.datetime64("2020-01-01T12:00"),
    "complex array": np.zeros(3, complex),
    "complex": 1j,
    "text array": np.array(["a", "bcd"]),
    "new text array": np.array(["a", "bcd"], np.dtypes.StringDType()),
    "bytes array": np.array([b"a"]),
    "object array": np.array([None, "a", {1: 2}], object),
    "masked array": np.ma.masked_array([1, 2], [0, 1]),
    "matrix": np.eye(2).view(np.matrix),
    "long double": np.longdouble(1),
    "float scalar": np.float64(1),
    "text scalar": np.str_("a"),
    "type": np.dtype([("a", "i4")]),
    "class": np.float64,
    "function": np.sin,
    "path": pathlib.Path("/raw/01.tif"),
    "enum": Etchant.NITAL,
    "dataclass": Note("K.", ["etched twice"]),
    "set": {1, 2},
    "frozen set": frozenset([1]),
    "identifier": uuid.UUID(int=2**128 - 1),
    "large number": 10**4000,
    "fraction": fractions.Fraction(1, 3),
    "ordered": collections.OrderedDict(a=1),
    "default": collections.defaultdict(list, a=[1]),
    "partial": functools.partial(int, "1"),
    "random numbers": np.random.default_rng(1),
    "recursive": recursive(),
    "slice": slice(1, 2),
}


@pytest.mark.parametrize("name", EXTRAS)
def test_what_honest_writers_add_is_ignored(name, tmp_path):
    path = tmp_path / "01.npy"
    for protocol in range(6):
        path.write_bytes(saved({"xtr": SIGNALS, name: EXTRAS[name], "ytr": EULER}, protocol))
        loaded = load_dict(path)
        assert list(loaded) == ["xtr", "ytr"]
        np.testing.assert_array_equal(loaded["xtr"], SIGNALS)
        np.testing.assert_array_equal(loaded["ytr"], EULER)


def test_all_of_it_in_one_file_as_numpy_saves_it(tmp_path):
    np.save(tmp_path / "01.npy", {**EXTRAS, 7: 8, "xtr": SIGNALS, "ytr": EULER}, allow_pickle=True)
    np.testing.assert_array_equal(load_dict(tmp_path / "01.npy")["ytr"], EULER)


@pytest.mark.parametrize("name", EXTRAS)
def test_the_same_in_a_needed_place_is_refused_by_the_name_of_its_key(name, tmp_path):
    path = tmp_path / "01.npy"
    places = [("xtr", EXTRAS[name]), ("ytr", EXTRAS[name]), ("ytr", [EULER, EXTRAS[name]])]
    for key, value in places:
        path.write_bytes(saved({"xtr": SIGNALS, "ytr": EULER} | {key: value}))
        with pytest.raises(InputError) as caught:
            load_dict(path)
        assert str(caught.value).startswith(f"{path}: {key}: the pickle ")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("table", "asks for 'pandas.DataFrame'"),
        ("datetime", "asks for 'datetime.datetime'"),
        ("dataclass", "asks for 'test_npy_ignored_keys.Note'"),
        ("record array", "asks for 'numpy.rec.recarray'"),
        ("new text array", "asks for .*stringdtype"),
        ("dates", "holds the array type 'M8'"),
        ("structured array", "holds the array type 'V32' with fields"),
        ("text scalar", "holds a scalar of the array type 'U1'"),
        ("set", "holds a set"),
        ("large number", "holds an integer of 1662 bytes"),
    ],
)
def test_the_refusal_says_what_was_asked_for(name, asked, tmp_path):
    path = tmp_path / "01.npy"
    path.write_bytes(saved({"xtr": EXTRAS[name], "ytr": EULER}))
    with pytest.raises(InputError, match=rf"xtr: the pickle {asked}"):
        load_dict(path)


def test_another_kind_of_dict_is_refused_by_what_it_is(tmp_path):
    path = tmp_path / "01.npy"
    path.write_bytes(saved(collections.OrderedDict(xtr=SIGNALS, ytr=EULER)))
    with pytest.raises(InputError, match=r"'collections\.OrderedDict', .*expected a plain dict"):
        load_dict(path)


def beside_honest_arrays(value: bytes) -> bytes:
    """A file with honest signals and angles, and `value` (opcodes) under a key between them."""
    signals = array_of(b"K\x01K\x06K\x48\x87", BYTES_TYPE, b"B\xb0\x01\0\0" + SIGNALS.tobytes())
    euler = array_of(b"K\x01K\x03\x86", BYTES_TYPE, b"U\x03" + EULER.tobytes())
    return of_dict(b"U\x03xtr" + signals + b"U\x05extra" + value + b"U\x03ytr" + euler)


def test_hostile_values_in_an_ignored_key_run_nothing_and_stay_cheap(tmp_path):
    files = {name: beside_honest_arrays(value) for name, (_, value) in OPCODES.items()}
    files["os_system"] = saved({"extra": Call(os.system, COMMAND), "xtr": SIGNALS, "ytr": EULER})
    honest = {str(protocol): saved({"xtr": SIGNALS, "ytr": EULER}, protocol) for protocol in (0, 4)}
    honest["opcodes"] = beside_honest_arrays(b"N")
    measured = measure(files, honest, tmp_path)
    assert measured["events"] == []
    assert max(measured["seconds"].values()) < 1.0
    assert measured["peak_mb"] < 200
    assert not (tmp_path / SENTINEL).exists()
    accepted = {name for name, outcome in measured["outcomes"].items() if outcome == "accepted"}
    assert {"os_system", "getattr", "newobj_of_popen", "state_that_runs", "huge_shape"} <= accepted
    # Malformed pickles, and more operations than any set needs, are refused wherever they are.
    malformed = {"persistent_id", "extension_code", "obj_of_nothing", "huge_bytes", "deep_marks"}
    assert not accepted & (malformed | {"endless_operations", "repeated_encoding", "call_of_text"})


def test_nothing_of_an_unread_value_is_kept():
    content = saved(Note("K.", ["etched " * 100] * 100))
    read = safe_pickle.read(content, content.index(b"\n") + 1)
    assert type(read.data[0]) is Unread
    assert Unread.__slots__ == ("why",)
