"""A scan's pixels in blocks of rows, each a file, and the map that they are joined to.

Blocks lie in the scan's order, its first index shared out among them. In a file of one, `pixels`
(rows, b) has a field for each of `map_file.Pixels`; attributes say which rows of the scan they are
(`first`, `rows_of_scan`) and what answered (those of `About`). It is tiled in both directions,
because the rows of a map may be columns of the scan.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from workflow.lib.maps.index import Indexer
from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map
from workflow.lib.maps.placed import rows_from
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.files import InputError, remade_by
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, reserve
from workflow.lib.runtime.progress import Progress

PIXEL = np.dtype(
    [
        ("orientation", np.float64, 4),
        ("confidence", np.float32),
        ("anomaly", np.float32),
        ("is_indexed", bool),
    ]
)
TILE = 64  # pixels along both indices
JOINED_AT_ONCE = 1 << 18  # pixels


class Signals(Protocol):
    """A scan that is open, see `archive.scan.signals`."""

    shape: tuple[int, int]
    rows_together: int

    def read(self, first: int, last: int) -> np.ndarray:
        """Rows first to last − 1: uint8 (last − first, b, 6, 72)."""
        ...


@dataclass(frozen=True)
class About:
    """What answered, the same for all blocks of a map; see `map_file.Header`."""

    training_origin: str
    network: str
    fold: int
    seed: int
    views: int
    made_by: str


def rows_of_block(item: str, rows: int) -> tuple[int, int]:
    """The first row of a scan's `rows` that block `item` has, such as 2-of-4, and the one after.

    Where there are more blocks than rows, some have none.
    """
    number, count = (int(part) for part in item.split("-of-"))
    return rows * (number - 1) // count, rows * number // count


def write_block(
    scan: Signals, indexer: Indexer, rows: tuple[int, int], about: About, path: Path, label: str
) -> None:
    """Index rows first to last − 1 of `scan`, some at a time, and write them to `path`."""
    (first, last), width = rows, scan.shape[1]
    with new_hdf5(path) as file, Progress(label, (last - first) * width, "pixel") as progress:
        file.attrs.update(asdict(about), first=first, rows_of_scan=scan.shape[0])
        target = file.create_dataset(
            "pixels", (last - first, width), PIXEL, chunks=_tile(last - first, width)
        )
        begin = time.monotonic()
        for start, end in _pieces(first, last, scan, indexer.signals_at_once):
            signals = torch.from_numpy(scan.read(start, end)).flatten(0, 1)
            packed = _packed(indexer.index(signals)).reshape(end - start, width)
            reserve(file, packed.nbytes)
            target[start - first : end - first] = packed
            progress.add(packed.size)
            progress.note(f"{progress.done / (time.monotonic() - begin):,.0f} pixels/s")
        progress.tell()


def join_blocks(blocks: Sequence[Path], facts: ScanFacts, path: Path) -> tuple[Header, int]:
    """Write the map of all blocks of a scan to `path`, some rows at a time.

    Returns its header, and how many of its pixels are indexed. Raises InputError where blocks are
    missing, are another scan's, or were answered by different models.
    """
    joined = _Joined(blocks)
    if joined.shape != facts.shape:
        raise InputError(
            f"{Path(blocks[0]).parent}: blocks of {joined.shape} pixels, expected {facts.shape} as "
            f"the scan {facts.name} has; {remade_by(blocks[0])}"
        )
    header = Header(facts.name, facts.signals_origin, **asdict(joined.about))
    raster, indexed = facts.raster, 0
    with (
        new_map(path, raster, header) as target,
        Progress(f"{facts.name}, join", raster.pixels, "pixel") as progress,
    ):
        for y0, y1 in _strips(raster):
            packed = rows_from(joined.read, y0, y1, facts.shape, facts.axes)
            target.append(Pixels(*(packed[name] for name in PIXEL.names)))
            indexed += int(packed["is_indexed"].sum())
            progress.add(packed.size)
    return header, indexed


@dataclass(frozen=True)
class _Block:
    """A file, and which rows it has of a scan with so many rows and columns."""

    path: Path
    first: int
    last: int
    scan: tuple[int, int]
    about: About

    @staticmethod
    def at(path: Path) -> "_Block":
        with opened(path) as file:
            rows, width = member(file, "pixels").shape
            values = {
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in file.attrs.items()
            }
        first, scan = values.pop("first"), (values.pop("rows_of_scan"), width)
        return _Block(path, first, first + rows, scan, About(**values))

    def read(self, first: int, last: int, columns: slice) -> np.ndarray:
        """Rows of the scan, of those that it has."""
        with opened(self.path) as file:
            return member(file, "pixels")[first - self.first : last - self.first, columns]


class _Joined:
    """Blocks as one array (a, b); a file is open only while it is read, as there may be many."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._blocks = sorted(map(_Block.at, paths), key=lambda block: (block.first, block.last))
        head = self._blocks[0]
        self.shape, self.about = head.scan, head.about
        for block in self._blocks:
            if (block.scan, block.about) != (head.scan, head.about):
                raise InputError(
                    f"{block.path}: made by another model, or of another scan, than {head.path}; "
                    f"{remade_by(block.path)}"
                )
        begins = [block.first for block in self._blocks]
        ends = [0, *(block.last for block in self._blocks)]
        if begins != ends[:-1] or ends[-1] != head.scan[0]:
            raise InputError(
                f"{head.path.parent}: blocks that begin at rows {begins} and end at {ends[1:]}, "
                f"expected all {head.scan[0]} rows of the scan; {remade_by(head.path)}"
            )

    def read(self, first: slice, second: slice) -> np.ndarray:
        """The part [first, second] of it, an array of `PIXEL`."""
        found = np.empty((first.stop - first.start, second.stop - second.start), PIXEL)
        for block in self._blocks:
            begin, end = max(first.start, block.first), min(first.stop, block.last)
            if begin < end:
                here = slice(begin - first.start, end - first.start)
                found[here] = block.read(begin, end, second)
        return found


def _pieces(first: int, last: int, scan: Signals, pixels: int) -> Iterator[tuple[int, int]]:
    """Rows to be read together, about `pixels`; each stored chunk is read once where that fits."""
    rows = max(1, pixels // scan.shape[1])
    if rows > scan.rows_together:
        rows -= rows % scan.rows_together
    for start in range(first - first % rows, last, rows):
        yield max(first, start), min(last, start + rows)


def _strips(raster: Raster) -> Iterator[tuple[int, int]]:
    """Rows of the map to be joined together, whole tiles where that fits."""
    rows = max(1, JOINED_AT_ONCE // raster.nx)
    if rows > TILE:
        rows -= rows % TILE
    return ((y0, min(raster.ny, y0 + rows)) for y0 in range(0, raster.ny, rows))


def _tile(rows: int, width: int) -> tuple[int, int] | None:
    """Of a block: square, or longer where it is narrow; of one without rows none."""
    across = min(TILE, width)
    return (min(rows, TILE * TILE // across), across) if rows else None


def _packed(pixels: Pixels) -> np.ndarray:
    packed = np.empty(pixels.is_indexed.shape, PIXEL)
    for name in PIXEL.names:
        packed[name] = getattr(pixels, name)
    return packed
