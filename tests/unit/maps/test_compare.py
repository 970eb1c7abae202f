"""A map beside EBSD's: numbers by hand and by NumPy, distances by scipy, strips that don't show."""

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation

from workflow.lib.maps.compare import compare
from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map, open_map
from workflow.lib.maps.near import near_boundary
from workflow.lib.orientation import MAX_MISORIENTATION_DEG
from workflow.lib.runtime.files import InputError
from workflow.scripts.compare import main

MEASURED = Header("plate", "measured", "measured")


def write_map(path, content, header=MEASURED):
    ny, nx = content.is_indexed.shape
    with new_map(path, Raster(nx, ny, 1.0), header) as writer:
        writer.append(content)
    return path


def pair(folder, angle_deg, header=MEASURED, seed=0):
    """A map and EBSD's, whose pixels are `angle_deg` (ny, nx), at most 45, apart about any axis."""
    rng = np.random.default_rng(seed)
    theirs = Rotation.random(angle_deg.size, rng=rng)
    axes = rng.normal(size=(angle_deg.size, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    ours = theirs * Rotation.from_rotvec(axes * angle_deg.reshape(-1, 1), degrees=True)
    paths = []
    for name, turns, of in (("map", ours, header), ("ebsd", theirs, MEASURED)):
        q = turns.as_quat(canonical=True, scalar_first=True).reshape(*angle_deg.shape, 4)
        paths.append(write_map(folder / f"{name}.h5", Pixels.of_orientations(q), of))
    return paths


def compared(paths, labels):
    with open_map(paths[0]) as one, open_map(paths[1]) as ebsd:
        return compare(one, ebsd, labels)


def two_halves(ny, nx):
    labels = np.zeros((ny, nx), np.int32)
    labels[:, nx // 2 :] = 1
    return labels


def test_three_pixels_on_either_side_of_a_boundary_are_near_it():
    near = near_boundary(two_halves(2, 12))
    assert near.astype(int).tolist() == [[0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0]] * 2
    assert not near_boundary(np.zeros((4, 5), int)).any()
    assert near_boundary(two_halves(2, 12).T).tolist() == near.T.tolist()


@given(
    arrays.arrays(np.int8, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))
)
def test_what_is_near_is_so_by_scipys_distances(labels):
    beside = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(labels.shape):
        for other in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if 0 <= other[0] < labels.shape[0] and 0 <= other[1] < labels.shape[1]:
                beside[y, x] |= labels[other] != labels[y, x]
    expected = distance_transform_edt(~beside) < 3 if beside.any() else beside
    np.testing.assert_array_equal(near_boundary(labels), expected)


def test_numbers_by_hand(tmp_path):
    angle_deg = np.full((2, 12), 1.0005)
    angle_deg[:, 3:9] = [[2.0005, 4.0005, 6.0005, 8.0005, 10.0005, 12.0005]] * 2
    table = compared(pair(tmp_path, angle_deg), two_halves(2, 12)).table().set_index("part")
    assert table.loc["inside", ["ebsd_pixels", "pixels"]].tolist() == [12, 12]
    assert table.loc["all", "pixels"] == 24
    near = table.loc["near_boundary"]
    assert near["median_deg"] == pytest.approx(7.0005, abs=6e-4)
    assert near["mean_deg"] == pytest.approx(7.0005, abs=1e-5)
    assert near["within_5_deg"] == pytest.approx(4 / 12)
    assert table.loc["inside", "median_deg"] == pytest.approx(1.0005, abs=6e-4)
    assert table.loc["all", "within_5_deg"] == pytest.approx(16 / 24)
    assert not table["simulated"].any()


@pytest.mark.parametrize("pixels_at_once", [1, 16, 30, 1 << 18])
def test_numbers_are_numpys_whatever_the_strips_are(tmp_path, monkeypatch, pixels_at_once):
    monkeypatch.setattr("workflow.lib.maps.map_file.PIXELS_AT_ONCE", pixels_at_once)
    rng = np.random.default_rng(3)
    angle_deg = rng.uniform(0, 20, (17, 15))
    labels = two_halves(17, 15)
    labels[9:] += 2
    paths = pair(tmp_path, angle_deg)
    found = compared(paths, labels)
    near = near_boundary(labels)
    for part, angles in (("all", angle_deg), ("inside", angle_deg[~near])):
        row = found.table().set_index("part").loc[part]
        assert row["median_deg"] == pytest.approx(np.median(angles), abs=6e-4)
        assert row["mean_deg"] == pytest.approx(angles.mean(), abs=1e-5)
        assert row["within_5_deg"] == (angles < 5).mean()
    histogram = found.histogram()
    edges = np.append(histogram["from_deg"], histogram["to_deg"].iloc[-1])
    assert edges[-1] >= MAX_MISORIENTATION_DEG
    for part, angles in (("inside", angle_deg[~near]), ("near_boundary", angle_deg[near])):
        np.testing.assert_array_equal(histogram[part], np.histogram(angles, edges)[0])


def test_only_what_both_have_indexed_is_compared(tmp_path):
    q = np.tile([1.0, 0, 0, 0], (4, 4, 1))
    ours, theirs = (Pixels.of_orientations(q.copy()) for _ in "ab")
    ours.is_indexed[0] = False  # although there is an answer
    theirs.is_indexed[:, 0] = False
    theirs.orientation[:, 0] = np.nan
    paths = [write_map(tmp_path / "map.h5", ours), write_map(tmp_path / "ebsd.h5", theirs)]
    row = compared(paths, np.zeros((4, 4), int)).table().iloc[0]
    assert (row["ebsd_pixels"], row["pixels"]) == (12, 9)
    assert row["mean_deg"] == 0


def test_nothing_in_common_has_no_median(tmp_path):
    q = np.full((3, 3, 4), np.nan)
    paths = [write_map(tmp_path / f"{i}.h5", Pixels.of_orientations(q), MEASURED) for i in range(2)]
    table = compared(paths, np.full((3, 3), -1)).table()
    assert (table["pixels"] == 0).all()
    assert table[["median_deg", "mean_deg", "within_5_deg"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("ebsd", "labels", "line"),
    [
        ((4, 5), (5, 4), r"EBSD's map of the scan plate: found \(4, 5\), expected \(5, 4\)"),
        ((5, 4), (4, 5), r"EBSD's grains of the scan plate: found \(4, 5\), expected \(5, 4\)"),
    ],
)
def test_other_pixels_are_refused_in_one_line(tmp_path, ebsd, labels, line):
    paths = [
        write_map(tmp_path / f"{i}.h5", Pixels.of_orientations(np.ones((*shape, 4)) / 2))
        for i, shape in enumerate([(5, 4), ebsd])
    ]
    with pytest.raises(InputError, match=line) as caught:
        compared(paths, np.zeros(labels, int))
    assert "\n" not in str(caught.value)


def test_the_script_writes_a_table_and_a_histogram(tmp_path):
    header = Header("plate", "simulated", "simulated", "eulernet", 1, 1, 1)
    angle_deg = np.full((8, 10), 3.2)
    paths = pair(tmp_path, angle_deg, header)
    with h5py.File(tmp_path / "grains.h5", "w") as file:
        file["labels"] = two_halves(8, 10)
    main(*paths, tmp_path / "grains.h5", tmp_path / "table.csv", tmp_path / "histogram.csv")
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["part"].tolist() == ["all", "inside", "near_boundary"]
    assert table["pixels"].tolist() == [80, 32, 48]
    np.testing.assert_allclose(table["median_deg"], 3.2, atol=1e-3)
    assert table["simulated"].all()
    histogram = pd.read_csv(tmp_path / "histogram.csv").set_index("from_deg")
    assert histogram.loc[3.0, ["to_deg", "inside", "near_boundary"]].tolist() == [3.5, 32, 48]
    assert histogram[["inside", "near_boundary"]].to_numpy().sum() == 80
