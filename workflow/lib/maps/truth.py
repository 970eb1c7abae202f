"""What only a simulation knows of a scan: its true grains and where it is no metal.

truth.h5 holds, in the raster of the map (`placed`), `grain` int32 (ny, nx), the grain at each
pixel's centre, `pore_share` float32 (ny, nx), how much of it is pore, and `etch` float32 (ny, nx),
the height of its ridges, 1 where etching is as it should be; and `orientation` float64 (n, 4), that
of each grain, crystal to specimen, without the noise of labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workflow.lib.maps.placed import to_raster
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, write_array
from workflow.lib.runtime.progress import tracked
from workflow.lib.simulation.archive import ANOMALY, SCAN, SCANNED_SPECIMEN
from workflow.lib.simulation.polycrystal import SUBPIXELS, Scan, scan_specimen, voronoi_grains
from workflow.lib.simulation.reflectance import SPECIMENS, random_orientations, stream

SETS = {"samples/08": SCAN, "anomaly_specimen": ANOMALY}  # by the config's name of the scan
PORE_SHARE = 0.5  # from which a pixel is no metal
ETCH = 0.5  # up to which it shows too little of it
ROWS_PX = 1 << 15  # pixels of the signals read at once
FIELDS = ("grain", "pore_share", "etch", "orientation")


@dataclass(frozen=True)
class Truth:
    """As truth.h5; see the module."""

    grain: np.ndarray
    pore_share: np.ndarray
    etch: np.ndarray
    orientation: np.ndarray

    @property
    def is_pore(self) -> np.ndarray:
        return self.pore_share >= PORE_SHARE

    @property
    def is_under_etched(self) -> np.ndarray:
        return self.etch <= ETCH


def simulated_again(name: str, simulation: Mapping[str, Any]) -> tuple[Scan, np.ndarray]:
    """A scan of the simulated archive as it was drawn, and the orientation of its grains (n, 4).

    name: one of `SETS`. simulation: the config's. Memory: about 600 bytes a pixel.
    """
    shape = tuple(simulation["scan_shape"])
    specimen = SPECIMENS[SCANNED_SPECIMEN - 1]
    drawn = stream(simulation["seed"], SETS[name], SCANNED_SPECIMEN)
    scan = scan_specimen(
        shape, specimen, drawn, name == "anomaly_specimen", simulation["facet_amplitude"]
    )
    # The orientations come next after the grains, from the same random numbers.
    again = stream(simulation["seed"], SETS[name], SCANNED_SPECIMEN)
    n_grains = int(voronoi_grains(shape, again).max()) + 1
    return scan, random_orientations(n_grains, specimen.fibre_fraction, again)


def truth_of(scan: Scan, orientation: np.ndarray, axes: Sequence[str]) -> Truth:
    """The truth of a simulated scan, in the raster of a map with these axes."""
    grain = scan.grains[..., SUBPIXELS**2 // 2]
    etch = np.broadcast_to(scan.etch, grain.shape)
    return Truth(*(to_raster(part, axes) for part in (grain, scan.pore_share, etch)), orientation)


class Readable(Protocol):
    """Signals that are read by rows, such as `archive.scan.signals.ScanSignals`."""

    shape: tuple[int, int]

    def read(self, first: int, last: int) -> np.ndarray: ...


def check_same(signals: Readable, scan: Scan, source: str, name: str) -> None:
    """Raise InputError unless these are the signals of the simulated scan, to the last count.

    source: what to call the signals. name: the scan's, one of `SETS`.
    """
    found, expected = tuple(signals.shape), scan.signals.shape[:2]
    if found != expected:
        raise InputError(
            f"{source}: {found[0]} × {found[1]} pixels, expected {expected[0]} × {expected[1]} of "
            f"the simulated {name} (config key simulation.scan_shape): set truth to null if it is "
            "another scan"
        )
    rows = max(1, ROWS_PX // found[1])
    differing = 0
    for first in tracked(range(0, found[0], rows), "truth", "block"):
        last = min(first + rows, found[0])
        differing += int((signals.read(first, last) != scan.signals[first:last]).any((2, 3)).sum())
    if differing:
        raise InputError(
            f"{source}: {differing} of {found[0] * found[1]} pixels differ from the simulated "
            f"{name} (config key simulation), expected none: set truth to null if it is another "
            "scan, or simulation to what it was made with"
        )


def write_truth(path: Path, truth: Truth, name: str) -> None:
    """Write truth.h5 of the scan `name`."""
    with new_hdf5(path) as file:
        for key in FIELDS:
            write_array(file, key, getattr(truth, key))
        file.attrs.update(scan=name, simulated=True)


def read_truth(path: Path) -> Truth:
    """What `write_truth` wrote."""
    with opened(path) as file:
        return Truth(*(member(file, key)[:] for key in FIELDS))
