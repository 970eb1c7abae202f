"""Check what a specimen's file holds: signals 0–255 and Euler angles in radians."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workflow.lib.archive.intensity import checked_signals, where
from workflow.lib.archive.unindexed import count_marks, in_words, is_exact_cube, is_unindexed
from workflow.lib.runtime.files import InputError

SIGNAL_SHAPE = (6, 72)
ANGLE_TOLERANCE_RAD = 1e-3
ALPHA_GAMMA_LIMIT_RAD = 2 * np.pi
BETA_LIMIT_RAD = np.pi
LIMITS_RAD = np.array([ALPHA_GAMMA_LIMIT_RAD, BETA_LIMIT_RAD, ALPHA_GAMMA_LIMIT_RAD])
REFUSE, LEAVE_OUT = UNINDEXED = ("refuse", "leave_out")  # the config's data.unindexed
# Angles of MANY grains that nowhere exceed 1 rad are on another scale, or of a single crystal.
SMALL_ANGLES_RAD = 1.0
MANY = 10


class CheckedSet(NamedTuple):
    """What is used of a set's file.

    signals: uint8 (n, 6, 72). euler_zyz_rad: float64 (n, 3). warnings: what is unlikely about
    them, or was left out, a clause each.
    """

    signals: np.ndarray
    euler_zyz_rad: np.ndarray
    warnings: list[str]


def validate_specimen(
    signals: np.ndarray, euler: np.ndarray, path: Path, unindexed: str = REFUSE
) -> CheckedSet:
    """A set's signals and Euler angles, checked and in the types of dataset.h5.

    signals: (n, 6, 72), any integer or float type, 0–255; fractions are rounded to the nearest
    integer. Another scale is refused where it is certain, see `archive.intensity`. euler:
    (n, 3), intrinsic ZYZ α, β, γ with |α|, |γ| ≤ 2π and |β| ≤ π, within 0.001 rad, so that both
    usual ranges (0 to 2π, 0 to π, 0 to 2π; or −π to π, 0 to π, −π to π) pass and degrees do not.
    unindexed: what to do about rows with a mark instead of an orientation, see
    `workflow.lib.archive.unindexed`: "refuse" them or "leave_out" the row.
    Raises InputError naming `path`.
    """
    _check_shapes(signals, euler, path)
    euler = np.ascontiguousarray(euler, dtype=np.float64)
    is_marked = is_unindexed(euler)
    rows = np.flatnonzero(~is_marked)
    check_angles(euler[rows], lambda is_bad: where(is_bad, rows), path)
    warnings = []
    if is_marked.any():
        warnings.append(_left_out(euler, is_marked, path, unindexed))
        signals, euler = signals[rows], euler[rows]
    signals, doubts = checked_signals(signals, rows, str(path))
    return CheckedSet(signals, euler, [*warnings, *_angle_warnings(euler, rows), *doubts])


def check_angles(angles_rad: np.ndarray, place: Callable[[np.ndarray], str], path: Path) -> None:
    """Raise InputError unless angles (n, 3) are possible as ZYZ in radians; NaN passes.

    place: says where the rows are that are True in a mask (n,).
    """
    size = np.abs(angles_rad)
    is_bad = (size > ALPHA_GAMMA_LIMIT_RAD + ANGLE_TOLERANCE_RAD).any(axis=1)
    if is_bad.any():
        raise InputError(
            f"{path}: Euler angles reach {np.nanmax(size):.4g}, expected radians up to 2π: "
            f"{_likely_unit(angles_rad, is_bad)}; {place(is_bad)}"
        )
    for name, column, limit in zip("αβγ", size.T, LIMITS_RAD, strict=True):
        is_bad = column > limit + ANGLE_TOLERANCE_RAD
        if is_bad.any():
            raise InputError(
                f"{path}: the Euler angle {name} reaches ±{np.nanmax(column):.4g} rad, expected "
                f"at most ±{limit:.4g}; intrinsic ZYZ angles in the order α, β, γ are expected; "
                f"{place(is_bad)}"
            )


def _likely_unit(angles: np.ndarray, is_bad: np.ndarray) -> str:
    """What angles (n, 3) may be whose bad rows, bool (n,), are too large for radians."""
    wrong = angles[is_bad]
    if not np.isfinite(wrong).all():
        return "infinite angles are no orientation"
    if 1 < len(wrong) < len(angles) and (wrong == wrong[0]).all():
        return "the same in each such row: a mark of points without an orientation?"
    return "this looks like degrees"


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


def _left_out(euler: np.ndarray, is_marked: np.ndarray, path: Path, unindexed: str) -> str:
    """That the marked rows of angles (n, 3) are left out; InputError if they must not be."""
    found = f"{where(is_marked, np.arange(len(euler)))} ({in_words(count_marks(euler))})"
    if is_marked.all():
        raise InputError(
            f"{path}: EBSD indexed no point of this set: {found}; expected orientations"
        )
    if unindexed == REFUSE:
        raise InputError(
            f"{path}: EBSD did not index {found}; expected an orientation for every signal: "
            f"delete these rows, or set data.unindexed: {LEAVE_OUT} in the config"
        )
    return f"points that EBSD did not index are left out: {found}"


def _angle_warnings(euler: np.ndarray, rows: np.ndarray) -> list[str]:
    """What is unlikely about Euler angles (n, 3) from `rows` (n,) of a file, a clause each."""
    warnings = []
    is_cube = is_exact_cube(euler)
    if is_cube.any():
        warnings.append(
            f"exactly the cube orientation: {where(is_cube, rows)}; unindexed points, converted "
            "with the others?"
        )
    if len(euler) >= MANY and np.abs(euler).max() <= SMALL_ANGLES_RAD:
        warnings.append(
            f"no Euler angle exceeds {np.abs(euler).max():.3g} rad, where up to 2π are expected: "
            "another unit, or a single crystal?"
        )
    return warnings
