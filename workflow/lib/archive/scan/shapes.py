"""What an array that should hold signals holds instead, and what to do about it."""

from collections.abc import Sequence

import h5py
import numpy as np

from workflow.lib.archive.intensity import HIGHEST, likely_scale
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.runtime.files import InputError

ELEVATIONS, AZIMUTHS = SIGNAL_SHAPE
EXPECTED = f"uint8 of shape (x, y, {ELEVATIONS}, {AZIMUTHS}) or (n, {ELEVATIONS}, {AZIMUTHS})"
LOOKED_AT_BYTES = 1 << 26  # of an array of another type, to tell what it may be


def check_signals(array: np.ndarray | h5py.Dataset, name: str) -> None:
    """Raise InputError unless an array is uint8 of shape (a, b, 6, 72) or (n, 6, 72).

    The line begins with `name` and says what the array may be, and how it becomes one.
    """
    if array.shape[-2:] != SIGNAL_SHAPE or array.ndim not in (3, 4):
        raise InputError(
            f"{name}: shape {array.shape}, expected {EXPECTED}{_likely_order(array.shape)}"
        )
    if array.size == 0:
        raise InputError(f"{name}: shape {array.shape}: it is empty, expected one pixel or more")
    if array.dtype != np.uint8:
        raise InputError(
            f"{name}: type {array.dtype}, expected uint8, 0 to {HIGHEST}{_hint(array)}"
        )


def _likely_order(shape: Sequence[int]) -> str:
    """What the axes of another shape may be, and what to do."""
    if len(shape) in (3, 4) and ELEVATIONS in shape and AZIMUTHS in shape:
        order = _order(tuple(shape))
        if order is not None:
            return (
                f": axis {order[-2]} looks like the elevations and axis {order[-1]} like the "
                f"azimuths: save signals.transpose{order}"
            )
    if shape and shape[-1] == ELEVATIONS * AZIMUTHS:
        return (
            f": {shape[-1]} in a row, the elevations one after the other? save "
            f"signals.reshape({', '.join(map(str, (*shape[:-1], *SIGNAL_SHAPE)))})"
        )
    if tuple(shape) == SIGNAL_SHAPE:
        return ": a single signal? save signals[None]"
    if len(shape) in (3, 4):
        found = zip(("elevations", "azimuths"), shape[-2:], SIGNAL_SHAPE, strict=True)
        wrong = [f"{n} {what} instead of {right}" for what, n, right in found if n != right]
        return (
            f": {' and '.join(wrong)}; networks know elevations of 15° to 65° in steps of 10° and "
            "azimuths of 0° to 355° in steps of 5°: record these, or choose them from yours"
        )
    return ""


def _order(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The transposition that brings elevations and azimuths to the end; None if there is none.

    Where azimuths stand before elevations at the head, all axes are thought to be reversed, as
    programs do that count the first index fastest.
    """
    last = len(shape) - 1
    elevation = last - shape[::-1].index(ELEVATIONS)
    azimuth = last - shape[::-1].index(AZIMUTHS)
    pixels = [axis for axis in range(len(shape)) if axis not in (elevation, azimuth)]
    if (azimuth, elevation) == (0, 1):
        pixels.reverse()
    order = (*pixels, elevation, azimuth)
    return order if order != tuple(range(len(shape))) else None


def _hint(array: np.ndarray | h5py.Dataset) -> str:
    """What values of another type may be, from those at the head, and what to do."""
    if array.dtype.kind not in "iuf":
        return ""
    rows = max(1, LOOKED_AT_BYTES // max(1, array[:1].nbytes))
    values = np.asarray(array[:rows])
    bad = ~np.isfinite(values)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(bad.argmax(), values.shape)[:-2])
        return (
            f": it holds NaN or infinite values, {bad.sum()} in its first {len(values)} rows, the "
            f"first at pixel {place}: record these pixels again, or write 0 for them"
        )
    low, high = values.min(), values.max()
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return ": scaled to 0–1? save np.rint(255 * signals).astype(np.uint8)"
    if low >= 0 and high <= HIGHEST:
        return f": its values are from {low:g} to {high:g}: save np.rint(signals).astype(np.uint8)"
    return (
        f": its values are from {low:g} to {high:g}; {likely_scale(values, low, high)}, round and "
        "save them as np.uint8"
    )
