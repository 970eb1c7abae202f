"""safe_npy.py reads what NumPy and Python write, of every protocol, age and layout."""

import pickle

import numpy as np
import pytest
from hostile_corpus import npy, saved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from workflow.lib.archive.npy import load as safe_npy
from workflow.lib.archive.npy.load import load_dict, map_array, open_array, read_blocks
from workflow.lib.runtime.files import InputError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
RNG = np.random.default_rng(5)
SIGNALS = RNG.integers(0, 256, (5, 6, 72))
EULER = RNG.uniform(-3, 3, (5, 3))

# Every byte value once, as an array of 4 × 64, and angles exact in base 10 and 2.
BYTES = np.arange(256, dtype=np.uint8)
ANGLES = np.array([[0.5, -1.25, 2.0]])


def layouts(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in C order, in Fortran order, and in neither."""
    return {
        "C": np.ascontiguousarray(array),
        "Fortran": np.asfortranarray(array),
        "transposed": np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1),
        "strided": np.repeat(array, 2, axis=0)[::2],
    }


def assert_reads(tmp_path, content: bytes, xtr=SIGNALS, ytr=EULER) -> dict[str, np.ndarray]:
    path = tmp_path / "01.npy"
    path.write_bytes(content)
    loaded = load_dict(path)
    np.testing.assert_array_equal(loaded["xtr"], xtr)
    np.testing.assert_array_equal(loaded["ytr"], ytr)
    return loaded


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i4", "i8", "<f2", "<f4", ">f4", "f8"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_every_protocol_type_and_layout(protocol, dtype, tmp_path):
    for array in layouts(SIGNALS.astype(dtype)).values():
        loaded = assert_reads(tmp_path, saved({"xtr": array, "ytr": EULER}, protocol))
        assert loaded["xtr"].dtype == np.dtype(dtype)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_object_arrays_and_lists(protocol, tmp_path):
    signals = np.empty(5, object)
    signals[:] = list(SIGNALS.astype(np.float32))
    grid = np.asfortranarray(EULER.astype(object))  # of Python floats
    for index in np.ndindex(grid.shape):
        if sum(index) % 2:
            grid[index] = np.float64(grid[index])
    assert_reads(tmp_path, saved({"xtr": signals, "ytr": grid}, protocol))
    assert_reads(tmp_path, saved({"xtr": SIGNALS[0].tolist(), "ytr": []}, protocol), SIGNALS[0], [])
    assert_reads(tmp_path, saved({"xtr": list(SIGNALS), "ytr": EULER.tolist()}, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ignores_other_keys_with_harmless_values(protocol, tmp_path):
    extra = {
        "note": "Ni 718 – δ",
        "long note": "é" * 1000,
        "bytes": bytes(range(256)) * 5,
        "none": b"",
        "numbers": [1, -2, 2**40, -(2**70), 0.1, True, None, (), (1,), (1, 2), (1, 2, 3, 4)],
        "nested": {"a": {"b": [{}]}},
        "scalar": np.float32(1.5),
    }
    assert_reads(tmp_path, saved({"xtr": SIGNALS, **extra, "ytr": EULER}, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("numpy_1", [False, True])
def test_reads_module_names_of_numpy_1_and_2(numpy_1, protocol, tmp_path):
    wrapper = np.empty((), object)
    wrapper[()] = {"xtr": SIGNALS, "ytr": EULER}
    pickled = pickle.dumps(wrapper, protocol)
    if numpy_1:
        # Names of protocol 4 and 5 carry their length; frames, which do too, are not needed.
        for module in (b"multiarray", b"numeric"):
            long, short = b"numpy._core." + module, b"numpy.core." + module
            pickled = pickled.replace(
                b"\x8c" + bytes([len(long)]) + long, b"\x8c" + bytes([len(short)]) + short
            ).replace(b"c" + long, b"c" + short)
    assert (b"numpy._core" not in pickled) == numpy_1
    assert_reads(tmp_path, npy(pickled))


# Pickles as Python 2 wrote them, by hand: text is bytes, and array data a string.


def python2_array_protocol_0(array: np.ndarray, kind: str) -> bytes:
    shape = "".join(f"L{n}L\n" for n in array.shape)
    order = "|" if kind == "u1" else "<"
    return (
        b"cnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\np4\n"
        b"tp5\nRp6\n(I1\n(" + shape.encode() + b"tp7\ncnumpy\ndtype\np8\n(S'" + kind.encode()
        + b"'\np9\nI0\nI1\ntp10\nRp11\n(I3\nS'" + order.encode() + b"'\np12\nNNNI-1\nI-1\nI0\n"
        b"tp13\nbI00\nS" + repr(array.tobytes())[1:].encode() + b"\np14\ntp15\nb"
    )  # fmt: skip


def python2_array_protocol_2(array: np.ndarray, kind: str) -> bytes:
    data = array.tobytes()
    shape = b"".join(b"M" + n.to_bytes(2, "little") for n in array.shape)
    order = b"|" if kind == "u1" else b"<"
    return (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01b"
        b"q\x04\x87q\x05Rq\x06(K\x01(" + shape + b"tq\x07cnumpy\ndtype\nq\x08U\x02"
        + kind.encode() + b"q\x09K\x00K\x01\x87q\x0aRq\x0b(K\x03U\x01" + order + b"q\x0cNNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0db\x89T" + len(data).to_bytes(4, "little")
        + data + b"q\x0etq\x0fb"
    )  # fmt: skip


def python2_wrapper(protocol: int, xtr: bytes, ytr: bytes) -> bytes:
    if protocol == 0:
        content = b"(dp20\nS'xtr'\np21\n" + xtr + b"p22\nsS'ytr'\np23\n" + ytr + b"p24\ns"
    else:
        content = b"}q\x20(U\x03xtrq\x21" + xtr + b"U\x03ytrq\x22" + ytr + b"u"
    start = b"" if protocol == 0 else b"\x80" + bytes([protocol])
    return (
        start + b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(t"
        b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntbI00\n(l"
        + content + b"atb."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "array"), [(0, python2_array_protocol_0), (2, python2_array_protocol_2)]
)
def test_reads_python_2_pickles(protocol, array, tmp_path):
    xtr = BYTES.reshape(4, 64)
    pickled = python2_wrapper(protocol, array(xtr, "u1"), array(ANGLES, "f8"))
    by_python = pickle.loads(pickled, encoding="latin1").item()  # they are well-formed
    np.testing.assert_array_equal(by_python["xtr"], xtr)
    np.testing.assert_array_equal(by_python["ytr"], ANGLES)
    assert_reads(tmp_path, npy(pickled), xtr, ANGLES)


def test_reads_headers_of_python_2_and_of_later_formats(tmp_path):
    body = saved({"xtr": SIGNALS, "ytr": EULER})
    body = body[body.index(b"\n") + 1 :]
    header = b"{'descr': '|O4', 'fortran_order': False, 'shape': (), }   \n"
    for major, size in ((1, 2), (2, 4), (3, 4)):
        start = b"\x93NUMPY" + bytes([major, 0]) + len(header).to_bytes(size, "little")
        assert_reads(tmp_path, start + header + body)
    path = tmp_path / "scan.npy"
    header = b"{'descr': '>f4', 'fortran_order': True, 'shape': (2L, 3L)}\n"
    values = np.arange(6, dtype=">f4").reshape(2, 3)
    path.write_bytes(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)
    with open(path, "ab") as stream:
        stream.write(values.tobytes(order="F"))
    np.testing.assert_array_equal(open_array(path), values)


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    array=arrays(
        st.sampled_from(["?", "i1", "u1", ">u2", "<i8", "f2", ">f8"]),
        array_shapes(min_dims=0, max_dims=4, max_side=4),
    ),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_any_array_of_numbers_survives(array, protocol, tmp_path):
    path = tmp_path / "any.npy"
    path.write_bytes(saved({"xtr": array, "ytr": array.T}, protocol))
    loaded = load_dict(path)
    np.testing.assert_array_equal(loaded["xtr"], array)
    np.testing.assert_array_equal(loaded["ytr"], array.T)
    np.save(path, array)
    np.testing.assert_array_equal(open_array(path), array)


def test_loaded_arrays_outlive_their_file(tmp_path):
    path = tmp_path / "01.npy"
    path.write_bytes(saved({"xtr": SIGNALS, "ytr": EULER}))
    loaded = load_dict(path)
    path.write_bytes(b"")
    np.testing.assert_array_equal(loaded["xtr"], SIGNALS)


def test_large_arrays_stay_in_the_file(tmp_path, monkeypatch):
    path = tmp_path / "scan.npy"
    np.save(path, SIGNALS)
    assert not isinstance(open_array(path), np.memmap)
    monkeypatch.setattr(safe_npy, "MAPPED_FROM_BYTES", SIGNALS.nbytes)
    mapped = open_array(path)
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, SIGNALS)


@pytest.mark.parametrize("shape", [(3, 8, 6, 72), (37, 41, 2), (16, 16), (1, 100, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_tile_the_array(shape, order, tmp_path, monkeypatch):
    path = tmp_path / "scan.npy"
    array = np.asarray(RNG.integers(0, 256, shape), dtype=np.uint8, order=order)
    np.save(path, array)
    monkeypatch.setattr(safe_npy, "BLOCK_BYTES", 3 * 64 * int(np.prod(shape[2:])))
    rebuilt, times_covered = np.zeros_like(array), np.zeros(shape, int)
    for x, y, block in read_blocks(path, 8):
        assert (x % 8, y % 8) == (0, 0)
        assert block.nbytes <= safe_npy.BLOCK_BYTES
        assert block.shape[0 if array.flags.c_contiguous else 1] <= 8
        place = slice(x, x + block.shape[0]), slice(y, y + block.shape[1])
        rebuilt[place] = block
        times_covered[place] += 1
    np.testing.assert_array_equal(rebuilt, array)
    assert (times_covered == 1).all()


def test_refusals_of_what_is_not_a_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.npy: cannot be read: No such file"):
        load_dict(tmp_path / "none.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match=r"folder\.npy: cannot be read"):
        map_array(tmp_path / "folder.npy")


def test_refuses_pickles_too_large_to_be_a_set(tmp_path, monkeypatch):
    path = tmp_path / "01.npy"
    path.write_bytes(saved({"xtr": SIGNALS, "ytr": EULER}))
    monkeypatch.setattr(safe_npy, "MAX_PICKLE_BYTES", 1000)
    with pytest.raises(InputError, match=r"01\.npy: \d+ bytes, expected at most 1000"):
        load_dict(path)
