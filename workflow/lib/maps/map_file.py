"""An orientation map as an HDF5 file that orix opens as a CrystalMap, written and read by rows.

Pixels lie in a raster of `ny` rows along specimen y and `nx` columns along specimen x, both rising;
in the file they follow each other row by row. Angles are Bunge's, radians: the intrinsic ZXZ
angles of the rotation that takes crystal to specimen coordinates (`workflow.lib.orientation`). A
pixel that is no metal, or of which no answer came, has the phase −1 ("not_indexed").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workflow.lib.maps.bunge import bunge_rad, quaternions
from workflow.lib.runtime.files import InputError, remade_by
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, reserve

PHASE, FORMULA = "gamma nickel", "Ni"
LATTICE_ANGSTROM = 3.6  # of Inconel 718's matrix, roughly; no orientation depends on it
ORIX_FORMAT = "0.15.0"  # whose layout of files this is
PIXELS_AT_ONCE = 1 << 18  # of `Map.blocks`
CHUNK = 1 << 16  # pixels
ORIGINS = ("simulated", "measured", "not stated")
ANGLES = ("phi1", "Phi", "phi2")
COLUMNS = {
    **dict.fromkeys(("x", "y", *ANGLES), np.float64),
    **dict.fromkeys(("confidence", "anomaly"), np.float32),
    **{"phase_id": np.int64, "id": np.int64, "is_in_data": np.bool_},
}
CONVENTION = (
    "phi1, Phi, phi2: Bunge's Euler angles, radians. As a rotation that turns vectors, "
    "Rz(phi1) Rx(Phi) Rz(phi2) takes crystal to specimen coordinates; its inverse, which orix has "
    "for its rotation, takes specimen to crystal coordinates. x and y are specimen axes."
)


@dataclass(frozen=True)
class Raster:
    """Pixels along x and y, and their distance in µm."""

    nx: int
    ny: int
    step_um: float

    @property
    def pixels(self) -> int:
        return self.nx * self.ny


@dataclass(frozen=True)
class Header:
    """What a map was made of. Origins are one of `ORIGINS`.

    network, fold, seed: of the model; "" and 0 for a map that is no network's. views: of each
    signal, 1 to 72; 0 likewise. made_by: one line, such as the release's checksum.
    """

    scan: str
    signals_origin: str
    training_origin: str
    network: str = ""
    fold: int = 0
    seed: int = 0
    views: int = 0
    made_by: str = ""

    @property
    def is_simulated(self) -> bool:
        return "simulated" in (self.signals_origin, self.training_origin)

    @property
    def notice(self) -> str:
        """What everything that shows the map must say; "" if all of it was measured."""
        if self.signals_origin == "simulated":
            return "SIMULATED: the signals come from a simulation, not from a specimen"
        if self.training_origin == "simulated":
            return "The network learnt from SIMULATED signals only: not a measurement to rely on"
        return ""


@dataclass(frozen=True)
class Pixels:
    """What is known of pixels; all arrays have the same leading shape.

    orientation: float64 (…, 4), unit quaternions, crystal to specimen; NaN without an answer.
    confidence: float32 (…), 0 to 1, NaN where it is not known. anomaly: float32 (…), the score of
    the signal, see `maps.signal_space`; NaN where it is not known. is_indexed: bool (…).
    """

    orientation: np.ndarray
    confidence: np.ndarray
    anomaly: np.ndarray
    is_indexed: np.ndarray

    @staticmethod
    def of_orientations(orientation: np.ndarray) -> "Pixels":
        """Of orientations (…, 4) of which nothing else is known."""
        unknown = np.full(orientation.shape[:-1], np.nan, np.float32)
        return Pixels(orientation, unknown, unknown, np.isfinite(orientation).all(-1))


class MapWriter:
    """Takes the pixels of a raster row by row, see `new_map`."""

    def __init__(self, data: h5py.Group, raster: Raster) -> None:
        self._data, self._raster, self._done = data, raster, 0

    def append(self, pixels: Pixels) -> None:
        """The next rows: arrays (k, nx, …)."""
        count, nx = pixels.is_indexed.shape
        if nx != self._raster.nx:
            raise ValueError(f"rows of {nx} pixels for a raster of {self._raster.nx}")
        if self._done + count * nx > self._raster.pixels:
            raise ValueError(f"more than the {self._raster.ny} rows of the raster")
        rows = np.arange(self._done // nx, self._done // nx + count)
        step = self._raster.step_um
        columns: dict[str, np.ndarray] = {
            "y": np.repeat(rows * step, nx),
            "x": np.tile(np.arange(nx) * step, count),
            "phase_id": np.where(pixels.is_indexed.ravel(), 0, -1),
            "id": np.arange(self._done, self._done + count * nx),
            "is_in_data": np.ones(count * nx, bool),
            "confidence": pixels.confidence.ravel(),
            "anomaly": pixels.anomaly.ravel(),
        }
        columns |= dict(zip(ANGLES, bunge_rad(pixels.orientation.reshape(-1, 4)).T, strict=True))
        for name, values in columns.items():
            reserve(self._data.file, values.nbytes)
            self._data[name][self._done : self._done + len(values)] = values
        self._done += count * nx

    def check_whole(self) -> None:
        if self._done != self._raster.pixels:
            raise ValueError(f"{self._done} of {self._raster.pixels} pixels were written")


class Map:
    """A map that is open for reading.

    Raises InputError where the file lacks something, or holds something that does not fit.
    """

    def __init__(self, file: h5py.File) -> None:
        data = member(member(file, "crystal_map"), "data")
        self.header, self.raster = _described(file)
        self._data = {name: _column(data, name, self.raster.pixels) for name in COLUMNS}

    def column(self, name: str, first: int, last: int) -> np.ndarray:
        """One of `COLUMNS`, of the pixels first to last − 1, which lie row by row."""
        return self._data[name][first:last]

    def angles_rad(self, first: int, last: int) -> np.ndarray:
        """Bunge angles (last − first, 3) of the pixels first to last − 1."""
        return np.stack([self.column(name, first, last) for name in ANGLES], -1)

    def rows(self, first: int, last: int) -> Pixels:
        """Rows first to last − 1: arrays (last − first, nx, …)."""
        nx = self.raster.nx
        part = first * nx, last * nx
        return Pixels(
            quaternions(self.angles_rad(*part)).reshape(-1, nx, 4),
            self.column("confidence", *part).reshape(-1, nx),
            self.column("anomaly", *part).reshape(-1, nx),
            (self.column("phase_id", *part) >= 0).reshape(-1, nx),
        )

    def blocks(self, overlap: int = 0) -> Iterator[tuple[int, Pixels]]:
        """All rows, so many at a time: the first row's number, and the pixels.

        overlap: rows of the block before that are given again at the head of each but the first.
        """
        rows = max(1, PIXELS_AT_ONCE // self.raster.nx)
        for first in range(0, self.raster.ny, rows):
            start = max(0, first - overlap)
            yield start, self.rows(start, min(first + rows, self.raster.ny))


@contextmanager
def new_map(path: Path, raster: Raster, header: Header) -> Iterator[MapWriter]:
    """A map to fill from its first row to its last; written whole or not at all."""
    if raster.pixels < 1 or not {header.signals_origin, header.training_origin} <= {*ORIGINS}:
        raise ValueError(f"no map can have {raster} and {header}")
    with new_hdf5(path) as file:
        _write_header(file, raster)
        file.attrs.update(asdict(header), **asdict(raster))
        file.attrs["convention"] = CONVENTION
        file.attrs["notice"] = header.notice
        data = file.create_group("crystal_map/data")
        for name, dtype in COLUMNS.items():
            data.create_dataset(
                name,
                (raster.pixels,),
                dtype,
                chunks=(min(CHUNK, raster.pixels),),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
        writer = MapWriter(data, raster)
        yield writer
        writer.check_whole()


@contextmanager
def open_map(path: Path) -> Iterator[Map]:
    """A map that `new_map` wrote. Raises InputError when the file is none."""
    with opened(path) as file:
        yield Map(file)


def _described(file: h5py.File) -> tuple[Header, Raster]:
    """What the attributes say. Raises InputError where they say too little, or nonsense."""
    settings = {name: _plain(value) for name, value in file.attrs.items()}
    try:
        header = Header(**{key.name: settings[key.name] for key in fields(Header)})
        nx, ny, step_um = (settings[key.name] for key in fields(Raster))
    except KeyError as error:
        raise InputError(
            f"{file.filename}: lacks the attribute {error}, expected a map of this workflow"
        ) from None
    told = {"signals_origin": header.signals_origin, "training_origin": header.training_origin}
    for name, origin in told.items():
        if origin not in ORIGINS:
            raise InputError(
                f"{file.filename}: attribute {name} is {origin!r}, expected {', '.join(ORIGINS)}"
            )
    if not (isinstance(nx, int) and isinstance(ny, int) and min(nx, ny) > 0 and step_um > 0):
        raise InputError(
            f"{file.filename}: a raster of {nx} by {ny} pixels, {step_um} um apart; expected "
            "positive numbers"
        )
    return header, Raster(nx, ny, float(step_um))


def _column(data: h5py.Group, name: str, pixels: int) -> h5py.Dataset:
    column = member(data, name)
    found = getattr(column, "shape", "a group")
    if found != (pixels,):
        path = data.file.filename
        raise InputError(
            f"{path}: {column.name} is {found}, expected ({pixels},), one value for each pixel; "
            f"{remade_by(path)}"
        )
    return column


def _write_header(file: h5py.File, raster: Raster) -> None:
    """All that orix's reader wants beside the pixels."""
    _write(file, {"manufacturer": "orix", "version": ORIX_FORMAT})
    header = file.create_group("crystal_map/header")
    steps = {"x_step": raster.step_um, "y_step": raster.step_um}
    numbers = {"nx": raster.pixels, "ny": raster.pixels, "rotations_per_point": 1}
    _write(header, {"grid_type": "square", "scan_unit": "um"} | numbers | steps)
    unknown = dict.fromkeys(("space_group", "point_group"), "None")
    phases = {
        "-1": {"name": "not_indexed", "color": "white"} | unknown,
        "0": {"name": PHASE, "color": "tab:blue", "space_group": 225, "point_group": "m-3m"},
    }
    for number, phase in phases.items():
        group = header.create_group(f"phases/{number}")
        _write(group, phase)
        structure = group.create_group("structure")
        structure.create_group("atoms")
        lattice = structure.create_group("lattice")
        lattice["abcABG"] = np.array([LATTICE_ANGSTROM] * 3 + [90.0] * 3)
        lattice["baserot"] = np.eye(3)


def _write(group: h5py.Group, values: dict[str, Any]) -> None:
    for name, value in values.items():
        group[name] = np.array([value.encode() if isinstance(value, str) else value])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
