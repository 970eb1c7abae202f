"""Orientations of a scan's pixels by EBSD: arrays of angles, read piece by piece, .ang and .ctf."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workflow.lib.archive.npy.load import map_array
from workflow.lib.archive.scan.angles import (
    FULL_TURN_RAD,
    check_radians,
    check_settings,
    in_radians,
    orientations,
)
from workflow.lib.archive.scan.arrays import array_of, is_hdf5, simulated_attribute
from workflow.lib.archive.scan.crystal_map import RasterMap, is_crystal_map, read_crystal_map
from workflow.lib.archive.specimen import MANY, SMALL_ANGLES_RAD
from workflow.lib.archive.unindexed import is_exact_cube
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import opened

RASTER_AXES = ("+y", "+x")  # of an .ang or .ctf, whose positions say where pixels are


class Ebsd:
    """Orientations that are open for reading, see `open_ebsd`.

    shape: pixels along the first and the second index. axes: where these point, if the file says
    so; None where they are the scan's. step: in µm, if the file says so. is_simulated: what the
    file says about itself; None where it says nothing. warnings: of what has been read so far, a
    clause each.
    """

    shape: tuple[int, int]
    axes: tuple[str, str] | None = None
    step: float | None = None
    is_simulated: bool | None = None

    def read(self, first: slice, second: slice) -> np.ndarray:
        """Orientations (a', b', 4) of a part, crystal to specimen; NaN where not indexed."""
        raise NotImplementedError

    @property
    def warnings(self) -> list[str]:
        return []


class _Angles(Ebsd):
    """An array of angles (a, b, 3) or (n, 3)."""

    def __init__(self, path: Path, name: str, settings: Mapping[str, str]) -> None:
        self._path, self._name, self._settings = path, name, settings
        self._cubes, self._known, self._highest_rad = 0, 0, 0.0
        array = self._array()
        if array.ndim not in (2, 3) or array.shape[-1] != 3 or array.dtype.kind not in "iuf":
            raise InputError(
                f"{name}: type {array.dtype} and shape {array.shape}, expected numbers of shape "
                "(x, y, 3) or (n, 3), three Euler angles a pixel"
            )
        if array.size == 0:
            raise InputError(f"{name}: shape {array.shape}: it is empty, expected angles")
        self._is_list = array.ndim == 2
        self.shape = (array.shape[0], 1 if self._is_list else array.shape[1])

    def _array(self) -> np.ndarray | h5py.Dataset:
        """The array, not read yet."""
        return map_array(self._path)  # anew for every part, or else its pages stay in memory

    def read(self, first: slice, second: slice) -> np.ndarray:
        array = self._array()
        part = array[first][:, None][:, second] if self._is_list else array[first, second]
        angles_rad = in_radians(part, self._settings["unit"])
        flat = angles_rad.reshape(-1, 3)

        def place(is_bad: np.ndarray) -> str:
            i, j = divmod(int(is_bad.argmax()), angles_rad.shape[1])
            pixel = (first.start + i, second.start + j)
            return f"the first at pixel {pixel}, counted from 0"

        check_radians(flat, self._settings, place, self._path)
        self._note(flat)
        return orientations(angles_rad, self._settings)

    def _note(self, angles_rad: np.ndarray) -> None:
        """Remember what is unlikely of angles (n, 3)."""
        known = angles_rad[np.isfinite(angles_rad).all(axis=1)]
        self._known += len(known)
        self._highest_rad = max(self._highest_rad, float(np.abs(known).max(initial=0)))
        if self._settings["angles"] == "zyz":
            self._cubes += int(is_exact_cube(known).sum())

    @property
    def warnings(self) -> list[str]:
        found = []
        if self._cubes:
            found.append(
                f"EBSD: {self._cubes} of {self._known} pixels are exactly the cube orientation: "
                "points not indexed, converted with the others?"
            )
        unit, highest, limit = self._settings["unit"], self._highest_rad, SMALL_ANGLES_RAD
        if unit == "degree":
            highest, limit = np.rad2deg(highest), FULL_TURN_RAD
        if self._known >= MANY and highest <= limit:
            found.append(
                f"EBSD: no Euler angle exceeds {highest:.3g} {unit}s: another "
                "unit, or a single crystal?"
            )
        return found


class _Hdf5Angles(_Angles):
    def __init__(self, dataset: h5py.Dataset, path: Path, settings: Mapping[str, str]) -> None:
        self._dataset = dataset
        self.is_simulated = simulated_attribute(dataset.file)
        super().__init__(path, f"{path}: {dataset.name}", settings)

    def _array(self) -> h5py.Dataset:
        return self._dataset


class _Raster(Ebsd):
    """An .ang or .ctf, which is read as a whole."""

    axes = RASTER_AXES

    def __init__(self, found: RasterMap) -> None:
        self.shape, self.step = found.orientation.shape[:2], found.step
        self._orientation, self._warnings = found.orientation, found.warnings

    def read(self, first: slice, second: slice) -> np.ndarray:
        return self._orientation[first, second]

    @property
    def warnings(self) -> list[str]:
        return [f"EBSD: {warning}" for warning in self._warnings]


@contextmanager
def open_ebsd(path: Path, settings: Mapping[str, Any]) -> Iterator[Ebsd]:
    """The orientations in a .npy, an HDF5 file, an .ang or a .ctf; parts are checked when read.

    settings: `array`, `angles`, `unit` and `direction` of a scan's `ebsd` in the config, see
    `archive.scan.angles`; an .ang or .ctf needs none of them, its format fixes what they say.
    Raises InputError, one line, when the file is missing, broken or of another shape; `read` does
    when angles are impossible, such as degrees where radians are expected.
    """
    path = Path(path)
    if is_crystal_map(path):
        yield _Raster(read_crystal_map(path))
        return
    check_settings(settings, path)
    if not is_hdf5(path):
        yield _Angles(path, str(path), settings)
        return
    with opened(path) as file:
        yield _Hdf5Angles(array_of(file, settings["array"], (3,), "angles"), path, settings)
