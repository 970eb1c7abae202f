"""Where a scan's pixels lie in its map.

A scan is an array (a, b, …). `axes` says along which specimen axis each of its first two indices
rises, such as ["+x", "+y"], or ["-y", "+x"] for images as screens show them. A map's raster has
its rows along the specimen's y and its columns along x, both rising. Only the places of pixels
change: orientations refer to the specimen's axes in the scan and in the map.
"""

from collections.abc import Callable, Sequence

import numpy as np


def raster_shape(shape: tuple[int, int], axes: Sequence[str]) -> tuple[int, int]:
    """(ny, nx), rows and columns of the map of a scan of shape (a, b)."""
    return shape if _is_row_first(axes) else (shape[1], shape[0])


def rows_from(
    read: Callable[[slice, slice], np.ndarray],
    y0: int,
    y1: int,
    shape: tuple[int, int],
    axes: Sequence[str],
) -> np.ndarray:
    """Rows y0 to y1 − 1 of the map of a scan of shape (a, b): an array (y1 − y0, nx, …).

    read: gives the scan's part [first, second], an array (a', b', …); it is called once, with
    slices that rise in steps of one, so that it may read from a file.
    """
    ny, _ = raster_shape(shape, axes)
    if not 0 <= y0 <= y1 <= ny:
        raise ValueError(f"rows {y0} to {y1} of a map of {ny}")
    along_y = axes[0] if _is_row_first(axes) else axes[1]
    rows = slice(ny - y1, ny - y0) if along_y[0] == "-" else slice(y0, y1)
    if _is_row_first(axes):
        return to_raster(read(rows, slice(0, shape[1])), axes)
    return to_raster(read(slice(0, shape[0]), rows), axes)


def to_raster(array: np.ndarray, axes: Sequence[str]) -> np.ndarray:
    """A scan (a, b, …) as a map's raster (ny, nx, …); a view, nothing is copied."""
    falls = [axis for axis, name in enumerate(axes) if name[0] == "-"]
    placed = np.flip(array, falls)
    return placed if _is_row_first(axes) else placed.swapaxes(0, 1)


def _is_row_first(axes: Sequence[str]) -> bool:
    """Whether the first index counts rows, which lie along y."""
    names = [axis[1] for axis in axes]
    if sorted(names) != ["x", "y"]:
        raise ValueError(f"axes {list(axes)}: expected one of +x, -x and one of +y, -y")
    return names[0] == "y"
