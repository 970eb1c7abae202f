"""EBSD maps as .ang (EDAX, and others) and .ctf (Oxford, Bruker, MTEX), read by orix.

Their angles are Bunge's, which orix reads as rotations from specimen to crystal. The columns X and
Y are taken for the specimen's x and y, both rising, in the frame to which the angles refer: that
is how this workflow writes them. EBSD programs may give positions and angles in two frames that are
turned against each other: bring them into one before.
"""

import contextlib
import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from orix.crystal_map import CrystalMap
from orix.io import load

from workflow.lib.runtime.files import InputError

SUFFIXES = (".ang", ".ctf")
LAUE_CLASS = "m-3m"
NOT_INDEXED = -1
GRID_TOLERANCE = 0.1  # of a step, by which positions may be rounded
SAME_STEP = 0.01
# Nearer to three angles of zero or of 4π, also with two decimals: the mark of no answer. orix keeps
# no angles, only what they rotate.
MARK_RAD = 2e-3


class RasterMap(NamedTuple):
    """Orientations float64 (ny, nx, 4) of a raster, rows along y; NaN where not indexed.

    step: between columns in the file's unit, µm; None if there is a single pixel. warnings: a
    clause each.
    """

    orientation: np.ndarray
    step: float | None
    warnings: list[str]


def is_crystal_map(path: Path) -> bool:
    """Whether a file is an .ang or .ctf, by its name: they are text and begin in many ways."""
    return path.suffix.lower() in SUFFIXES


def read_crystal_map(path: Path) -> RasterMap:
    """The orientations in an .ang or .ctf of a square grid.

    Pixels that their program did not index, or that are of a phase whose Laue class is known
    and not m-3m, have no orientation. Raises InputError when the file can't be read, which for
    orix takes two pixels or more, or when its grid is not a whole square one.
    """
    found = _load(path)
    # orix has None for a coordinate that is the same everywhere.
    x, y = (np.zeros(found.size) if axis is None else axis for axis in (found.x, found.y))
    rows, columns, step = _places(x, y, path)
    is_other = _is_other_phase(found)
    raster = np.empty((rows.max() + 1, columns.max() + 1, 4))
    raster[rows, columns] = _orientations(found, is_other)
    told = f"{is_other.sum()} pixels of phases that are not {LAUE_CLASS} count as not indexed"
    return RasterMap(raster, step, [told] if is_other.any() else [])


def _orientations(found: CrystalMap, is_other: np.ndarray) -> np.ndarray:
    """Orientations (n, 4), crystal to specimen; NaN where not indexed or `is_other`."""
    orientation = np.asarray((~found.rotations).data, np.float64).reshape(found.size, -1, 4)[:, 0]
    orientation = np.where(orientation[:, :1] < 0, -orientation, orientation)
    is_mark = orientation[:, 0] > np.cos(MARK_RAD / 2)
    orientation[(found.phase_id == NOT_INDEXED) | is_other | is_mark] = np.nan
    return orientation


def _is_other_phase(found: CrystalMap) -> np.ndarray:
    """Which pixels (n,) are indexed, but as a phase of another symmetry."""
    others = [number for number, phase in found.phases if not _is_cubic(phase)]
    return np.isin(found.phase_id, [number for number in others if number != NOT_INDEXED])


def _is_cubic(phase: object) -> bool:
    """Whether a phase is of the networks' symmetry, or says nothing; EDAX writes 43 for 432."""
    return phase.point_group is None or phase.point_group.laue.name == LAUE_CLASS


def _load(path: Path) -> CrystalMap:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    arguments = {"autogen_names": False} if path.suffix.lower() == ".ang" else {}
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            return load(str(path), **arguments)
    except MemoryError:
        raise
    except Exception as error:  # of a broken file orix raises almost anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"{path}: not a readable {path.suffix.lower()} file ({reason}), expected one of EDAX, "
            "Oxford, Bruker, MTEX or orix"
        ) from error


def _places(
    x: np.ndarray, y: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Each pixel's row and column, (n,) each, and the step. InputError where there is no raster."""
    steps = [_step(positions) for positions in (x, y)]
    known = [step for step in steps if step is not None]
    if len(known) == 2 and abs(known[0] - known[1]) > SAME_STEP * max(known):
        raise InputError(
            f"{path}: steps of {known[0]:g} along x and {known[1]:g} along y, expected a square "
            "grid: a hexagonal one? resample it on a square grid"
        )
    columns, rows = (_indices(*pair, path) for pair in zip((x, y), steps, strict=True))
    nx, ny = columns.max() + 1, rows.max() + 1
    if len(x) != nx * ny or len(np.unique(rows * nx + columns)) != len(x):
        raise InputError(
            f"{path}: {len(x)} pixels on a grid of {ny} rows and {nx} columns, expected each of "
            f"{nx * ny} once: a hexagonal or a cropped one? resample it on a square grid"
        )
    return rows, columns, known[0] if known else None


def _step(positions: np.ndarray) -> float | None:
    """The distance of neighbouring columns or rows; None if there is only one."""
    distances = np.diff(np.unique(positions))
    distances = distances[distances > 1e-6 * np.abs(positions).max(initial=0)]
    return float(np.median(distances)) if len(distances) else None


def _indices(positions: np.ndarray, step: float | None, path: Path) -> np.ndarray:
    if step is None:
        return np.zeros(len(positions), int)
    places = (positions - positions.min()) / step
    indices = np.rint(places).astype(int)
    if np.abs(places - indices).max() > GRID_TOLERANCE:
        raise InputError(
            f"{path}: positions are not multiples of a step of {step:g}, expected a square grid"
        )
    return indices
