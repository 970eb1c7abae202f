"""Tokens and predictions as HDF5 files."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, write_array


@dataclass(frozen=True)
class Predictions:
    """One network's answers on the evaluation set of one specimen.

    Orientations are unit quaternions (n, 4), float64; an answer that is no orientation is
    NaN and counts with the largest misorientation there is, 62.8°.
    """

    orientation: np.ndarray
    tta_orientation: np.ndarray
    reference: np.ndarray
    misorientation_deg: np.ndarray  # (n,)
    tta_misorientation_deg: np.ndarray  # (n,)

    @property
    def n_invalid(self) -> int:
        return int(np.isnan(self.orientation).any(-1).sum())

    @property
    def n_tta_invalid(self) -> int:
        return int(np.isnan(self.tta_orientation).any(-1).sum())


def write_arrays(path: Path, arrays: dict[str, np.ndarray], attributes: dict[str, Any]) -> None:
    """Write arrays and attributes to the root of a new HDF5 file."""
    with new_hdf5(path) as file:
        for name, value in arrays.items():
            write_array(file, name, value)
        file.attrs.update(attributes)


def write_predictions(path: Path, predictions: Predictions, attributes: dict[str, Any]) -> None:
    write_arrays(path, vars(predictions), attributes)


def read_predictions(path: Path) -> tuple[Predictions, dict[str, Any]]:
    """Predictions and the attributes of their file."""
    arrays, attributes = read_arrays(path, [field.name for field in fields(Predictions)])
    return Predictions(**arrays), attributes


def read_arrays(path: Path, names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The named arrays and the attributes at the root of an HDF5 file."""
    with opened(path) as file:
        found = {name: member(file, name) for name in names}
        for name, value in found.items():
            if not isinstance(value, h5py.Dataset):
                raise InputError(f"{path}: {name!r} holds {', '.join(value)}, expected numbers")
        return {name: value[()] for name, value in found.items()}, dict(file.attrs)
