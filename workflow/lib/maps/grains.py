"""Grains of an orientation map: which pixels belong together, and the file that says so.

What EBSD software does: between neighbouring pixels lies a boundary where they are misoriented by
the threshold or more, what boundaries enclose is a grain, and those of too few pixels join a
neighbour. A network's answers scatter by more from pixel to pixel than those of EBSD, and would
fall to pieces. So before that, a median filter of 5 × 5 pixels (`median_filter`) calms them, and
after that neighbours are joined that differ by less than the threshold or their scatter
(`merging.without_cuts`). The map's own orientations stay as they are, and a grain's mean is
that of all its pixels as they are.

grains.h5 holds `labels`, int32 (ny, nx), 0 to n − 1 or −1 where a pixel is in no grain, and
`orientation`, float64 (n, 4), each grain's mean, crystal to specimen. Its attributes are the map's
header, its raster, `threshold_deg`, `min_pixels` and `window_px`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.maps.map_file import Header, Map, Raster
from workflow.lib.maps.merging import without_cuts, without_small
from workflow.lib.maps.region_orientations import means, sampled
from workflow.lib.maps.regions import connected
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, reserve, write_array

WINDOW_PX = 5  # of the filter for a network's map; 1, no filter, is right for EBSD's
TILE_PX = 256  # of `labels` on disk


@dataclass(frozen=True)
class Grains:
    """labels: int32 (ny, nx), 0 to n − 1, or −1 in no grain, numbered row by row of the map.

    orientation: float64 (n, 4), symmetric means. sizes: int64 (n,), pixels.
    """

    labels: np.ndarray
    orientation: np.ndarray
    sizes: np.ndarray


def segment(
    orientation_map: Map, threshold_deg: float, min_pixels: int, window_px: int = WINDOW_PX
) -> Grains:
    """The grains of a map.

    threshold_deg: misorientation from which there is a boundary. min_pixels: smaller ones join a
    neighbour; where there is none, they are no grains. window_px: of the median filter, odd; with
    1 nothing is filtered, and nothing is joined for being alike.
    Memory: a strip of the map, 5 to 13 bytes a pixel for the labels, and about 1 kB a grain.
    """
    regions = without_small(connected(orientation_map, threshold_deg, window_px), min_pixels)
    if window_px > 1:
        sample = sampled(orientation_map, regions.labels, regions.sizes)
        regions = without_cuts(regions, threshold_deg, sample)
    orientation = means(orientation_map, regions.labels, regions.sizes)
    return Grains(regions.labels, orientation, regions.sizes)


def write_grains(
    path: Path, grains: Grains, header: Header, raster: Raster, settings: dict[str, float]
) -> None:
    """Write grains.h5. settings: what `segment` was called with."""
    ny, nx = grains.labels.shape
    with new_hdf5(path) as file:
        file.attrs.update(asdict(header), **asdict(raster), **settings)
        file.attrs["notice"] = header.notice
        reserve(file, grains.labels.nbytes)
        file.create_dataset(
            "labels",
            data=grains.labels,
            chunks=(min(TILE_PX, ny), min(TILE_PX, nx)),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        write_array(file, "orientation", grains.orientation)


def read_labels(path: Path) -> np.ndarray:
    """The labels (ny, nx) of a grains.h5. Raises InputError when the file is none."""
    with opened(path) as file:
        labels = member(file, "labels")
        if not isinstance(labels, h5py.Dataset) or labels.ndim != 2 or labels.dtype.kind != "i":
            raise InputError(f"{path}: labels: expected whole numbers (ny, nx)")
        return labels[:]
