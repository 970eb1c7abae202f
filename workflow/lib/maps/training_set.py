"""A specimen's set of signals from a scan and the EBSD map of its pixels, one signal per grain.

Taken is the pixel farthest from its grain's boundary: light from a pixel that a boundary crosses
comes from two grains, and two maps of one specimen never lie on each other exactly. What is written
is an archive as the dataset's authors have theirs (`workflow.lib.archive.layout`), for the config's
`data.source: archive`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, find_objects
from scipy.spatial.transform import Rotation

from workflow.lib.archive.layout import MARKER, SETS
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.maps.map_file import Map
from workflow.lib.maps.placed import to_raster
from workflow.lib.orientation import medoid
from workflow.lib.runtime.files import InputError, atomic, write_text
from workflow.lib.runtime.progress import Progress, tracked

LEAST_DISTANCE_PX = 8.0
FEWEST_GRAINS = 2  # one for validation, one to learn from: what `data.split` wants of a set
AROUND_PX = 1  # half the side, less a half, of the square whose medoid is the orientation
BYTES_AT_ONCE = 1 << 25  # of signals
LONGEST_NAME = 64  # of a benchmark, see `data.dataset`


@dataclass(frozen=True)
class Chosen:
    """Pixels of a map, all arrays (n,): the grain's label, the pixel, how far it lies inside.

    distance_px: from the pixel's centre to that of the nearest pixel that is not its grain's, as
    SciPy's Euclidean distance transform has it.
    """

    grain: np.ndarray
    row: np.ndarray
    column: np.ndarray
    distance_px: np.ndarray

    def __len__(self) -> int:
        return len(self.grain)


def farthest_pixels(labels: np.ndarray) -> Chosen:
    """Of each grain the pixel farthest from its boundary.

    labels: int (ny, nx), the grain at each pixel, -1 where there is none. Pixels without a grain
    are beyond the boundary, and so is what lies outside the map, because nobody has seen it. Of
    pixels equally far it is the first, row by row. Grains in the order of their labels.
    """
    found = []
    boxes = find_objects(labels + 1)
    for grain, box in enumerate(tracked(boxes, "farthest pixels", "grain")):
        if box is None:
            continue
        # a frame of one pixel: the nearest other pixel is a neighbour of the grain's box
        inside = np.pad(labels[box] == grain, 1)
        distance_px = distance_transform_edt(inside)[1:-1, 1:-1]
        row, column = np.unravel_index(distance_px.argmax(), distance_px.shape)
        place = row + box[0].start, column + box[1].start
        found.append((grain, *place, distance_px[row, column]))
    columns = zip(*found, strict=True) if found else ((), (), (), ())
    grain, row, column, distance_px = columns
    places = (np.array(values, np.int64) for values in (grain, row, column))
    return Chosen(*places, np.array(distance_px, np.float64))


def far_inside(
    labels: np.ndarray, source: str | Path, least_px: float = LEAST_DISTANCE_PX
) -> Chosen:
    """Those of `farthest_pixels` that lie at least `least_px` inside.

    Raises InputError, which names `source`, where there are fewer than FEWEST_GRAINS.
    """
    found = farthest_pixels(labels)
    is_far = found.distance_px >= least_px
    if is_far.sum() < FEWEST_GRAINS:
        largest = f", the farthest {found.distance_px.max():.1f} px" if len(found) else ""
        raise InputError(
            f"{source}: {is_far.sum()} of {len(found)} grains have a pixel at least {least_px:g} "
            f"px inside their boundary{largest}; expected {FEWEST_GRAINS} or more to make a "
            "training set: scan a larger area, or with a smaller step"
        )
    return Chosen(
        found.grain[is_far], found.row[is_far], found.column[is_far], found.distance_px[is_far]
    )


def signals_at(
    read: Callable[[int, int], np.ndarray],
    shape: tuple[int, int],
    axes: Sequence[str],
    chosen: Chosen,
) -> np.ndarray:
    """The signals of chosen pixels of the map, uint8 (n, 6, 72).

    read: a scan's signals of first indices from one up to another, uint8 (…, b, 6, 72), such as
    `ScanSignals.read`. shape, axes: of the scan, see `maps.placed`.
    """
    first, second = (  # views: as large as the scan, in no memory
        to_raster(np.broadcast_to(index, shape), axes)[chosen.row, chosen.column]
        for index in np.ogrid[: shape[0], : shape[1]]
    )
    signals = np.empty((len(chosen), *SIGNAL_SHAPE), np.uint8)
    at_once = max(1, BYTES_AT_ONCE // (shape[1] * np.prod(SIGNAL_SHAPE)))
    with Progress("training set", shape[0], "row") as progress:
        for start in range(0, shape[0], at_once):
            stop = min(start + at_once, shape[0])
            here = np.flatnonzero((first >= start) & (first < stop))
            if len(here):
                signals[here] = read(start, stop)[first[here] - start, second[here]]
            progress.add(stop - start)
    return signals


def orientations_at(ebsd: Map, chosen: Chosen) -> np.ndarray:
    """What EBSD says of chosen pixels, float64 (n, 4), crystal to specimen.

    Of each the medoid of the pixel and its eight neighbours, so that a lone pixel that was indexed
    wrongly is no label: still an orientation that was measured. The pixels lie inside the map.
    """
    around = np.arange(-AROUND_PX, AROUND_PX + 1)
    orientation = np.full((len(chosen), 4), np.nan)
    for start, pixels in ebsd.blocks(overlap=2 * AROUND_PX):
        last = start + len(pixels.orientation) - AROUND_PX
        here = np.flatnonzero((chosen.row >= start + AROUND_PX) & (chosen.row < last))
        rows = (chosen.row[here] - start)[:, None, None] + around[:, None]
        columns = chosen.column[here][:, None, None] + around
        square = pixels.orientation[rows, columns].reshape(-1, len(around) ** 2, 4)
        is_known = pixels.is_indexed[rows, columns].reshape(-1, len(around) ** 2)
        votes = torch.as_tensor(np.nan_to_num(square, nan=0.5))
        orientation[here] = medoid(votes, torch.as_tensor(is_known)).numpy()
    return orientation


def euler_zyz_rad(orientation: np.ndarray) -> np.ndarray:
    """Intrinsic ZYZ angles (n, 3) of orientations (n, 4): α and γ in [0, 2π), β in [0, π].

    Never (0, 0, 0), which is the mark of points that EBSD could not index: the cube orientation is
    (π/2, 0, 0), the same by symmetry.
    """
    rotation = Rotation.from_quat(orientation, scalar_first=True)
    angles = rotation.as_euler("ZYZ", suppress_warnings=True)
    angles[:, [0, 2]] %= 2 * np.pi
    angles[(angles == 0).all(1), 0] = np.pi / 2
    return angles


def simulated_marker(scan: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What SIMULATED.json says of a set whose scan was simulated."""
    name = f"signals of the scan {scan}"
    return {"simulated": True, "benchmark": name[:LONGEST_NAME], "settings": dict(settings)}


def write_set(
    folder: Path,
    specimen: int,
    signals: np.ndarray,
    orientation: np.ndarray,
    marker: Mapping[str, Any] | None,
) -> None:
    """Write training_sets/NN.npy and evaluation_sets/NN.npy, the same in both, below `folder`.

    specimen: 1 to 99. signals: uint8 (n, 6, 72). orientation: (n, 4). marker: of simulated signals,
    see `simulated_marker`. A fold that tests on the specimen trains on others, so that no signal is
    in both of its parts.
    """
    if marker is not None:  # first: a set cut short must not pass for a measured one
        write_text(folder / MARKER, json.dumps(marker, indent=2) + "\n")
    content = {"xtr": signals, "ytr": euler_zyz_rad(orientation)}
    for name in SETS.values():
        with atomic(folder / f"{name}/{specimen:02d}.npy") as part:
            np.save(part, content)
