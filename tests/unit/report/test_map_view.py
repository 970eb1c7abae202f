"""What is read of a map to be shown: the right pixels, grains, EBSD, what is near a boundary."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_files import RASTER, write_grains, write_map
from skimage.segmentation import find_boundaries

from workflow.lib.maps.map_file import Raster
from workflow.lib.maps.near import near_boundary
from workflow.lib.report.maps.boundaries import boundary_lines
from workflow.lib.report.maps.view import (
    ordinal,
    read_labels,
    read_view,
    stride_for_pixels,
    stride_for_side,
)
from workflow.lib.runtime.files import InputError


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
def test_a_view_has_every_so_many_th_pixel(tmp_path, stride, monkeypatch):
    monkeypatch.setattr("workflow.lib.maps.map_file.PIXELS_AT_ONCE", 40)  # 4 rows at a time
    pixels = write_map(tmp_path / "map.h5")
    labels = write_grains(tmp_path / "grains.h5")
    view = read_view(tmp_path / "map.h5", lambda raster: stride, tmp_path / "grains.h5")
    part = np.s_[::stride, ::stride]
    assert view.shape == pixels.is_indexed[part].shape
    for name in ("confidence", "anomaly", "is_indexed"):
        np.testing.assert_array_equal(getattr(view.pixels, name), getattr(pixels, name)[part])
    np.testing.assert_array_equal(view.labels, labels[part])
    assert view.indexed == pixels.is_indexed.sum()
    dot = np.abs((view.pixels.orientation * pixels.orientation[part]).sum(-1))
    np.testing.assert_allclose(dot, 1, atol=1e-12)
    assert np.isnan(view.shown_orientation[~view.pixels.is_indexed]).all()
    assert ("is shown" in view.sampling_note()) is (stride > 1)


def test_its_area_begins_half_a_pixel_before_the_first_centre(tmp_path):
    write_map(tmp_path / "map.h5")
    view = read_view(tmp_path / "map.h5", lambda raster: 1)
    assert view.extent_um == (-1.25, 23.75, -1.25, 16.25)  # 10 × 7 pixels of 2.5 µm


def test_misorientation_from_ebsd_by_hand(tmp_path):
    """EBSD's crystal is turned by 3° about the crystal's own axis, and unknown at one pixel."""
    write_map(tmp_path / "map.h5")
    write_map(tmp_path / "ebsd.h5", turned_deg=3.0, unknown=(2, 3))
    labels = write_grains(tmp_path / "grains.h5")
    files = (tmp_path / "grains.h5", tmp_path / "ebsd.h5", tmp_path / "grains.h5")
    view = read_view(tmp_path / "map.h5", lambda raster: 1, *files)
    angles = view.misorientation_deg()
    known = view.pixels.is_indexed.copy()
    known[2, 3] = False
    np.testing.assert_allclose(angles[known], 3, atol=1e-9)
    assert np.isnan(angles[~known]).all()
    np.testing.assert_array_equal(view.near_boundary, near_boundary(labels))


def test_ebsd_of_another_raster_is_one_line(tmp_path):
    write_map(tmp_path / "map.h5")
    write_map(tmp_path / "ebsd.h5", raster=Raster(7, 10, 2.5))
    line = r"ebsd\.h5: a raster of 7 × 10 pixels of 2\.5 µm, expected 10 × 7 .*map\.h5$"
    with pytest.raises(InputError, match=line):
        read_view(tmp_path / "map.h5", lambda raster: 1, ebsd=tmp_path / "ebsd.h5")


@pytest.mark.parametrize("labels", [np.zeros((10, 7), np.int32), np.zeros((7, 10))])
def test_other_labels_are_one_line(tmp_path, labels):
    with h5py.File(tmp_path / "grains.h5", "w") as file:
        file["labels"] = labels
    with pytest.raises(InputError, match=r"grains\.h5: labels of type .* expected whole numbers"):
        read_labels(tmp_path / "grains.h5", RASTER)


def test_near_a_boundary_are_three_pixels_on_either_side():
    labels = np.zeros((5, 20), int)
    labels[:, 8:] = 1
    expected = np.zeros(labels.shape, bool)
    expected[:, 5:11] = True
    np.testing.assert_array_equal(near_boundary(labels), expected)
    assert not near_boundary(np.zeros((4, 4), int)).any()
    assert near_boundary(np.array([[0]])).shape == (1, 1)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 200_000))
def test_strides_are_the_least_that_keep_the_bounds(nx, ny, most):
    def shown(stride: int) -> tuple[int, int]:
        return len(range(0, nx, stride)), len(range(0, ny, stride))

    raster = Raster(nx, ny, 1.0)
    by_pixels = stride_for_pixels(raster, most)
    assert np.prod(shown(by_pixels)) <= most
    assert by_pixels == 1 or np.prod(shown(by_pixels - 1)) > most
    by_side = stride_for_side(raster, most)
    assert max(shown(by_side)) <= most
    assert by_side == 1 or max(shown(by_side - 1)) > most


@pytest.mark.parametrize(("number", "word"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (21, "21st")])
def test_ordinals(number, word):
    assert ordinal(number) == word


@given(st.integers(0, 99))
def test_boundary_lines_are_where_scikit_image_finds_boundaries(seed):
    labels = np.random.default_rng(seed).integers(-1, 3, (6, 9))
    lines, pairs = boundary_lines(labels)
    length = np.abs(lines[:, 1] - lines[:, 0]).sum(-1)
    both = (labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum()
    assert length.sum() == both  # no edge is drawn twice, none is missing
    # between the pixels of skimage's grid of twice the size lie the same edges
    subpixel = find_boundaries(labels, mode="subpixel", background=-2)
    for (start, end), (low, high) in zip(lines, pairs, strict=True):
        column, row = (start + end) / 2
        is_upright = start[0] == end[0]
        column, row = int(column), int(row)
        sides = (
            {labels[row, column - 1], labels[row, column]}
            if is_upright
            else {labels[row - 1, column], labels[row, column]}
        )
        assert sides == {low, high}
        at = (2 * row, 2 * column - 1) if is_upright else (2 * row - 1, 2 * column)
        assert subpixel[at]


def test_a_straight_boundary_is_one_line():
    labels = np.zeros((4, 6), int)
    labels[2:] = 5
    lines, pairs = boundary_lines(labels)
    np.testing.assert_array_equal(lines, [[[0, 2], [6, 2]]])
    np.testing.assert_array_equal(pairs, [[0, 5]])
    lines, pairs = boundary_lines(labels.T)
    np.testing.assert_array_equal(lines, [[[2, 0], [2, 6]]])
    lines, pairs = boundary_lines(np.zeros((1, 1), int))
    assert lines.shape == (0, 2, 2)
    assert pairs.shape == (0, 2)


def test_a_map_that_is_missing_is_one_line():
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        read_view(Path("none.h5"), lambda raster: 1)
