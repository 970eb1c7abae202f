"""The signals of a scan in a .npy or HDF5 file, read a few rows at a time.

What is read at once is all that takes memory: a scan of 10⁷ pixels needs no more than one of 10⁵.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.archive.npy.load import map_array, read_header
from workflow.lib.archive.scan.arrays import array_of, is_hdf5, simulated_attribute
from workflow.lib.archive.scan.shapes import check_signals
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import opened

PIXEL_BYTES = math.prod(SIGNAL_SHAPE)


class ScanSignals:
    """The signals of a scan that is open, see `open_signals`.

    shape: pixels along the first and the second index, (a, b). rows_together: rows that are stored
    as one, so that multiples of it are read fastest. is_simulated: what the file says about itself;
    None where it says nothing.
    """

    shape: tuple[int, int]
    rows_together = 1
    is_simulated: bool | None = None

    def read(self, first: int, last: int) -> np.ndarray:
        """Rows first to last − 1 of the first index: uint8 (last − first, b, 6, 72)."""
        if not 0 <= first <= last <= self.shape[0]:
            raise ValueError(f"rows {first} to {last} of a scan of {self.shape[0]}")
        return self._rows(first, last).reshape(last - first, self.shape[1], *SIGNAL_SHAPE)

    def _rows(self, first: int, last: int) -> np.ndarray:
        raise NotImplementedError


class _NpySignals(ScanSignals):
    """Read, not mapped: a mapping's pages count as memory, and it crashes if the file shrinks."""

    def __init__(self, path: Path) -> None:
        header, array = read_header(path), map_array(path)
        check_signals(array, str(path))
        if not array.flags.c_contiguous:
            raise InputError(
                f"{path}: shape {array.shape} in Fortran order, expected C order, in which pixels "
                "follow each other: save np.ascontiguousarray(signals)"
            )
        self.shape = _pixels(array.shape)
        self._path, self._start = path, header.data_start

    def _rows(self, first: int, last: int) -> np.ndarray:
        row = self.shape[1] * PIXEL_BYTES
        with open(self._path, "rb") as stream:
            stream.seek(self._start + first * row)
            values = np.fromfile(stream, np.uint8, (last - first) * row)
        if len(values) < (last - first) * row:
            raise InputError(f"{self._path}: truncated while it was read, at row {first}")
        return values


class _Hdf5Signals(ScanSignals):
    def __init__(self, dataset: h5py.Dataset) -> None:
        check_signals(dataset, f"{dataset.file.filename}: {dataset.name}")
        self.shape = _pixels(dataset.shape)
        self.rows_together = dataset.chunks[0] if dataset.chunks else 1
        self.is_simulated = simulated_attribute(dataset.file)
        self._dataset = dataset

    def _rows(self, first: int, last: int) -> np.ndarray:
        return self._dataset[first:last]


@contextmanager
def open_signals(path: Path, array: str | None = None) -> Iterator[ScanSignals]:
    """The signals in a .npy file or in the dataset `array` of an HDF5 file, checked.

    Accepted are uint8 (a, b, 6, 72), and lists of single signals (n, 6, 72), which are a scan of
    n × 1 pixels; a scan of one pixel is one. `array` may be None where an HDF5 file holds just
    one such dataset. The contents decide which kind of file it is, not the name. Raises
    InputError, one line, when the file is missing, truncated, empty, holds another type or shape,
    or holds objects, which would have to be executed.
    """
    path = Path(path)
    if not is_hdf5(path):
        yield _NpySignals(path)
        return
    with opened(path) as file:
        yield _Hdf5Signals(array_of(file, array, SIGNAL_SHAPE, "signals"))


def _pixels(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[0], shape[1]) if len(shape) == 4 else (shape[0], 1)
