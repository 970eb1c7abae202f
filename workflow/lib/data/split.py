"""Split the dataset into the training, validation and test signals of one fold.

Fold k tests on the evaluation set of specimen k and trains on the training sets of all
other specimens, less a validation part. The validation part takes the same share of each
specimen. It is drawn from a random stream that depends on the seed and the specimen only,
so that the other folds draw the same signals from the same specimen.

A fold file has groups `train`, `validation` and `test`, each with `signals` uint8
(n, 6, 72), `orientation` float64 (n, 4) and `specimen` uint8 (n,). Its attributes are those
of the dataset and `fold`, `validation_share`, `validation_seed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.data.dataset import read_attributes
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, write_array
from workflow.lib.runtime.script import logger

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Signals:
    """Signals with what is known about them, in memory.

    signals: uint8 (n, 6, 72), 0–255, elevation × azimuth.
    orientation: float64 (n, 4), unit quaternions as in dataset.h5.
    specimen: uint8 (n,), the number of the specimen that each signal is from.
    """

    signals: np.ndarray
    orientation: np.ndarray
    specimen: np.ndarray

    def __len__(self) -> int:
        return len(self.signals)


def split(
    dataset: Path, fold: int, validation_share: float, validation_seed: int, output: Path
) -> None:
    """Write fold `fold` of the HDF5 file `dataset` to the HDF5 file `output`.

    validation_share: between 0 and 1, both excluded; each specimen gives at least one signal
    to training and one to validation. Raises InputError when the dataset has no specimen
    `fold` or no other one, or when a set of the fold has fewer than two signals.
    """
    if not 0 < validation_share < 1:
        raise InputError(f"validation_share is {validation_share}, expected between 0 and 1")
    attributes = read_attributes(dataset)
    with opened(dataset) as file:
        test, others = _specimens_of_fold(file, fold)
        evaluation = _read_specimen(file, "evaluation", test)
        _check_size(file, f"evaluation set {test}", len(evaluation), "to give an interval")
        train, validation = [], []
        for name in others:
            specimen = _read_specimen(file, "training", name)
            _check_size(file, f"training set {name}", len(specimen), "to train and to validate")
            chosen = _validation_mask(len(specimen), validation_share, validation_seed, name)
            train.append(_select(specimen, ~chosen))
            validation.append(_select(specimen, chosen))
    parts = {"train": _joined(train), "validation": _joined(validation), "test": evaluation}
    with new_hdf5(output) as file:
        for name, signals in parts.items():
            group = file.create_group(name)
            write_array(group, "signals", signals.signals)
            write_array(group, "orientation", signals.orientation)
            write_array(group, "specimen", signals.specimen)
        file.attrs.update(
            attributes,
            fold=fold,
            validation_share=validation_share,
            validation_seed=validation_seed,
        )
    sizes = ", ".join(f"{name} {len(signals)}" for name, signals in parts.items())
    logger.info("fold %d: signals %s", fold, sizes)


def read_fold(path: Path, parts: Iterable[str] = PARTS) -> dict[str, Signals]:
    """The named parts of a fold file; InputError when the file is broken or lacks one."""
    with opened(path) as file:
        return {part: _read_signals(member(file, part)) for part in parts}


def _specimens_of_fold(file: h5py.File, fold: int) -> tuple[str, list[str]]:
    """Names of the test specimen and of the training specimens of a fold."""
    test = f"{fold:02d}"
    evaluation, training = sorted(member(file, "evaluation")), sorted(member(file, "training"))
    if test not in evaluation:
        raise InputError(
            f"{file.filename}: fold {fold} tests on specimen {test}, but the dataset holds "
            f"{len(evaluation)} specimens ({', '.join(evaluation)})"
        )
    others = [name for name in training if name != test]
    if not others:
        raise InputError(
            f"{file.filename}: fold {fold} needs a training set of another specimen than {test}"
        )
    return test, others


def _read_specimen(file: h5py.File, kind: str, name: str) -> Signals:
    group = member(file, f"{kind}/{name}")
    signals, orientation = member(group, "signals")[:], member(group, "orientation")[:]
    return Signals(signals, orientation, np.full(len(signals), int(name), np.uint8))


def _read_signals(group: h5py.Group) -> Signals:
    return Signals(
        member(group, "signals")[:], member(group, "orientation")[:], member(group, "specimen")[:]
    )


def _check_size(file: h5py.File, what: str, n: int, purpose: str) -> None:
    """Refuse a set that is too small here, and not where a later step would fail on it."""
    if n < 2:
        raise InputError(
            f"{file.filename}: {what} holds {n} signal{'s' * (n != 1)}, expected at least 2 "
            f"{purpose}"
        )


def _validation_mask(n: int, share: float, seed: int, name: str) -> np.ndarray:
    """Which of a specimen's `n` training signals are for validation: bool (n,)."""
    count = min(max(round(share * n), 1), n - 1)
    mask = np.zeros(n, bool)
    mask[np.random.default_rng([seed, int(name)]).permutation(n)[:count]] = True
    return mask


def _select(signals: Signals, mask: np.ndarray) -> Signals:
    return Signals(signals.signals[mask], signals.orientation[mask], signals.specimen[mask])


def _joined(parts: list[Signals]) -> Signals:
    return Signals(
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.orientation for part in parts]),
        np.concatenate([part.specimen for part in parts]),
    )
