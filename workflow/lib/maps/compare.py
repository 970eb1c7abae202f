"""How far a map is from the EBSD map of the same pixels: inside grains, and near their boundaries.

Near a boundary a pixel's signal mixes two crystals, and the two maps may not lie on each other to a
pixel. So what is said of a network is said of the inside; the rest is shown beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import torch

from workflow.lib.maps.map_file import Map
from workflow.lib.maps.near import NEAR_PX, near_boundary
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import Progress

PARTS = ("inside", "near_boundary")
BINS_PER_DEG = 1000
BINS = int(MAX_MISORIENTATION_DEG * BINS_PER_DEG) + 2
RIGHT_DEG = 5.0  # a microscopist's limit, as that of a confidence
SHOWN_BINS_PER_DEG = 2  # of the histogram that is written


class Labels(Protocol):
    """Whole numbers (ny, nx): an array, or a dataset of an open file."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: slice) -> np.ndarray: ...


@dataclass(frozen=True)
class Comparison:
    """Misorientations of the pixels of both `PARTS` that are indexed in both maps.

    counts: int64 (2, `BINS`), a bin for each 0.001°. total_deg: float64 (2,), their sums.
    ebsd_pixels: int64 (2,), the pixels that are indexed in EBSD's map, whether in the other or not.
    is_simulated: whether signals or training are.
    """

    counts: np.ndarray
    total_deg: np.ndarray
    ebsd_pixels: np.ndarray
    is_simulated: bool

    def table(self) -> pd.DataFrame:
        """A row for all pixels and one for each of `PARTS`; medians to 0.001°, NaN of none."""
        rows = {"all": [0, 1], **{part: [i] for i, part in enumerate(PARTS)}}
        return pd.DataFrame([self._row(name, parts) for name, parts in rows.items()])

    def histogram(self) -> pd.DataFrame:
        """Pixels in bins of half a degree: from_deg, to_deg, and a column for each of `PARTS`."""
        wide = BINS_PER_DEG // SHOWN_BINS_PER_DEG
        padded = np.pad(self.counts, ((0, 0), (0, -BINS % wide)))
        inside, near = padded.reshape(2, -1, wide).sum(-1)
        edges = np.arange(len(inside) + 1) / SHOWN_BINS_PER_DEG
        return pd.DataFrame(
            {"from_deg": edges[:-1], "to_deg": edges[1:]}
            | dict(zip(PARTS, (inside, near), strict=True))
            | {"simulated": self.is_simulated}
        )

    def _row(self, name: str, parts: list[int]) -> dict[str, object]:
        counts = self.counts[parts].sum(0)
        pixels = int(counts.sum())
        right = int(counts[: round(RIGHT_DEG * BINS_PER_DEG)].sum())
        return {
            "part": name,
            "ebsd_pixels": int(self.ebsd_pixels[parts].sum()),
            "pixels": pixels,
            "median_deg": _median_deg(counts),
            "mean_deg": self.total_deg[parts].sum() / pixels if pixels else np.nan,
            "within_5_deg": right / pixels if pixels else np.nan,
            "simulated": self.is_simulated,
        }


def compare(one: Map, ebsd: Map, labels: Labels) -> Comparison:
    """Compare a map with EBSD's of the same raster, strip by strip.

    labels: the grains of EBSD's map, −1 where there is none; a border with these is a boundary as
    well. Raises InputError where the three don't have the same pixels.
    """
    shape = (one.raster.ny, one.raster.nx)
    for name, other in (
        ("map", (ebsd.raster.ny, ebsd.raster.nx)),
        ("grains", getattr(labels, "shape", "a group")),
    ):
        if other != shape:
            raise InputError(
                f"EBSD's {name} of the scan {one.header.scan}: found {other}, expected "
                f"{shape}, the pixels of the map along y and x: give EBSD of the same pixels"
            )
    counts, total_deg = np.zeros((2, BINS), np.int64), np.zeros(2)
    ebsd_pixels = np.zeros(2, np.int64)
    with Progress("compare", one.raster.pixels, "pixel") as progress:
        for angle_deg, is_indexed, is_near in _strips(one, ebsd, labels):
            for part, here in enumerate((~is_near, is_near)):
                ebsd_pixels[part] += int((is_indexed & here).sum())
                known = angle_deg[here & np.isfinite(angle_deg)]
                bins = (known * BINS_PER_DEG).astype(np.int64)
                counts[part] += np.bincount(bins, minlength=BINS)
                total_deg[part] += known.sum()
            progress.add(is_near.size)
    return Comparison(counts, total_deg, ebsd_pixels, one.header.is_simulated)


def _strips(
    one: Map, ebsd: Map, labels: Labels
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of some rows at a time: misorientations, what EBSD indexed, and what is near a boundary.

    Misorientations in degrees are NaN where one of the maps has no orientation.
    """
    for first, pixels in one.blocks():
        last = first + len(pixels.is_indexed)
        theirs = ebsd.rows(first, last)
        angle_deg = misorientation_deg(
            torch.from_numpy(pixels.orientation), torch.from_numpy(theirs.orientation)
        ).numpy()
        angle_deg[~(pixels.is_indexed & theirs.is_indexed)] = np.nan
        start = max(0, first - NEAR_PX)  # the farthest boundary of which pixels here are near
        around = np.asarray(labels[slice(start, last + NEAR_PX)])
        is_near = near_boundary(around)[first - start : last - start]
        yield angle_deg, theirs.is_indexed, is_near


def _median_deg(counts: np.ndarray) -> float:
    """The median of what was counted, to half a bin's width; NaN of nothing."""
    pixels = int(counts.sum())
    if pixels == 0:
        return float("nan")
    middle = [(pixels - 1) // 2, pixels // 2]  # of an even number, the two in the middle
    bins = np.searchsorted(np.cumsum(counts), middle, side="right")
    return float((bins + 0.5).mean() / BINS_PER_DEG)
