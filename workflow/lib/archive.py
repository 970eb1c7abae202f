"""Find the dataset's files inside a folder and check what a specimen's file holds.

Where the files lie has varied between descriptions of the dataset, so they are found by
name, wherever inside the folder they are:

    training_sets/NN.npy, evaluation_sets/NN.npy    dicts of signals and Euler angles
    samples/08/drm_data.npy, samples/08/eulers.npy  the scan of a whole specimen
    anomaly_specimen.npy                            the scan of another
    SIMULATED.json                                  only in simulated archives
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workflow.lib.files import InputError

SIGNAL_SHAPE = (6, 72)
ANGLE_TOLERANCE_RAD = 1e-3
ALPHA_GAMMA_LIMIT_RAD = 2 * np.pi
BETA_LIMIT_RAD = np.pi

SETS = {"training": "training_sets", "evaluation": "evaluation_sets"}
SCANS = ("samples/08/drm_data.npy", "samples/08/eulers.npy", "anomaly_specimen.npy")
MARKER = "SIMULATED.json"

_SET_FILE = re.compile(r"(training|evaluation)_sets/[0-9]{2}\.npy")


class Archive(NamedTuple):
    """The files of an archive.

    training, evaluation: specimen ("01" …) → path, the same specimens in both, sorted.
    scans: name as in SCANS → path, of those that are there.
    marker: path of SIMULATED.json, or None.
    """

    training: dict[str, Path]
    evaluation: dict[str, Path]
    scans: dict[str, Path]
    marker: Path | None


def find_files(root: Path) -> Archive:
    """The dataset's files anywhere below `root`.

    Raises InputError if `root` is no folder, if a file has two candidates, if there are no
    sets at all, or if a specimen has a training set and no evaluation set or the reverse.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder or .zip that holds the dataset")
    found: dict[str, Path] = {}
    for name, path in _named_files(root):
        if name in found:
            raise InputError(
                f"{root}: two candidates for {name}: {found[name].relative_to(root)} and "
                f"{path.relative_to(root)}; keep one"
            )
        found[name] = path
    sets = {
        kind: {
            Path(name).stem: path
            for name, path in sorted(found.items())
            if name.startswith(f"{folder}/")
        }
        for kind, folder in SETS.items()
    }
    _check_pairs(root, sets["training"], sets["evaluation"])
    scans = {name: found[name] for name in SCANS if name in found}
    return Archive(sets["training"], sets["evaluation"], scans, found.get(MARKER))


def validate_specimen(
    signals: np.ndarray, euler: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Signals as uint8 (n, 6, 72) and Euler angles as float64 (n, 3) in radians, checked.

    signals: any integer or float type, 0–255; fractions are rounded to the nearest integer.
    Float signals that nowhere exceed 1 are refused, as scaled to 0–1. euler: intrinsic ZYZ
    α, β, γ with |α|, |γ| ≤ 2π and |β| ≤ π, within 0.001 rad, so that both usual ranges
    (0 to 2π, 0 to π, 0 to 2π; or −π to π, 0 to π, −π to π) pass and degrees do not.
    Raises InputError naming `path`.
    """
    _check_shapes(signals, euler, path)
    return _checked_signals(signals, path), _checked_angles(euler, path)


def _named_files(root: Path) -> list[tuple[str, Path]]:
    """(name within the dataset, path) of each of its files, sorted by path."""
    files = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            inside = path.relative_to(root).parts
            known = _dataset_name(inside)
            if known is not None and "__MACOSX" not in inside:  # macOS zips hold shadow files
                files.append((known, path))
    return sorted(files, key=lambda item: item[1])


def _dataset_name(parts: tuple[str, ...]) -> str | None:
    """The name within the dataset of the file with these path components, None if of no use."""
    pair = "/".join(parts[-2:])
    if _SET_FILE.fullmatch(pair):
        return pair
    for name in (*SCANS, MARKER):
        if parts[-name.count("/") - 1 :] == tuple(name.split("/")):
            return name
    return None


def _check_pairs(root: Path, training: dict[str, Path], evaluation: dict[str, Path]) -> None:
    if not training and not evaluation:
        raise InputError(
            f"{root}: holds no training_sets/NN.npy and no evaluation_sets/NN.npy; "
            "is it the dataset's folder?"
        )
    for specimen in sorted(training.keys() ^ evaluation.keys()):
        there, missing = ("training", "evaluation")
        if specimen in evaluation:
            there, missing = missing, there
        raise InputError(
            f"{root}: specimen {specimen} has {there}_sets/{specimen}.npy but no "
            f"{missing}_sets/{specimen}.npy"
        )


def _check_shapes(signals: np.ndarray, euler: np.ndarray, path: Path) -> None:
    for name, array in (("xtr", signals), ("ytr", euler)):
        if array.dtype.kind not in "iuf":
            raise InputError(f"{path}: {name} has type {array.dtype}, expected numbers")
    if signals.ndim != 3 or signals.shape[1:] != SIGNAL_SHAPE:
        raise InputError(f"{path}: xtr has shape {signals.shape}, expected (n, 6, 72)")
    if euler.ndim != 2 or euler.shape[1] != 3:
        raise InputError(f"{path}: ytr has shape {euler.shape}, expected (n, 3)")
    if len(signals) != len(euler):
        raise InputError(
            f"{path}: {len(signals)} signals in xtr but {len(euler)} orientations in ytr"
        )
    if len(signals) == 0:
        raise InputError(f"{path}: the specimen is empty, expected at least one signal")


def _checked_signals(signals: np.ndarray, path: Path) -> np.ndarray:
    low, high = signals.min(), signals.max()  # NaN if any value is
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"{path}: xtr holds NaN or infinite signals, expected 0 to 255")
    if low < 0 or high > 255:
        raise InputError(f"{path}: signals reach from {low:g} to {high:g}, expected 0 to 255")
    if signals.dtype.kind == "f":
        if high <= 1:
            raise InputError(
                f"{path}: no signal exceeds {high:g}: scaled to 0–1? expected 0 to 255; "
                "multiply by 255"
            )
        signals = np.rint(signals)
    return np.ascontiguousarray(signals, dtype=np.uint8)


def _checked_angles(euler: np.ndarray, path: Path) -> np.ndarray:
    euler = np.ascontiguousarray(euler, dtype=np.float64)
    if not np.isfinite(euler).all():
        raise InputError(f"{path}: ytr holds NaN or infinite Euler angles")
    check_angle_ranges(np.abs(euler).max(axis=0), path)
    return euler


def check_angle_ranges(largest_rad: np.ndarray, path: Path) -> None:
    """Raise InputError unless the largest |α|, |β|, |γ| found (3,) are possible in radians."""
    if largest_rad.max() > 2 * np.pi + ANGLE_TOLERANCE_RAD:
        raise InputError(
            f"{path}: Euler angles reach {largest_rad.max():.4g}, expected radians up to 2π: "
            "this looks like degrees"
        )
    limits = (ALPHA_GAMMA_LIMIT_RAD, BETA_LIMIT_RAD, ALPHA_GAMMA_LIMIT_RAD)
    for name, largest, limit in zip("αβγ", largest_rad, limits, strict=True):
        if largest > limit + ANGLE_TOLERANCE_RAD:
            raise InputError(
                f"{path}: the Euler angle {name} reaches ±{largest:.4g} rad, expected at most "
                f"±{limit:.4g}; intrinsic ZYZ angles in the order α, β, γ are expected"
            )
