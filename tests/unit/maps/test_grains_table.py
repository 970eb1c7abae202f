"""Grains and boundaries as tables, against scikit-image, SciPy and orix."""

import numpy as np
import pandas as pd
import pytest
import torch
from orix.quaternion import Orientation, Rotation, symmetry
from scipy.spatial.transform import Rotation as SciPyRotation
from skimage.measure import perimeter_crofton, regionprops_table

from tests.unit.maps.grain_maps import HEADER, cells, random_orientations, turned, written
from tests.unit.orientation.weighted_sets import disguised
from workflow.lib.maps import regions
from workflow.lib.maps.boundaries import BRANDON_DEG, boundary_table, sigma3_deviation_deg
from workflow.lib.maps.grain_table import COLUMNS, grain_table
from workflow.lib.maps.grains import Grains, segment
from workflow.lib.maps.map_file import open_map
from workflow.lib.orientation import misorientation_deg
from workflow.scripts.grains import main

STEP_UM = 0.25


def made_up(labels: np.ndarray, orientation: np.ndarray) -> Grains:
    sizes = np.bincount(labels[labels >= 0], minlength=len(orientation))
    return Grains(labels.astype(np.int32), orientation, sizes)


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Grains of many shapes and orientations with noise, and their table, made in strips."""
    monkeypatch.setattr(regions, "STRIP_PX", 200)
    labels = cells((50, 37), 15, seed=2)
    orientation = turned(random_orientations(15, 1)[labels], np.full(labels.shape, 2.0))
    hidden = disguised(torch.as_tensor(orientation), seed=4).numpy()
    random = np.random.default_rng(0)
    confidence = random.random(labels.shape).astype(np.float32)
    confidence[labels == 3] = np.nan
    is_indexed = labels != 7
    path = written(tmp_path / "map.h5", hidden, is_indexed, STEP_UM, confidence)
    with open_map(path) as one:
        grains = segment(one, 10.0, 1, 1)
        return grains, grain_table(one, grains), orientation, confidence


def test_sizes_places_and_shapes_are_those_of_scikit_image(found):
    grains, table, _, _ = found
    names = ["area", "equivalent_diameter_area", "axis_major_length", "axis_minor_length"]
    expected = regionprops_table(grains.labels + 1, properties=[*names, "centroid"])
    np.testing.assert_array_equal(table["grain"], np.arange(len(grains.sizes)))
    np.testing.assert_array_equal(table["pixels"], expected["area"])
    np.testing.assert_allclose(table["area_um2"], expected["area"] / 16)
    diameter_um = expected["equivalent_diameter_area"] * STEP_UM
    np.testing.assert_allclose(table["equivalent_diameter_um"], diameter_um)
    np.testing.assert_allclose(table["y_um"], expected["centroid-0"] * STEP_UM)
    np.testing.assert_allclose(table["x_um"], expected["centroid-1"] * STEP_UM)
    thick = expected["axis_minor_length"] > 4 / np.sqrt(12)
    ratio = expected["axis_major_length"][thick] / expected["axis_minor_length"][thick]
    assert thick.sum() > 10
    np.testing.assert_allclose(table["aspect_ratio"][thick], ratio)


def test_grains_at_the_edge_are_told(found):
    grains, table, _, _ = found
    padded = np.pad(grains.labels, 1, constant_values=-2)
    for grain, touches in enumerate(table["touches_edge"]):
        y, x = np.nonzero(padded == grain)
        beside = [padded[y + 1, x], padded[y - 1, x], padded[y, x + 1], padded[y, x - 1]]
        assert touches == (np.array(beside) == -2).any()
    assert 0 < table["touches_edge"].sum() < len(table)


def test_mean_orientations_are_scipys_and_angles_are_orixs(found):
    grains, table, orientation, _ = found
    for row in table.itertuples():
        pixels = SciPyRotation.from_quat(orientation[grains.labels == row.grain], scalar_first=True)
        quaternion = np.array([[row.qw, row.qx, row.qy, row.qz]])
        expected = torch.as_tensor(pixels.mean().as_quat(scalar_first=True))[None]
        assert misorientation_deg(torch.as_tensor(quaternion), expected) < 1e-5
        bunge = Rotation.from_euler([[row.phi1_deg, row.Phi_deg, row.phi2_deg]], degrees=True)
        difference = (bunge * Rotation(quaternion)).angle  # orix's is specimen to crystal
        assert np.rad2deg(difference) % 360 == pytest.approx(0, abs=1e-4)


def test_spread_and_confidence_are_means_over_the_pixels(found):
    grains, table, _, confidence = found
    assert table["orientation_spread_deg"].between(1.7, 2.05).all()  # each pixel is turned by 2°
    for row in table.itertuples():
        values = confidence[grains.labels == row.grain]
        if np.isnan(values).all():
            assert np.isnan(row.mean_confidence)
        else:
            assert row.mean_confidence == pytest.approx(values.mean(), rel=1e-5)
    assert table["mean_confidence"].isna().sum() == 1
    assert table["mean_anomaly"].isna().all()
    assert table["simulated"].all()


def test_a_line_of_pixels_counts_as_one_pixel_wide(tmp_path):
    path = written(tmp_path / "map.h5", np.broadcast_to(random_orientations(1, 0), (1, 9, 4)))
    with open_map(path) as one:
        table = grain_table(one, segment(one, 5.0, 1, 1))
    assert table["aspect_ratio"][0] == pytest.approx(np.sqrt(9**2 - 1))  # (n² − 1)/12 over 1/12


def test_a_round_boundary_is_as_long_as_crofton_has_it():
    y, x = np.indices((61, 61)) - 30
    for inside in (x**2 + y**2 < 20.3**2, abs(x) + abs(y) < 18, abs(x) + 2 * abs(y) < 30):
        grains = made_up(inside.astype(int), random_orientations(2, 0))
        (row,) = boundary_table(grains, STEP_UM, False).itertuples()
        assert row.length_um == pytest.approx(perimeter_crofton(inside) * STEP_UM, rel=1e-9)
    disc = made_up((x**2 + y**2 < 20.3**2).astype(int), random_orientations(2, 0))
    assert boundary_table(disc, 1.0, False)["length_um"][0] == pytest.approx(
        2 * np.pi * 20.3, rel=0.02
    )


def test_boundaries_do_not_depend_on_the_strips(monkeypatch):
    grains = made_up(cells((40, 30), 20, seed=1), random_orientations(20, 0))
    whole = boundary_table(grains, 1.0, True)
    monkeypatch.setattr(regions, "STRIP_PX", 1)
    pd.testing.assert_frame_equal(boundary_table(grains, 1.0, True), whole)


def test_misorientations_at_boundaries_are_orixs():
    orientation = random_orientations(6, 3)
    table = boundary_table(made_up(cells((30, 30), 6, seed=0), orientation), 1.0, True)
    inverse = Orientation(orientation * [1, -1, -1, -1], symmetry.O)
    angles = [
        inverse[row.grain_1].angle_with(inverse[row.grain_2], degrees=True)[0]
        for row in table.itertuples()
    ]
    np.testing.assert_allclose(table["misorientation_deg"], angles, atol=1e-4)
    assert (table["grain_1"] < table["grain_2"]).all()
    assert not table.duplicated(["grain_1", "grain_2"]).any()


def test_corners_and_gaps_are_no_boundaries():
    labels = np.array([[0, 0, -1, 2], [0, 0, -1, 2], [-1, -1, 1, 1]])
    table = boundary_table(made_up(labels, random_orientations(3, 0)), 1.0, False)
    assert table[["grain_1", "grain_2"]].to_numpy().tolist() == [[1, 2]]
    empty = boundary_table(made_up(np.array([[0]]), random_orientations(1, 0)), 1.0, False)
    assert empty.shape == (0, 7)


@pytest.mark.parametrize("axis", [[1, 1, 1], [1, -1, 1], [-1, -1, -1], [1, 1, -1]])
@pytest.mark.parametrize(("off_deg", "is_twin"), [(0.0, True), (8.6, True), (8.7, False)])
def test_twins_are_told_within_brandons_criterion(axis, off_deg, is_twin):
    one = random_orientations(1, 11)
    twin = SciPyRotation.from_quat(one[0], scalar_first=True) * SciPyRotation.from_rotvec(
        np.deg2rad(60) * np.array(axis) / np.sqrt(3)
    )
    other = turned(twin.as_quat(scalar_first=True)[None], off_deg, np.array([0.3, -1, 0.2]))
    hidden = disguised(torch.as_tensor(np.concatenate((one, other))), seed=3).numpy()
    (row,) = boundary_table(made_up(np.array([[0, 1]]), hidden), 1.0, False).itertuples()
    assert row.sigma3_deviation_deg == pytest.approx(off_deg, abs=1e-4)
    assert row.is_sigma3 == is_twin
    assert pytest.approx(8.66, abs=0.01) == BRANDON_DEG


def test_deviations_from_the_twin_are_orixs():
    one, other = random_orientations(20, 1), random_orientations(20, 2)
    found = sigma3_deviation_deg(torch.as_tensor(one), torch.as_tensor(other)).numpy()
    twin = Rotation.from_axes_angles([1, 1, 1], 60, degrees=True)
    difference = Rotation(one * [1, -1, -1, -1]) * Rotation(other)
    for k in range(20):
        equivalents = symmetry.O.outer(difference[k]).outer(symmetry.O)
        angle_deg = np.rad2deg((~twin * Rotation(equivalents.data)).angle)
        least = np.minimum(angle_deg, 360 - angle_deg).min()
        assert found[k] == pytest.approx(least, abs=1e-4)


def test_the_script_writes_all_three(tmp_path, caplog):
    labels = cells((30, 20), 5, seed=2)
    path = written(tmp_path / "map.h5", random_orientations(5, 1)[labels], step_um=STEP_UM)
    outputs = [tmp_path / name for name in ("grains.csv", "boundaries.csv", "grains.h5")]
    chosen = {"threshold_deg": 5.0, "min_pixels": 10, "window_px": 1}
    with caplog.at_level("INFO", "drm"):
        main(path, *outputs, chosen, threads=1)
    table = pd.read_csv(outputs[0])
    assert list(table.columns) == COLUMNS
    assert table["pixels"].sum() == labels.size
    assert (pd.read_csv(outputs[1])["misorientation_deg"] > 5).all()
    assert HEADER.notice in caplog.text
    assert "0 of 600 pixels in no grain" in caplog.text
