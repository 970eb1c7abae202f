"""The whole-specimen scans of an archive as one HDF5 file, converted with flat memory.

scans.h5 has a group `samples/08` with `drm_data` uint8 (x, y, 6, 72) and `eulers` float32
(x, y, 3), intrinsic ZYZ in radians, NaN where EBSD gave no orientation (see
`archive.unindexed`; the attribute `unindexed` of `eulers` counts these pixels); and a group
`anomaly_specimen` with `drm_data`. Its attributes are those of dataset.h5 (`sha256` over the
scan files) and `scans`: the groups present, separated by commas, "" if the archive has none.
"""

import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.archive.intensity import DIM
from workflow.lib.archive.layout import find_files
from workflow.lib.archive.npy.load import map_array, read_blocks
from workflow.lib.archive.specimen import SIGNAL_SHAPE, check_angles
from workflow.lib.archive.unindexed import count_marks, in_words, is_exact_cube, is_unindexed
from workflow.lib.data.dataset import combined_sha256, source_attributes
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import new_hdf5, reserve
from workflow.lib.runtime.progress import Progress
from workflow.lib.runtime.script import logger

# Pixels per HDF5 chunk along x and y: 110 kB of signals, small enough to read single grains.
TILE = 16

DATASETS = {
    "samples/08/drm_data.npy": "samples/08/drm_data",
    "samples/08/eulers.npy": "samples/08/eulers",
    "anomaly_specimen.npy": "anomaly_specimen/drm_data",
}


def ingest_scans(root: Path, scans: Path, source: str) -> None:
    """Write the scans of the archive below `root` to the HDF5 file `scans`.

    source: "mendeley", "archive" or "simulated", as in the config. An archive without scans
    gives a file without groups. Raises InputError when a scan is broken or has the wrong
    shape or type, when its angles are out of range, or when `source` does not fit.
    """
    archive = find_files(root)
    attributes = source_attributes(root, archive, source)
    shapes = {name: _checked_shape(name, path) for name, path in archive.scans.items()}
    _check_same_pixels(archive.scans, shapes)
    groups = sorted({DATASETS[name].rpartition("/")[0] for name in archive.scans})
    with new_hdf5(scans) as file:
        for name, path in archive.scans.items():
            target = _create(file, DATASETS[name], shapes[name])
            _convert(path, target)
        file.attrs.update(
            attributes, sha256=combined_sha256(archive.scans), scans=", ".join(groups)
        )
    if groups:
        logger.info("%s: %s", scans, ", ".join(groups))
    else:
        logger.info("%s holds no whole-specimen scans: %s stays empty", root, scans)


def _checked_shape(name: str, path: Path) -> tuple[int, ...]:
    """Shape of the scan in `path` after checking it, its type, and that it is not empty."""
    array = map_array(path)
    if name.endswith("eulers.npy"):
        is_right = array.ndim == 3 and array.shape[2:] == (3,) and array.dtype.kind == "f"
        expected = "a float type and shape (x, y, 3)"
    else:
        is_right = array.shape[2:] == SIGNAL_SHAPE and array.dtype == np.uint8
        expected = "type uint8 and shape (x, y, 6, 72)"
    if not is_right:
        raise InputError(f"{path}: type {array.dtype} and shape {array.shape}, expected {expected}")
    if array.size == 0:
        raise InputError(f"{path}: the scan has shape {array.shape}: it is empty")
    return array.shape


def _check_same_pixels(paths: dict[str, Path], shapes: dict[str, tuple[int, ...]]) -> None:
    signals, eulers = "samples/08/drm_data.npy", "samples/08/eulers.npy"
    if eulers in paths and signals not in paths:
        raise InputError(f"{paths[eulers]}: there is no drm_data.npy beside these orientations")
    if eulers in paths and shapes[eulers][:2] != shapes[signals][:2]:
        raise InputError(
            f"{paths[eulers]}: {shapes[eulers][:2]} pixels, but {paths[signals].name} has "
            f"{shapes[signals][:2]}"
        )


def _create(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
    tile = tuple(min(TILE, size) for size in shape[:2])
    dtype = np.float32 if name.endswith("eulers") else np.uint8
    return file.create_dataset(name, shape, dtype, chunks=(*tile, *shape[2:]), compression="gzip")


def _convert(path: Path, target: h5py.Dataset) -> None:
    """Copy the scan in the .npy file `path` to `target`, block by block."""
    is_angles = target.dtype == np.float32
    marks: Counter[str] = Counter()
    cubes = highest = 0
    with Progress(target.name, target.size, "B") as progress:
        for x, y, block in read_blocks(path, TILE):
            if is_angles:
                marks.update(count_marks(block))
                block[is_unindexed(block)] = np.nan
                _check_block(block, x, y, path)
                cubes += int(is_exact_cube(block.reshape(-1, 3)).sum())
            else:
                highest = max(highest, int(block.max()))
            _write(target, x, y, block)
            progress.add(block.size)
    if is_angles:
        _tell_unindexed(marks, cubes, target)
    elif highest <= DIM:
        logger.warning(
            "warning: %s: no pixel exceeds %d of 255: on another scale, or too dark?",
            target.name.removeprefix("/"), highest,
        )  # fmt: skip


def _check_block(block: np.ndarray, x: int, y: int, path: Path) -> None:
    """Check a block of angles (…, …, 3) whose first pixel is (x, y)."""

    def place(is_bad: np.ndarray) -> str:
        i, j = divmod(int(is_bad.argmax()), block.shape[1])
        return f"the first at pixel ({x + i}, {y + j}), counted from 0"

    check_angles(block.reshape(-1, 3), place, path)


def _tell_unindexed(marks: Mapping[str, int], cubes: int, target: h5py.Dataset) -> None:
    """Log how many pixels have no orientation and keep their number beside the angles.

    cubes: how many may be such pixels whose angles were converted.
    """
    name, pixels, unindexed = target.name.removeprefix("/"), target.size // 3, sum(marks.values())
    target.attrs["unindexed"] = unindexed
    if unindexed:
        logger.info(
            "%s: EBSD did not index %d of %d pixels (%s); they are NaN",
            name, unindexed, pixels, in_words(marks),
        )  # fmt: skip
    if cubes:
        logger.warning(
            "warning: %s: exactly the cube orientation: %d of %d pixels; unindexed points, "
            "converted with the others?",
            name, cubes, pixels,
        )  # fmt: skip


def _write(target: h5py.Dataset, x: int, y: int, block: np.ndarray) -> None:
    """Write `block` to `target` at pixel (x, y), which lies on the corner of a chunk.

    Chunks are compressed here and not by HDF5, because zlib's run-length strategy is twice
    as fast as gzip's level 1, and no worse on these noisy signals. Any HDF5 reader with the
    ordinary gzip filter reads them.
    """
    step_x, step_y = target.chunks[:2]
    for i in range(0, block.shape[0], step_x):
        for j in range(0, block.shape[1], step_y):
            part = block[i : i + step_x, j : j + step_y]
            chunk = np.zeros(target.chunks, target.dtype)  # chunks at the edge are padded
            chunk[: part.shape[0], : part.shape[1]] = part
            compressor = zlib.compressobj(1, strategy=zlib.Z_RLE)
            data = compressor.compress(chunk) + compressor.flush()
            reserve(target.file, len(data))
            target.id.write_direct_chunk((x + i, y + j, *(0 for _ in part.shape[2:])), data)
