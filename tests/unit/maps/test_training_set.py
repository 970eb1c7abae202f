"""training_set.py: pixels far inside grains, by brute force; ingest gives back what was chosen."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from workflow.lib.data.dataset import ingest, read_attributes
from workflow.lib.data.split import read_fold, split
from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map, open_map
from workflow.lib.maps.placed import to_raster
from workflow.lib.maps.training_set import (
    Chosen,
    euler_zyz_rad,
    far_inside,
    farthest_pixels,
    orientations_at,
    signals_at,
    simulated_marker,
    write_set,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, opened

HEADER = Header("made up", "simulated", "not stated")


def distances_px(labels: np.ndarray) -> np.ndarray:
    """From every pixel to the nearest that is not its grain's, all compared; outside is none's."""
    framed = np.pad(labels, 1, constant_values=-2)
    places = np.argwhere(np.ones(framed.shape, bool))
    of_place = framed.ravel()
    distance = np.zeros(labels.shape)
    for row, column in np.argwhere(labels >= 0):
        other = places[of_place != labels[row, column]]
        distance[row, column] = np.hypot(*(other - (row + 1, column + 1)).T).min()
    return distance


@settings(max_examples=60, deadline=None)
@given(arrays(np.int32, (9, 7), elements=st.integers(-1, 3)))
def test_the_farthest_pixel_is_that_of_brute_force(labels):
    found, expected = farthest_pixels(labels), distances_px(labels)
    assert list(found.grain) == sorted(set(labels[labels >= 0].tolist()))
    for grain, row, column, distance_px in zip(
        found.grain, found.row, found.column, found.distance_px, strict=True
    ):
        of_grain = np.where(labels == grain, expected, -1)
        assert distance_px == pytest.approx(of_grain.max())
        assert (row, column) == np.unravel_index(of_grain.argmax(), labels.shape)  # the first


def test_least_distance_counts_unindexed_pixels_and_the_edge_as_boundary():
    labels = np.zeros((20, 51), np.int32)
    labels[:, 17:34], labels[:, 34:] = 1, 2
    chosen = far_inside(labels, "ebsd.h5")
    assert chosen.grain.tolist() == [0, 1, 2]
    assert chosen.distance_px.tolist() == [9, 9, 9]
    assert chosen.row.tolist() == [8, 8, 8]  # the first of those equally far
    assert chosen.column.tolist() == [8, 25, 42]
    labels[8, 8] = -1  # a pore in the middle
    assert far_inside(labels, "ebsd.h5").grain.tolist() == [1, 2]
    assert far_inside(labels[:, :50], "ebsd.h5").grain.tolist() == [1, 2]  # 16 columns are left


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros((30, 30), np.int32), "1 of 1 grains .* the farthest 15.0 px; expected 2"),
        (np.full((9, 9), -1, np.int32), r"0 of 0 grains have .* boundary; expected 2 or more"),
        (np.zeros((1, 1), np.int32), "0 of 1 grains .* the farthest 1.0 px"),
        (np.arange(99, dtype=np.int32).reshape(9, 11), "0 of 99 grains"),
    ],
)
def test_too_few_grains_are_one_line(labels, found):
    with pytest.raises(InputError, match=f"^ebsd_grains.h5: {found}") as refusal:
        far_inside(labels, "ebsd_grains.h5")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("axes", [["+x", "+y"], ["-y", "+x"], ["+y", "-x"], ["-x", "-y"]])
def test_signals_are_those_of_the_pixel_in_the_map(axes, monkeypatch):
    rng = np.random.default_rng(0)
    scan = rng.integers(0, 256, (11, 7, 6, 72), dtype=np.uint8)
    raster = to_raster(scan, axes)
    row, column = (rng.integers(0, n, 40) for n in raster.shape[:2])
    chosen = Chosen(np.arange(40), row, column, np.full(40, 9.0))
    for size in (1, 3 * 7 * 432, 1 << 25):  # one, three and all rows at once
        monkeypatch.setattr("workflow.lib.maps.training_set.BYTES_AT_ONCE", size)
        signals = signals_at(lambda first, last: scan[first:last], (11, 7), axes, chosen)
        np.testing.assert_array_equal(signals, raster[row, column])


def ebsd_map(path, orientation: np.ndarray):
    ny, nx = orientation.shape[:2]
    with new_map(path, Raster(nx, ny, 0.5), HEADER) as writer:
        writer.append(Pixels.of_orientations(orientation))
    return path


def test_a_lone_wrong_pixel_is_no_label(tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.lib.maps.map_file.PIXELS_AT_ONCE", 40)  # two rows at once
    rng = np.random.default_rng(2)
    middle = Rotation.from_rotvec([0.3, -0.2, 0.5])
    spread = Rotation.from_rotvec(np.deg2rad(rng.normal(0, 0.3, (20 * 20, 3))))
    orientation = (middle * spread).as_quat(scalar_first=True).reshape(20, 20, 4)
    orientation[9, 9] = [1, 0, 0, 0]  # indexed wrongly
    orientation[10, 11] = np.nan  # not indexed
    rows, columns = np.array([9, 10, 1, 18, 5]), np.array([9, 10, 1, 18, 7])
    with open_map(ebsd_map(tmp_path / "ebsd.h5", orientation)) as ebsd:
        chosen = Chosen(np.arange(5), rows, columns, np.full(5, 9.0))
        found = orientations_at(ebsd, chosen)
    off = Rotation.from_quat(found, scalar_first=True) * middle.inv()
    assert (np.rad2deg(off.magnitude()) < 1.0).all()
    for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
        around = orientation[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 4)
        dots = np.abs(around @ found[place])
        assert np.nanmax(dots) == pytest.approx(1, abs=1e-12)  # one of those measured


def test_angles_are_scipys_and_never_the_mark_of_an_unindexed_point():
    rng = np.random.default_rng(0)
    rotation = Rotation.random(200, rng=rng)
    angles = euler_zyz_rad(rotation.as_quat(scalar_first=True))
    back = Rotation.from_euler("ZYZ", angles)
    assert (back * rotation.inv()).magnitude().max() < 1e-9
    assert (angles >= 0).all()
    assert (angles[:, [0, 2]] < 2 * np.pi).all()
    assert (angles[:, 1] <= np.pi).all()
    cube = euler_zyz_rad(np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]))
    np.testing.assert_allclose(cube, [[np.pi / 2, 0, 0]] * 2)


def made_set(seed: int, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    signals = rng.integers(0, 256, (n, 6, 72), dtype=np.uint8)
    return signals, Rotation.random(n, rng=rng).as_quat(canonical=True, scalar_first=True)


@pytest.mark.parametrize("simulated", [True, False])
def test_ten_sets_put_together_are_an_archive(tmp_path, simulated):
    """As `cp -r results/run/maps/*/training_set/. archive/` puts them together."""
    archive = tmp_path / "archive"
    for specimen in range(1, 11):
        folder = tmp_path / f"maps/scan{specimen}/training_set"
        marker = simulated_marker(f"scan{specimen}", {"step_um": 2.0}) if simulated else None
        write_set(folder, specimen, *made_set(specimen), marker)
        assert (folder / "SIMULATED.json").exists() == simulated
        shutil.copytree(folder, archive, dirs_exist_ok=True)
    ingest(archive, tmp_path / "dataset.h5", "archive")
    attributes = read_attributes(tmp_path / "dataset.h5")
    assert attributes["simulated"] == simulated
    source = "simulated benchmark signals of the scan scan10"
    assert attributes["source"] == (source if simulated else "local archive")
    with opened(tmp_path / "dataset.h5") as file:
        for specimen in range(1, 11):
            signals, orientation = made_set(specimen)
            for kind in ("training", "evaluation"):
                group = member(file, f"{kind}/{specimen:02d}")
                np.testing.assert_array_equal(group["signals"], signals)
                np.testing.assert_allclose(group["orientation"], orientation, atol=1e-12)
    split(tmp_path / "dataset.h5", 3, 0.2, 1, tmp_path / "fold.h5")
    parts = read_fold(tmp_path / "fold.h5")
    assert len(parts["train"]) + len(parts["validation"]) == 9 * 6
    np.testing.assert_array_equal(parts["test"].signals, made_set(3)[0])


def test_the_marker_of_a_long_name_is_one_that_ingest_takes(tmp_path):
    marker = simulated_marker("s" * 200, {})
    write_set(tmp_path / "a", 1, *made_set(1), marker)
    assert json.loads((tmp_path / "a/SIMULATED.json").read_text()) == marker
    ingest(tmp_path / "a", tmp_path / "dataset.h5", "archive")
