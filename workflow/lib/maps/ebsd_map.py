"""The EBSD map of a scan as a map of this workflow: checked against the scan, placed beside it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workflow.lib.archive.scan.ebsd import Ebsd
from workflow.lib.maps.map_file import ORIGINS, PIXELS_AT_ONCE, Header, Pixels, new_map
from workflow.lib.maps.placed import raster_shape, rows_from
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import Progress

SAME_STEP = 0.01
NO_TRAINING = ORIGINS[2]


def check_ebsd(ebsd: Ebsd, facts: ScanFacts, name: str) -> list[str]:
    """Read all of an EBSD map; what is unlikely about it, a clause each.

    Raises InputError, beginning with `name`, when it has other pixels than the scan, and as
    `Ebsd.read` does.
    """
    check_pixels(ebsd, facts, name)
    found = sum(int(np.isfinite(rows[..., 0]).sum()) for rows in _rows(ebsd, facts))
    if not found:
        raise InputError(f"{name}: none of {facts.raster.pixels} pixels is indexed, expected some")
    told = list(ebsd.warnings)
    if ebsd.step is not None and abs(ebsd.step / facts.step_um - 1) > SAME_STEP:
        told.append(f"EBSD: a step of {ebsd.step:g} µm, the config's step_um is {facts.step_um:g}")
    return told


def check_pixels(ebsd: Ebsd, facts: ScanFacts, name: str) -> None:
    """Raise InputError, beginning with `name`, when an EBSD map has other pixels than the scan."""
    expected = facts.shape if ebsd.axes is None else (facts.raster.ny, facts.raster.nx)
    if tuple(ebsd.shape) == tuple(expected):
        return
    kind = "pixels" if ebsd.axes is None else "rows and columns"
    swapped = tuple(ebsd.shape) == tuple(expected[::-1])
    remedy = "are x and y exchanged?" if swapped else "register it to the scan, pixel by pixel"
    raise InputError(
        f"{name}: {ebsd.shape[0]} × {ebsd.shape[1]} {kind}, expected {expected[0]} × "
        f"{expected[1]} as in the scan {facts.name}: {remedy}"
    )


def write_ebsd_map(ebsd: Ebsd, facts: ScanFacts, file: Path, target: Path) -> int:
    """Write an EBSD map, read from `file`, as a map; returns how many of its pixels are indexed.

    Raises InputError as `check_ebsd` does.
    """
    check_pixels(ebsd, facts, str(file))
    header = Header(facts.name, facts.signals_origin, NO_TRAINING, made_by=f"EBSD, {file.name}")
    indexed = 0
    with new_map(target, facts.raster, header) as writer:
        for orientation in _rows(ebsd, facts):
            pixels = Pixels.of_orientations(orientation)
            indexed += int(pixels.is_indexed.sum())
            writer.append(pixels)
    return indexed


def _rows(ebsd: Ebsd, facts: ScanFacts) -> Iterator[np.ndarray]:
    """Strips of the map's raster from its first row to its last: (k, nx, 4)."""
    axes = ebsd.axes or facts.axes
    ny, nx = raster_shape(ebsd.shape, axes)
    at_once = max(1, PIXELS_AT_ONCE // nx)
    with Progress("EBSD", ny * nx, "pixel") as progress:
        for y in range(0, ny, at_once):
            rows = rows_from(ebsd.read, y, min(y + at_once, ny), ebsd.shape, axes)
            yield rows
            progress.add(rows.shape[0] * nx)
