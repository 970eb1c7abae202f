"""A map in the formats of other programs: .ang (EDAX OIM, MTEX, DREAM.3D), .ctf (Oxford, MTEX).

Both are tables of text, a line for each pixel, row by row, x rising fastest, with Bunge's angles of
the orientation (`maps.bunge`). What is written follows from what the programs do that read them:

- OIM's sixth to tenth columns are image quality, confidence index, phase, detector signal and fit.
  The confidence goes to the confidence index, 0 where it is not known, and the anomaly score to
  the detector signal. What is not indexed has angles of 4π, confidence −1, phase 0 and fit 180.
  (orix writes phase −1 there, from which MTEX concludes that another column has the phases.)
- A .ctf has the confidence as band contrast, 0 to 255, and the anomaly score as mean angular
  deviation. What is not indexed has phase 0, error 3 ("no solution") and angles of 0. The format
  knows no comments; what there is to say stands in a free text. DREAM.3D cuts the last character
  off each header line, since these files come from Windows, so lines end as they do there.
- EDAX's and Oxford's files have axes of the angles that are turned against those of the positions,
  and programs may turn them back. Here they are the same, and the headers say how to read them so.

After the sources of orix, of MTEX's loadEBSD_ang and loadEBSD_ctf, and of DREAM.3D's EbsdLib.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workflow.lib.maps.bunge import UNANSWERED_RAD
from workflow.lib.maps.map_file import FORMULA, LATTICE_ANGSTROM, PHASE, Map
from workflow.lib.runtime.files import atomic
from workflow.lib.runtime.progress import Progress

LINES_AT_ONCE = 1 << 15
ANG_COLUMNS = (
    "phi1, Phi, phi2, x, y, image_quality, confidence_index, phase_id, detector_signal, pattern_fit"
)
ANG_LINE = "%10.7f %10.7f %10.7f %11.9g %11.9g 0.0 %7.5f %d %11.6g %3d\n"
CTF_COLUMNS = "Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS"
CTF_LINE = "%d\t%.9g\t%.9g\t0\t%d\t%.6f\t%.6f\t%.6f\t%.6g\t%d\t0\r\n"
NO_FIT, NO_SOLUTION, LARGEST_CONTRAST = 180, 3, 255
LENGTH, ANGLE = f"{LATTICE_ANGSTROM:.3f}", "90.000"  # of the lattice
MICROSCOPE = ("TEM_PIXperUM", "x-star", "y-star", "z-star", "WorkingDistance")
EDAX_CUBIC, HKL_CUBIC, SPACE_GROUP = 43, 11, 225  # m-3m, m-3m, Fm-3m
AXES = "x and y are specimen axes, z points out of the surface (right-handed: y up if x is right)"
READ_BY_MTEX = "MTEX: EBSD.load(file, 'EulerCorrection', rotation.id)"
READ_BY_DREAM3D = "DREAM.3D: rotate neither the sample nor the crystal reference frame"

Table = Callable[[Map, int, int], np.ndarray]


def write_ang(path: Path, source: Map) -> None:
    """Write an open map as .ang, whole or not at all, in memory that does not grow with the map.

    Angles in radians with an error of 3e-6 degrees, positions in µm.
    """
    _write(path, source, _ang_header(source), ANG_LINE, _ang_table)


def write_ctf(path: Path, source: Map) -> None:
    """As `write_ang`, as .ctf: angles in degrees with an error of 5e-7 degrees."""
    _write(path, source, _ctf_header(source), CTF_LINE, _ctf_table)


def _write(path: Path, source: Map, header: str, line: str, table: Table) -> None:
    pixels = source.raster.pixels
    with atomic(path) as part, open(part, "w", encoding="ascii", newline="") as stream:
        stream.write(header)
        with Progress(path.name, pixels, "pixel") as progress:
            for first in range(0, pixels, LINES_AT_ONCE):  # not rows: one may hold all pixels
                rows = table(source, first, min(first + LINES_AT_ONCE, pixels))
                stream.write(line * len(rows) % tuple(rows.ravel().tolist()))
                progress.add(len(rows))


def _ang_table(source: Map, first: int, last: int) -> np.ndarray:
    """What goes into `ANG_LINE`, (n, 9)."""
    x, y, confidence, anomaly, is_indexed = _columns(source, first, last)
    return np.column_stack(
        (
            np.where(is_indexed[:, None], source.angles_rad(first, last), UNANSWERED_RAD),
            x,
            y,
            np.where(is_indexed, confidence, -1),
            is_indexed,
            anomaly,
            np.where(is_indexed, 0, NO_FIT),
        )
    )


def _ctf_table(source: Map, first: int, last: int) -> np.ndarray:
    """What goes into `CTF_LINE`, (n, 9)."""
    x, y, confidence, anomaly, is_indexed = _columns(source, first, last)
    angles_deg = np.degrees(source.angles_rad(first, last))
    return np.column_stack(
        (
            is_indexed,
            x,
            y,
            np.where(is_indexed, 0, NO_SOLUTION),
            np.where(is_indexed[:, None], angles_deg, 0),
            anomaly,
            np.where(is_indexed, np.round(confidence * LARGEST_CONTRAST), 0),
        )
    )


def _columns(source: Map, first: int, last: int) -> tuple[np.ndarray, ...]:
    """x, y, confidence and anomaly (0 where they are not known), and what is indexed."""
    names = ("x", "y", "confidence", "anomaly", "phase_id")
    x, y, confidence, anomaly, phase = (source.column(name, first, last) for name in names)
    known = (np.nan_to_num(values.astype(float)) for values in (confidence, anomaly))
    return x, y, *known, phase >= 0


def _ang_header(source: Map) -> str:
    raster = source.raster
    lattice = " ".join([LENGTH] * 3 + [ANGLE] * 3)
    notes = [
        *_told(source),
        "phi1, Phi, phi2: Bunge's Euler angles in radians, which turn specimen to crystal axes",
        f"{AXES}; angles and positions refer to the same",
        READ_BY_MTEX,
        READ_BY_DREAM3D,
        "image_quality: 0, there is none. confidence_index: 0 to 1, 0 if it is not known",
        "detector_signal: the anomaly score, the signal's distance from those learnt",
        "Not indexed: angles 4 pi, confidence_index -1, phase_id 0, pattern_fit 180",
    ]
    lines = [
        *(f"{name:<22}{0 if name != 'TEM_PIXperUM' else 1:.6f}" for name in MICROSCOPE),
        "",
        "Phase 1",
        f"MaterialName  \t{PHASE}",
        f"Formula     \t{FORMULA}",
        f"Info  \t{source.header.notice}",
        f"{'Symmetry':<22}{EDAX_CUBIC}",
        f"{'LatticeConstants':<22}{lattice}",
        f"{'NumberFamilies':<22}0",
        "",
        "GRID: SqrGrid",
        f"XSTEP: {raster.step_um:#.9g}",
        f"YSTEP: {raster.step_um:#.9g}",
        f"NCOLS_ODD: {raster.nx}",
        f"NCOLS_EVEN: {raster.nx}",
        f"NROWS: {raster.ny}",
        "",
        "OPERATOR: ",
        "",
        f"SAMPLEID: {_plain(source.header.scan)}",
        "",
        "SCANID: ",
        "",
        "VERSION 5",
        "NOTES: Start",
        *notes,
        "NOTES: End",
        "COLUMN_NOTES: Start",
        f"Column names: {ANG_COLUMNS}",
        "COLUMN_NOTES: End",
    ]
    return "".join(f"# {line}".rstrip(" ") + "\n" for line in lines)


def _ctf_header(source: Map) -> str:
    raster = source.raster
    told = "; ".join(
        (
            *_told(source),
            "Euler angles are Bunge's, in degrees, and turn specimen to crystal axes",
            f"{AXES}; angles and positions refer to the same",
            "BC is 255 times the confidence, MAD the anomaly score",
            READ_BY_MTEX,
            READ_BY_DREAM3D,
        )
    ).replace("Phases", "phases")  # by this word the line is found that follows
    lattice = "\t".join(";".join([value] * 3) for value in (LENGTH, ANGLE))
    microscope = "Mag\t0\tCoverage\t100\tDevice\t0\tKV\t0\tTiltAngle\t0\tTiltAxis\t0"
    lines = [
        "Channel Text File",
        f"Prj {_plain(source.header.scan)}".replace("Phases", "phases"),
        f"Author\t{told}",
        "JobMode\tGrid",
        f"XCells\t{raster.nx}",
        f"YCells\t{raster.ny}",
        f"XStep\t{raster.step_um:.9g}",
        f"YStep\t{raster.step_um:.9g}",
        "AcqE1\t0",
        "AcqE2\t0",
        "AcqE3\t0",
        f"Euler angles refer to Sample Coordinate system (CS0)!\t{microscope}",
        "Phases\t1",
        f"{lattice}\t{PHASE}\t{HKL_CUBIC}\t{SPACE_GROUP}\t\t\t{FORMULA}",
        CTF_COLUMNS,
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _told(source: Map) -> list[str]:
    """What the map is, and first of all whether it is of something simulated."""
    header = source.header
    model = f"; network {header.network}, fold {header.fold}, seed {header.seed}, "
    model += f"{header.views} of 72 views"
    told = [
        header.notice,
        f"Orientation map of {header.scan} by directional reflectance microscopy"
        + (model if header.network else ""),
        f"Signals: {header.signals_origin}; training: {header.training_origin}",
        header.made_by and f"Made by: {header.made_by}",
    ]
    return [_plain(text) for text in told if text]


def _plain(text: str) -> str:
    """Printable ASCII in one line, and no # as opens a line of a header: what all programs read."""
    return "".join(c if " " <= c <= "~" and c != "#" else "?" for c in " ".join(text.split()))
