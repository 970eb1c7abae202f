"""Tokens and predictions as HDF5 files."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, write_array

SEVERAL = "several"  # the group of the kinds of distributions


@dataclass(frozen=True)
class Predictions:
    """One network's answers on the evaluation set of one specimen.

    Orientations are unit quaternions (n, 4), float64; an answer that is no orientation is
    NaN and counts with the largest misorientation there is, 62.8°.

    Candidates are the distinct orientations that the answers merge into, the heaviest first: NaN
    with probability 0 where there are fewer than k. With what is left out, their probabilities are
    1 in sum. Those of one view, and of the mixture of 72. None where a file has none.
    """

    orientation: np.ndarray
    tta_orientation: np.ndarray
    reference: np.ndarray
    misorientation_deg: np.ndarray  # (n,)
    tta_misorientation_deg: np.ndarray  # (n,)
    candidate_orientation: np.ndarray | None = None  # (n, k, 4)
    candidate_probability: np.ndarray | None = None  # (n, k)
    left_out_probability: np.ndarray | None = None  # (n,)
    tta_candidate_orientation: np.ndarray | None = None
    tta_candidate_probability: np.ndarray | None = None
    tta_left_out_probability: np.ndarray | None = None

    @property
    def n_invalid(self) -> int:
        return int(np.isnan(self.orientation).any(-1).sum())

    @property
    def n_tta_invalid(self) -> int:
        return int(np.isnan(self.tta_orientation).any(-1).sum())


@dataclass(frozen=True)
class Distribution:
    """What a network takes for possible, of one kind: a view, 72 views' mixture or their product.

    Candidates as in `Predictions`. Decisions are orientations (n, 4), NaN where nothing is valid.
    log_density (n,): natural log of the density at the reference, relative to uniform on the
    fundamental zone. level (n,): the smallest probability, 0–1, whose set, highest density first,
    holds the reference. before_*: the same at temperature 1.
    """

    candidate_orientation: np.ndarray  # (n, k, 4)
    candidate_probability: np.ndarray  # (n, k)
    left_out_probability: np.ndarray
    log_density: np.ndarray
    level: np.ndarray
    most_probable_orientation: np.ndarray
    heaviest_orientation: np.ndarray
    least_expected_orientation: np.ndarray
    medoid_orientation: np.ndarray
    before_candidate_orientation: np.ndarray
    before_candidate_probability: np.ndarray
    before_left_out_probability: np.ndarray
    before_log_density: np.ndarray
    before_level: np.ndarray
    temperature: float
    bandwidth_deg: float  # of the kernel density; NaN where the density is exact


_ATTRIBUTES = ("temperature", "bandwidth_deg")
_ARRAYS = [field.name for field in fields(Distribution) if field.name not in _ATTRIBUTES]
_OF_ALL_FILES = [field.name for field in fields(Predictions) if field.default is not None]


def write_arrays(path: Path, arrays: dict[str, np.ndarray], attributes: dict[str, Any]) -> None:
    """Write arrays and attributes to the root of a new HDF5 file."""
    with new_hdf5(path) as file:
        for name, value in arrays.items():
            write_array(file, name, value)
        file.attrs.update(attributes)


def write_predictions(
    path: Path,
    predictions: Predictions,
    attributes: dict[str, Any],
    several: dict[str, Distribution] | None = None,
) -> None:
    """Write a predictions file; `several`: distributions by their kind, each a group."""
    with new_hdf5(path) as file:
        for name, value in vars(predictions).items():
            if value is not None:
                write_array(file, name, value)
        for kind, distribution in (several or {}).items():
            group = file.create_group(f"{SEVERAL}/{kind}")
            for name in _ARRAYS:
                write_array(group, name, getattr(distribution, name))
            group.attrs.update({name: getattr(distribution, name) for name in _ATTRIBUTES})
        file.attrs.update(attributes)


def read_predictions(path: Path) -> tuple[Predictions, dict[str, Any]]:
    """Predictions and the attributes of their file."""
    with opened(path) as file:
        there = [field.name for field in fields(Predictions) if field.name in file]
    arrays, attributes = read_arrays(path, list(dict.fromkeys(_OF_ALL_FILES + there)))
    return Predictions(**arrays), attributes


def read_several(path: Path, kinds: Sequence[str] | None = None) -> dict[str, Distribution]:
    """The distributions of a predictions file by their kind: those named, or all.

    InputError when it has none, or not all that are named.
    """
    with opened(path) as file:
        groups = member(file, SEVERAL)
        return {kind: _read_distribution(member(groups, kind)) for kind in kinds or groups}


def read_arrays(path: Path, names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The named arrays and the attributes at the root of an HDF5 file."""
    with opened(path) as file:
        return _read(file, names), dict(file.attrs)


def _read(group: h5py.Group, names: list[str]) -> dict[str, np.ndarray]:
    found = {name: member(group, name) for name in names}
    for name, value in found.items():
        if not isinstance(value, h5py.Dataset):
            path = group.file.filename
            raise InputError(f"{path}: {name!r} holds {', '.join(value)}, expected numbers")
    return {name: value[()] for name, value in found.items()}


def _read_distribution(group: h5py.Group) -> Distribution:
    lacking = [name for name in _ATTRIBUTES if name not in group.attrs]
    if lacking:
        raise InputError(
            f"{group.file.filename}: {group.name} lacks the attribute {lacking[0]!r}; was it "
            "written by predict?"
        )
    attributes = {name: float(group.attrs[name]) for name in _ATTRIBUTES}
    return Distribution(**_read(group, _ARRAYS), **attributes)
