"""scans.py: whole-specimen scans arrive unchanged in HDF5, chunked and compressed."""

import logging

import h5py
import numpy as np
import pytest

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.scans import ingest_scans
from workflow.lib.runtime.files import InputError

RNG = np.random.default_rng(2)
SIGNALS = RNG.integers(0, 256, (37, 21, 6, 72)).astype(np.uint8)
EULERS = RNG.uniform((0, 0, 0), (6, 3, 6), (37, 21, 3)).astype(np.float32)
EULERS[3:5, 2] = np.nan  # not indexed by EBSD
ANOMALY = RNG.integers(0, 256, (5, 40, 6, 72)).astype(np.uint8)


def make_archive(root, signals=SIGNALS, eulers=EULERS, anomaly=ANOMALY):
    for kind in ("training_sets", "evaluation_sets"):
        (root / kind).mkdir(parents=True)
        (root / kind / "01.npy").touch()  # scans do not need the sets' contents
    (root / "samples" / "08").mkdir(parents=True)
    for name, array in (
        ("samples/08/drm_data.npy", signals),
        ("samples/08/eulers.npy", eulers),
        ("anomaly_specimen.npy", anomaly),
    ):
        if array is not None:
            np.save(root / name, array)
    return root


@pytest.mark.parametrize("order", ["C", "F"])
def test_scans_arrive_unchanged(order, tmp_path):
    arrays = [np.asarray(array, order=order) for array in (SIGNALS, EULERS, ANOMALY)]
    root = make_archive(tmp_path / "archive", *arrays)
    scans = tmp_path / "out" / "scans.h5"
    ingest_scans(root, scans, "archive")
    with h5py.File(scans) as file:
        for name, expected in (
            ("samples/08/drm_data", SIGNALS),
            ("samples/08/eulers", EULERS),
            ("anomaly_specimen/drm_data", ANOMALY),
        ):
            assert file[name].dtype == expected.dtype
            assert file[name].compression == "gzip"
            np.testing.assert_array_equal(file[name][:], expected)
        assert file["samples/08/drm_data"].chunks == (16, 16, 6, 72)
    attributes = read_attributes(scans)
    assert attributes["scans"] == "anomaly_specimen, samples/08"
    assert attributes["source"] == "local archive"
    assert list(scans.parent.iterdir()) == [scans]


def test_repeated_values_are_compressed(tmp_path):
    root = make_archive(tmp_path / "archive", np.full((64, 64, 6, 72), 7, np.uint8), None, None)
    ingest_scans(root, tmp_path / "scans.h5", "archive")
    assert (tmp_path / "scans.h5").stat().st_size < 64 * 64 * 6 * 72 / 50


def test_archives_may_lack_scans(tmp_path, caplog):
    root = make_archive(tmp_path / "archive", None, None, None)
    with caplog.at_level(logging.INFO):
        ingest_scans(root, tmp_path / "scans.h5", "archive")
    assert "holds no whole-specimen scans" in caplog.text
    assert read_attributes(tmp_path / "scans.h5")["scans"] == ""
    with h5py.File(tmp_path / "scans.h5") as file:
        assert len(file) == 0


def test_float64_angles_in_another_byte_order_become_float32(tmp_path):
    root = make_archive(tmp_path / "archive", eulers=EULERS.astype(">f8"), anomaly=None)
    ingest_scans(root, tmp_path / "scans.h5", "archive")
    with h5py.File(tmp_path / "scans.h5") as file:
        np.testing.assert_array_equal(file["samples/08/eulers"][:], EULERS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_pixels_that_ebsd_did_not_index_become_nan_and_are_counted(order, tmp_path, caplog):
    eulers = np.array(EULERS, order=order)
    eulers[0, :5] = 0
    eulers[36, 20] = 4 * np.pi
    eulers[36, 18:20, 1] = 4 * np.pi
    eulers[20, 1] = -1
    eulers[21, 1, 2] = np.nan  # beside the two of EULERS
    with caplog.at_level(logging.INFO, "drm"):
        ingest_scans(make_archive(tmp_path / "a", eulers=eulers), tmp_path / "scans.h5", "archive")
    with h5py.File(tmp_path / "scans.h5") as file:
        written = file["samples/08/eulers"]
        assert written.attrs["unindexed"] == 12
        is_nan = np.isnan(written[:])
    assert is_nan.all(axis=-1).sum() == is_nan.any(axis=-1).sum() == 12
    np.testing.assert_array_equal(np.where(is_nan, 1, EULERS), np.where(is_nan, 1, eulers))
    assert caplog.messages[0] == (
        "samples/08/eulers: EBSD did not index 12 of 777 pixels "
        "(3 × NaN, 5 × (0, 0, 0), 3 × 4π, 1 × (−1, −1, −1)); they are NaN"
    )


def test_scans_that_are_unlikely_are_told(tmp_path, caplog):
    eulers = EULERS.copy()
    eulers[7, :6] = -np.pi / 2, 0, np.pi / 2  # Bunge's (0, 0, 0)
    root = make_archive(tmp_path / "a", SIGNALS // 255, eulers)
    with caplog.at_level(logging.WARNING, "drm"):
        ingest_scans(root, tmp_path / "scans.h5", "archive")
    assert caplog.messages == [
        "warning: samples/08/drm_data: no pixel exceeds 1 of 255: on another scale, or too dark?",
        "warning: samples/08/eulers: exactly the cube orientation: 6 of 777 pixels; unindexed "
        "points, converted with the others?",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals": SIGNALS.astype(np.float32)}, r"drm_data\.npy: type float32"),
        ({"signals": SIGNALS[0]}, r"drm_data\.npy: type uint8 and shape \(21, 6, 72\), expected"),
        ({"signals": SIGNALS[:0]}, r"drm_data\.npy: the scan has shape .* it is empty"),
        ({"anomaly": ANOMALY[..., :71]}, r"anomaly_specimen\.npy: type uint8 and shape"),
        ({"anomaly": np.array({"a": 1})}, r"anomaly_specimen\.npy: holds type '\|O'"),
        (
            {"eulers": EULERS[..., 0]},
            r"eulers\.npy: .* expected a float type and shape",
        ),
        ({"eulers": EULERS[:36]}, r"eulers\.npy: \(36, 21\) pixels, but drm_data\.npy has"),
        (
            {"eulers": np.degrees(EULERS)},
            r"eulers\.npy: .* looks like degrees; the first at pixel \(0, 0\), counted from 0",
        ),
        (
            {"eulers": np.where(np.arange(37 * 21).reshape(37, 21, 1) == 20 * 21 + 18, 7, EULERS)},
            r"eulers\.npy: .* the first at pixel \(20, 18\), counted from 0",
        ),
        ({"eulers": EULERS[..., [1, 0, 2]]}, r"eulers\.npy: the Euler angle β reaches"),
        ({"signals": None}, r"eulers\.npy: there is no drm_data\.npy"),
    ],
)
def test_wrong_scans_are_named_and_nothing_is_left(changes, message, tmp_path):
    root = make_archive(tmp_path / "archive", **changes)
    scans = tmp_path / "out" / "scans.h5"
    with pytest.raises(InputError, match=message) as caught:
        ingest_scans(root, scans, "archive")
    assert len(str(caught.value).splitlines()) == 1
    assert not scans.parent.exists() or list(scans.parent.iterdir()) == []
