"""open_signals: what is a scan, read by rows; and one line for all that is none."""

import pickle
import re
import tracemalloc

import h5py
import numpy as np
import pytest

from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.runtime.files import InputError

SCAN = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 72)).astype(np.uint8)


def saved(folder, array, name="scan.npy"):
    np.save(folder / name, array)
    return folder / name


def hdf5(folder, name="scan.h5", attributes=None, chunks=None, **arrays):
    path = folder / name
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array, chunks=chunks)
        file.attrs.update(attributes or {})
    return path


def refusal(path, array=None):
    with pytest.raises(InputError) as caught, open_signals(path, array) as scan:
        scan.read(0, scan.shape[0])
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


@pytest.mark.parametrize("kind", ["npy", "hdf5", "chunked"])
def test_any_rows_are_those_of_the_array(tmp_path, kind):
    if kind == "npy":
        path = saved(tmp_path, SCAN)
    else:
        path = hdf5(tmp_path, chunks=(2, 2, 6, 72) if kind == "chunked" else None, a=SCAN)
    with open_signals(path) as scan:
        assert scan.shape == (7, 5)
        assert scan.rows_together == (2 if kind == "chunked" else 1)
        for first, last in [(0, 7), (2, 3), (3, 7), (4, 4)]:
            rows = scan.read(first, last)
            assert rows.dtype == np.uint8
            np.testing.assert_array_equal(rows, SCAN[first:last])
        with pytest.raises(ValueError, match="rows 5 to 8 of a scan of 7"):
            scan.read(5, 8)


def test_what_is_read_can_be_changed_and_the_file_stays(tmp_path):
    path = saved(tmp_path, SCAN)
    with open_signals(path) as scan:
        scan.read(0, 1)[:] = 0
    np.testing.assert_array_equal(np.load(path), SCAN)


@pytest.mark.parametrize("shape", [(9, 6, 72), (1, 6, 72), (1, 1, 6, 72)])
@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_lists_of_signals_and_a_single_pixel_are_scans(tmp_path, shape, kind):
    signals = SCAN.reshape(-1, 6, 72)[: shape[0]].reshape(shape)
    path = saved(tmp_path, signals) if kind == "npy" else hdf5(tmp_path, a=signals)
    with open_signals(path) as scan:
        assert scan.shape == (shape[0], 1)
        np.testing.assert_array_equal(scan.read(0, shape[0]), signals.reshape(shape[0], 1, 6, 72))


def test_contents_and_not_names_tell_the_kind(tmp_path):
    with open_signals(hdf5(tmp_path, "scan.npy", a=SCAN)) as scan:
        np.testing.assert_array_equal(scan.read(1, 2), SCAN[1:2])


def test_only_the_rows_asked_for_are_in_memory(tmp_path):
    path = saved(tmp_path, np.zeros((2000, 20, 6, 72), np.uint8))
    tracemalloc.start()
    with open_signals(path) as scan:
        for first in range(0, 2000, 50):
            scan.read(first, first + 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 50 * 20 * 432


def test_an_array_is_found_by_name_or_as_the_only_one_of_its_shape(tmp_path):
    path = hdf5(tmp_path, **{"deep/in/signals": SCAN, "eulers": np.zeros((7, 5, 3))})
    for array in (None, "deep/in/signals", "/deep/in/signals"):
        with open_signals(path, array) as scan:
            np.testing.assert_array_equal(scan.read(0, 7), SCAN)


def test_an_array_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    path = hdf5(tmp_path, **{"one": SCAN, "two/more": SCAN})
    listed = "it holds 'one' (7, 5, 6, 72), 'two/more' (7, 5, 6, 72)"
    assert refusal(path, "three").endswith(f"no array 'three', expected the signals; {listed}")
    assert "'two', expected" in refusal(path, "two"), "a group is no array"
    assert "found 2 arrays that may be the signals" in refusal(path)
    assert refusal(path).endswith(listed)
    assert refusal(hdf5(tmp_path, "empty.h5")).endswith("; it holds no arrays")
    many = hdf5(tmp_path, "many.h5", **{f"a{i}": np.zeros(1) for i in range(11)})
    assert refusal(many, "b").endswith("'a5' (1,) and 3 more") or "and 3 more" in refusal(many, "b")


@pytest.mark.parametrize("value", [True, False, None])
def test_a_file_says_whether_it_is_simulated(tmp_path, value):
    path = hdf5(tmp_path, attributes={} if value is None else {"simulated": value}, a=SCAN)
    with open_signals(path) as scan:
        assert scan.is_simulated is value
    with open_signals(saved(tmp_path, SCAN)) as scan:
        assert scan.is_simulated is None


def test_a_file_that_says_maybe_is_refused(tmp_path):
    assert "expected true or false" in refusal(hdf5(tmp_path, attributes={"simulated": 2}, a=SCAN))


@pytest.mark.parametrize(
    ("order", "back"),
    [
        ((2, 3, 0, 1), "(2, 3, 0, 1)"),
        ((3, 2, 1, 0), "(3, 2, 1, 0)"),
        ((0, 1, 3, 2), "(0, 1, 3, 2)"),
        ((0, 2, 3, 1), "(0, 3, 1, 2)"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_axes_in_another_order_are_told_with_the_way_back(tmp_path, order, back, kind):
    other = np.ascontiguousarray(SCAN.transpose(order))
    path = saved(tmp_path, other) if kind == "npy" else hdf5(tmp_path, signals=other)
    line = refusal(path, "signals")
    assert f"shape {other.shape}, expected uint8 of shape (x, y, 6, 72)" in line
    told = re.search(r"save signals.transpose(\(.*\))$", line)[1]
    assert told == back
    np.testing.assert_array_equal(other.transpose(eval(told)), SCAN)  # the remedy is true


@pytest.mark.parametrize("shape", [(4, 3, 432), (4, 432)])
def test_signals_in_a_row_are_told_with_the_way_back(tmp_path, shape):
    line = refusal(saved(tmp_path, np.zeros(shape, np.uint8)))
    assert line.endswith(f"save signals.reshape({', '.join(map(str, shape[:-1]))}, 6, 72)")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 3, 5, 72), "5 elevations instead of 6; networks know elevations of 15° to 65°"),
        ((4, 3, 6, 36), "36 azimuths instead of 72; networks know"),
        ((4, 3, 7, 90), "7 elevations instead of 6 and 90 azimuths instead of 72"),
        ((6, 72), "a single signal? save signals[None]"),
        ((72,), "expected uint8 of shape (x, y, 6, 72) or (n, 6, 72)"),
        ((2, 2, 2, 6, 72), "expected uint8 of shape (x, y, 6, 72) or (n, 6, 72)"),
        ((0, 3, 6, 72), "it is empty, expected one pixel or more"),
        ((0, 6, 72), "it is empty, expected one pixel or more"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_other_shapes_are_refused(tmp_path, shape, message, kind):
    array = np.zeros(shape, np.uint8)
    path = saved(tmp_path, array) if kind == "npy" else hdf5(tmp_path, a=array)
    line = refusal(path, "a")
    assert message in line or "nothing was ever written" in line
    assert f"shape {shape}" in line


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (SCAN.astype(np.uint16) * 257, "type uint16, .* from 0 to 65535; 16-bit\\? multiply by"),
        (SCAN.astype(np.uint16) * 16, "type uint16, .* 12-bit\\? multiply by 255/4095"),
        (SCAN / np.float32(255), "type float32, .* scaled to 0–1\\? save np.rint\\(255"),
        (SCAN.astype(float), "type float64, .* from 0 to 255: save np.rint\\(signals\\)"),
        (SCAN.astype(np.int16), "type int16, .* from 0 to 255: save np.rint\\(signals\\)"),
        (SCAN.astype(np.int8), "type int8, .* uint8 read as int8\\?"),
        (SCAN > 3, "type bool, expected uint8, 0 to 255$"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_other_types_are_refused_with_what_to_do(tmp_path, signals, message, kind):
    path = saved(tmp_path, signals) if kind == "npy" else hdf5(tmp_path, a=signals)
    assert re.search(message, refusal(path))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_nan_is_told_with_its_pixel(tmp_path, value):
    signals = SCAN.astype(np.float32)
    signals[4, 2, 1, 60] = value
    line = refusal(saved(tmp_path, signals))
    assert (
        "it holds NaN or infinite values, 1 in its first 7 rows, the first at pixel (4, 2)" in line
    )


def test_a_file_that_is_not_whole_is_refused(tmp_path):
    path = saved(tmp_path, SCAN)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert "truncated; fetch it again" in refusal(path)
    path.write_bytes(content + b"0")
    assert "longer than declared" in refusal(path)
    path.write_bytes(content[:50])
    assert "truncated within the .npy header" in refusal(path)
    path.write_bytes(b"")
    assert "the file is empty" in refusal(path)
    path = hdf5(tmp_path, a=SCAN)
    path.write_bytes(path.read_bytes()[:-5000])
    assert "not a readable HDF5 file (truncated file" in refusal(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path):
    path = saved(tmp_path, SCAN)
    with open_signals(path) as scan:
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(InputError, match=r"scan\.npy: truncated while it was read"):
            scan.read(0, 7)


def test_a_damaged_chunk_is_refused(tmp_path):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("a", data=SCAN, chunks=(1, 5, 6, 72), compression="gzip")
        place = data.id.get_chunk_info(6).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    assert "not a readable HDF5 file" in refusal(path)


class Evil:
    def __reduce__(self):
        return eval, ("1 / 0",)


def test_objects_are_never_unpickled(tmp_path):
    path = saved(tmp_path, np.array([Evil()], object))
    assert "expected an array of numbers" in refusal(path)
    path.write_bytes(pickle.dumps(Evil()))
    assert "not a .npy file" in refusal(path)


def test_what_is_no_such_file_is_refused(tmp_path):
    assert "cannot be read: No such file" in refusal(tmp_path / "none.npy")
    assert "a folder, expected a .npy or HDF5 file" in refusal(tmp_path)
    path = tmp_path / "scan.npy"
    np.savez(tmp_path / "scan.npz", a=SCAN)
    assert "not a .npy file: it starts with 'PK" in refusal(tmp_path / "scan.npz")
    np.save(path, np.asfortranarray(SCAN))
    assert "in Fortran order, expected C order" in refusal(path)


def test_hdf5_that_was_never_filled_or_has_huge_chunks_is_refused(tmp_path):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("never", (100, 100, 6, 72), np.uint8)
        chunked = file.create_dataset(
            "huge", (2000, 2000, 6, 72), np.uint8, chunks=(2000, 400, 6, 72)
        )
        chunked.id.write_direct_chunk((0, 0, 0, 0), b"1", filter_mask=0)
        file["words"] = np.array([b"a"])
    assert "nothing was ever written into it" in refusal(path, "never")
    assert "chunks of (2000, 400, 6, 72), 330 MiB each, expected at most 256" in refusal(
        path, "huge"
    )
    assert "expected uint8 of shape" in refusal(path, "words")
