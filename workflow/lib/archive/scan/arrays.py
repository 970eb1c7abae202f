"""Arrays of people's HDF5 files: found by name, or by shape where there is but one that fits."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.runtime.files import InputError

NAMED = 8  # arrays in a message
MOST_CHUNK_BYTES = 1 << 28  # HDF5 unpacks a whole chunk for a single pixel of it
HDF5_STARTS = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether the file at `path` is an HDF5 file by its contents, also a broken one.

    Raises InputError when there is no file that can be read.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder, expected a .npy or HDF5 file")
    try:
        with open(path, "rb") as stream:
            return stream.read(len(HDF5_STARTS)) == HDF5_STARTS or h5py.is_hdf5(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def array_of(file: h5py.File, name: str | None, ends: Sequence[int], content: str) -> h5py.Dataset:
    """The dataset `name`, or, if that is None, the only one whose shape ends with `ends`.

    content: what it should hold, for messages. Raises InputError, with the arrays that are there,
    when there is none or no single one, or when the dataset was never filled or can't be read
    piece by piece.
    """
    arrays = _arrays(file)
    if name is None:
        fitting = [path for path, shape in arrays.items() if shape[-len(ends) :] == tuple(ends)]
        if len(fitting) != 1:
            found = f"{len(fitting)} arrays that may be the {content}" if fitting else "none"
            raise InputError(
                f"{file.filename}: found {found} of shape (…, {', '.join(map(str, ends))}), "
                f"expected the name of one as `array`; {_listed(arrays)}"
            )
        name = fitting[0]
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise InputError(
            f"{file.filename}: no array {name!r}, expected the {content}; {_listed(arrays)}"
        )
    _check_storage(dataset)
    return dataset


def simulated_attribute(file: h5py.File) -> bool | None:
    """What a file's root attribute `simulated` says; None if it has none. InputError if no bool."""
    found = file.attrs.get("simulated")
    if found is None:
        return None
    if np.ndim(found) != 0 or found not in (True, False):
        raise InputError(
            f"{file.filename}: its attribute simulated is {found!r:.40}, expected true or false"
        )
    return bool(found)


def _arrays(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """The shape of each array of numbers in a file, by its path."""
    found = {}

    def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            found[name] = item.shape

    file.visititems(note)
    return found


def _listed(arrays: dict[str, tuple[int, ...]]) -> str:
    if not arrays:
        return "it holds no arrays"
    shown = [f"{name!a} {shape}" for name, shape in list(arrays.items())[:NAMED]]
    more = len(arrays) - len(shown)
    return f"it holds {', '.join(shown)}" + (f" and {more} more" if more else "")


def _check_storage(dataset: h5py.Dataset) -> None:
    name = f"{dataset.file.filename}: {dataset.name}"
    if dataset.size and dataset.id.get_storage_size() == 0 and not dataset.is_virtual:
        raise InputError(f"{name}: nothing was ever written into it, expected numbers")
    chunk = np.prod(dataset.chunks, dtype=float) * dataset.dtype.itemsize if dataset.chunks else 0
    if chunk > MOST_CHUNK_BYTES:
        raise InputError(
            f"{name}: chunks of {dataset.chunks}, {chunk / 2**20:.0f} MiB each, expected at most "
            f"{MOST_CHUNK_BYTES >> 20}: a pixel would take a whole one; save it with smaller chunks"
        )
