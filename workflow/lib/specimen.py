"""Check what a specimen's file holds: signals 0–255 and Euler angles in radians."""

from pathlib import Path

import numpy as np

from workflow.lib.files import InputError

SIGNAL_SHAPE = (6, 72)
ANGLE_TOLERANCE_RAD = 1e-3
ALPHA_GAMMA_LIMIT_RAD = 2 * np.pi
BETA_LIMIT_RAD = np.pi


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
