"""A map as it is shown: every so many-th pixel of a large one, with all there is to say of each.

Rows lie along specimen y and columns along specimen x, both rising, as in `maps.map_file`. A
grain's number is that of `labels` in grains.h5; −1 is a pixel of none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from workflow.lib.maps.map_file import Header, Map, Pixels, Raster, open_map
from workflow.lib.maps.near import near_boundary
from workflow.lib.orientation.misorientation import misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, opened
from workflow.lib.runtime.progress import Progress


@dataclass(frozen=True)
class View:
    """The pixels of a map that are shown, ny rows of nx; all arrays are (ny, nx, …).

    raster: of the map itself, with all its pixels; indexed: how many of them are. stride: the
    pixels shown are those of every so many-th row and column, the first among them.
    labels: int32, numbers of grains, −1 for none; None where nobody asked for grains. ebsd:
    float64 (ny, nx, 4), crystal to specimen, NaN where EBSD has no answer. ebsd_labels: EBSD's
    grains. near_boundary: bool, see `maps.near`.
    """

    header: Header
    raster: Raster
    indexed: int
    stride: int
    pixels: Pixels
    labels: np.ndarray | None = None
    ebsd: np.ndarray | None = None
    ebsd_labels: np.ndarray | None = None
    near_boundary: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        ny, nx = self.pixels.is_indexed.shape
        return ny, nx

    @property
    def step_um(self) -> float:
        """Between the pixels that are shown."""
        return self.raster.step_um * self.stride

    @property
    def extent_um(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the pixels' area; the first pixel's centre is (0, 0)."""
        ny, nx = self.shape
        half = self.step_um / 2
        return -half, nx * self.step_um - half, -half, ny * self.step_um - half

    @property
    def shown_orientation(self) -> np.ndarray:
        """Orientations (ny, nx, 4), NaN where a pixel is not indexed."""
        return np.where(self.pixels.is_indexed[..., None], self.pixels.orientation, np.nan)

    def misorientation_deg(self) -> np.ndarray:
        """Of the map from EBSD, float64 (ny, nx); NaN where one of them has no answer."""
        if self.ebsd is None:
            raise ValueError("a map without EBSD")
        ours, theirs = (torch.from_numpy(q) for q in (self.shown_orientation, self.ebsd))
        return misorientation_deg(ours, theirs).numpy()

    def sampling_note(self) -> str:
        """What a caption says of pixels that are left out; "" if all are shown."""
        if self.stride == 1:
            return ""
        return f"every {ordinal(self.stride)} pixel of each row and column is shown"


def stride_for_side(raster: Raster, most_px: int) -> int:
    """The least with which no side has more than `most_px` pixels."""
    return -(-max(raster.nx, raster.ny) // most_px)


def stride_for_pixels(raster: Raster, most: int) -> int:
    """The least with which there are at most `most` pixels."""
    stride = max(1, math.isqrt(raster.pixels // most))
    while -(-raster.nx // stride) * -(-raster.ny // stride) > most:
        stride += 1
    return stride


def read_view(
    map_path: Path,
    stride_of: Callable[[Raster], int],
    grains: Path | None = None,
    ebsd: Path | None = None,
    ebsd_grains: Path | None = None,
) -> View:
    """Read what is shown of a map, in blocks; `stride_of` its raster says how much that is.

    grains: grains.h5 of the map. ebsd: a map of EBSD's orientations of the same raster;
    ebsd_grains: grains.h5 of it. Raises InputError where one of them has another raster.
    """
    with open_map(map_path) as whole:
        raster, header = whole.raster, whole.header
        stride = stride_of(raster)
        pixels, indexed = _strided(whole, stride, map_path.name)
    theirs = None if ebsd is None else _orientations_of(ebsd, raster, stride, map_path)
    labels = None if grains is None else read_labels(grains, raster)[::stride, ::stride]
    ebsd_labels = near = None
    if ebsd_grains is not None:
        ebsd_labels = read_labels(ebsd_grains, raster)
        near = near_boundary(ebsd_labels)[::stride, ::stride]
        ebsd_labels = ebsd_labels[::stride, ::stride]
    return View(header, raster, indexed, stride, pixels, labels, theirs, ebsd_labels, near)


def read_labels(path: Path, raster: Raster) -> np.ndarray:
    """The number of the grain at each pixel of a grains.h5, (ny, nx); −1 for none."""
    with opened(path) as file:
        dataset = member(file, "labels")
        expected = (raster.ny, raster.nx)
        if dataset.shape != expected or dataset.dtype.kind not in "iu":
            raise InputError(
                f"{path}: labels of type {dataset.dtype} and shape {dataset.shape}, expected "
                f"whole numbers and {expected}, the pixels of the map"
            )
        return dataset[:]


def ordinal(number: int) -> str:
    """2nd, 3rd, 4th, … 11th, … 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _strided(whole: Map, stride: int, label: str) -> tuple[Pixels, int]:
    """Every `stride`-th pixel of its rows and columns, and how many of all are indexed."""
    parts, indexed = [], 0
    with Progress(f"reading {label}", whole.raster.ny, "row") as progress:
        for first, block in whole.blocks():
            part = np.s_[-first % stride :: stride, ::stride]
            parts.append(
                Pixels(
                    block.orientation[part].copy(),
                    block.confidence[part].copy(),
                    block.anomaly[part].copy(),
                    block.is_indexed[part].copy(),
                )
            )
            indexed += int(block.is_indexed.sum())
            progress.add(len(block.is_indexed))
    fields = ("orientation", "confidence", "anomaly", "is_indexed")
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in fields)
    return Pixels(*joined), indexed


def _orientations_of(ebsd: Path, raster: Raster, stride: int, map_path: Path) -> np.ndarray:
    with open_map(ebsd) as whole:
        if whole.raster != raster:
            raise InputError(
                f"{ebsd}: a raster of {_in_words(whole.raster)}, expected {_in_words(raster)}, "
                f"that of {map_path}"
            )
        pixels, _ = _strided(whole, stride, ebsd.name)
    return np.where(pixels.is_indexed[..., None], pixels.orientation, np.nan)


def _in_words(raster: Raster) -> str:
    return f"{raster.nx} × {raster.ny} pixels of {raster.step_um:g} µm"
