"""A pixel's place in the map follows from the specimen coordinates that its indices stand for."""

import itertools

import numpy as np
import pytest

from workflow.lib.maps.placed import raster_shape, rows_from, to_raster

ALL_AXES = [
    [sign + name for sign, name in zip(signs, names, strict=True)]
    for names in ("xy", "yx")
    for signs in itertools.product("+-", repeat=2)
]
SHAPE = (4, 3)
SCAN = np.arange(24).reshape(4, 3, 2)


def value_at(x, y, axes):
    """The scan's value at a map's column and row, found by going along its axes one by one."""
    place = {"x": x, "y": y}
    indices = [
        place[name] if sign == "+" else size - 1 - place[name]
        for size, (sign, name) in zip(SHAPE, axes, strict=True)
    ]
    return SCAN[tuple(indices)]


@pytest.mark.parametrize("axes", ALL_AXES)
def test_every_pixel_lies_where_its_axes_say(axes):
    ny, nx = raster_shape(SHAPE, axes)
    expected = [[value_at(x, y, axes) for x in range(nx)] for y in range(ny)]
    np.testing.assert_array_equal(to_raster(SCAN, axes), expected)


@pytest.mark.parametrize("axes", ALL_AXES)
def test_rows_are_those_of_the_whole_and_are_read_once_by_rising_slices(axes):
    ny, nx = raster_shape(SHAPE, axes)
    for y0, y1 in itertools.combinations(range(ny + 1), 2):
        calls = []

        def read(first, second, calls=calls):
            calls.append((first, second))
            return SCAN[first, second]

        rows = rows_from(read, y0, y1, SHAPE, axes)
        np.testing.assert_array_equal(rows, to_raster(SCAN, axes)[y0:y1])
        ((first, second),) = calls
        pixels = (first.stop - first.start) * (second.stop - second.start)
        assert pixels == (y1 - y0) * nx, "only what these rows need"


def test_by_hand():
    # The first index falls along y, the second rises along x: an image as a screen shows it.
    image = np.array([["top left", "top right"], ["bottom left", "bottom right"]])
    raster = to_raster(image, ["-y", "+x"])
    assert raster[0, 0] == "bottom left"
    assert raster[1, 1] == "top right"
    # First index x, second y: the raster's first row is the first of the second index.
    np.testing.assert_array_equal(to_raster(np.array([[1, 2], [3, 4]]), ["+x", "+y"])[0], [1, 3])


@pytest.mark.parametrize("axes", [["+x", "-x"], ["+y", "+y"]])
def test_two_indices_along_one_axis_are_refused(axes):
    with pytest.raises(ValueError, match="one of \\+y, -y"):
        raster_shape(SHAPE, axes)


@pytest.mark.parametrize("rows", [(-1, 2), (2, 1), (0, 5)])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ValueError, match="of a map of 4"):
        rows_from(lambda first, second: SCAN[first, second], *rows, SHAPE, ["+y", "+x"])
