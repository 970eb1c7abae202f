"""Whether a set's signals are on the scale 0–255, in which an 8-bit camera counts.

What can't be is refused, what is unlikely is told. A signal's span is its highest less its
lowest value, in grey levels. The limits are far from all sets of sim-v1, whose numbers stand
beside them, for sets of 10 signals to 900.
"""

from collections.abc import Mapping

import numpy as np

from workflow.lib.runtime.files import InputError

HIGHEST, LEVELS = 255, 256
BLOCK = 4096  # signals whose levels are counted at once: numpy takes 4 bytes per pixel for it

# Refused: rounding to whole numbers would leave the typical signal less than 4 of 8 bits, and
# most of what it says would be lost. Sets with this share of fractions are rounded in earnest,
# and not just whole numbers of a float type.
FEWEST_ROUNDED_SPAN = 16
FRACTIONS_SHARE = 0.1
# Refused: an image of two values is a mask; of one, nothing can be learnt.
FEWEST_LEVELS = 3
# Told: half of the signals use an eighth of the range or less. sim-v1: 71 or more.
NARROW_SPAN = 32
# Told: single signals without a pattern, pores or saturated ones. sim-v1: 22 or more.
FLAT_SPAN = 8
# Told: no pixel exceeds it, as in per cent, or in a recording that is too dark. sim-v1: 154. The
# brightest of a few signals says little.
DIM = 100
FEW = 10
# Told: so large a share of pixels is clipped at 0 or 255. sim-v1: 0.04 or less.
CLIPPED_SHARE = 0.25
# Told: few of the levels between the lowest and the highest occur, as of 5 bits spread over 8.
# sim-v1: 0.78 or more.
USED_LEVELS_SHARE = 0.15
# Told: sets whose mean differs so much from the typical set's. sim-v1: 2.1 from lowest to
# highest.
BRIGHTNESS_RATIO = 4

BIT_DEPTHS = (10, 12, 14, 16)  # of cameras that count further than 255
JUST_ABOVE = 280  # what interpolation makes of 255 at most


def grey_levels(signals: np.ndarray) -> np.ndarray:
    """How many pixels of uint8 signals (n, 6, 72) are at each level 0–255: (256,)."""
    count = np.zeros(LEVELS * LEVELS, np.intp)
    for start in range(0, len(signals), BLOCK):
        block = np.ascontiguousarray(signals[start : start + BLOCK])
        pairs = block.reshape(-1).view(np.uint16)  # half as many to count
        count += np.bincount(pairs, minlength=len(count))
    count = count.reshape(LEVELS, LEVELS)
    return count.sum(axis=0) + count.sum(axis=1)


def checked_signals(
    signals: np.ndarray, rows: np.ndarray, name: str
) -> tuple[np.ndarray, list[str]]:
    """Signals (n, 6, 72) of any integer or float type as uint8, fractions rounded; warnings.

    rows: the numbers of the signals in their file, (n,). Raises InputError, beginning with
    `name`, when they are not finite, not within 0–255, or can't be on this scale. What is
    unlikely is returned, a clause each.
    """
    low, high = signals.min(axis=(1, 2)), signals.max(axis=(1, 2))  # NaN if any value is
    is_bad = ~(np.isfinite(low) & np.isfinite(high))
    if is_bad.any():
        raise InputError(
            f"{name}: xtr holds NaN or infinite signals, expected 0 to 255; {where(is_bad, rows)}"
        )
    is_bad = (low < 0) | (high > HIGHEST)
    if is_bad.any():
        raise InputError(
            f"{name}: signals reach from {low.min():g} to {high.max():g}, expected 0 to 255; "
            f"{where(is_bad, rows)}; {likely_scale(signals, low.min(), high.max())}"
        )
    if signals.dtype.kind == "f":
        _check_rounding(signals, _median(high - low), high.max(), name)
        signals = np.rint(signals)
    checked = np.ascontiguousarray(signals, dtype=np.uint8)
    share = grey_levels(checked) / checked.size
    levels = np.flatnonzero(share)
    if len(levels) < FEWEST_LEVELS:
        found = " or ".join(map(str, levels))
        raise InputError(
            f"{name}: every pixel of its {len(checked)} signals is {found}, expected intensities "
            "from 0 to 255: nothing can be learnt from this set"
        )
    span = checked.max(axis=(1, 2)) - checked.min(axis=(1, 2))
    warnings = [*_span_warnings(span, rows), *level_warnings(share, len(checked))]
    if len(checked) > 1 and (checked == checked[0]).all():
        warnings.append(f"all {len(checked)} signals are the same")
    return checked, warnings


def _span_warnings(span: np.ndarray, rows: np.ndarray) -> list[str]:
    """What is unlikely of the spans of signals (n,)."""
    typical = _median(span)
    if typical < NARROW_SPAN:
        return [
            f"half of the {len(span)} signals span {typical} or fewer of 255 grey levels: "
            "are they on another scale?"
        ]
    is_flat = span < FLAT_SPAN
    if not is_flat.any():
        return []
    return [
        f"signals that span fewer than {FLAT_SPAN} grey levels: {where(is_flat, rows)}; of one "
        f"value everywhere: {np.count_nonzero(span == 0)}"
    ]


def level_warnings(share: np.ndarray, n: int) -> list[str]:
    """What is unlikely of the share of the pixels of n signals at each grey level (256,)."""
    warnings = []
    levels = np.flatnonzero(share)
    lowest, highest = levels[0], levels[-1]
    if n >= FEW and highest <= DIM:
        warnings.append(f"no pixel exceeds {highest} of 255: per cent, or too dark?")
    if len(levels) < USED_LEVELS_SHARE * (highest - lowest + 1):
        warnings.append(
            f"only {len(levels)} different values from {lowest} to {highest} occur: were the "
            "signals rounded on another scale?"
        )
    for level in (0, HIGHEST):
        if share[level] >= CLIPPED_SHARE:
            warnings.append(f"{100 * share[level]:.0f} % of the pixels are clipped at {level}")
    return warnings


def brightness_warnings(means: Mapping[str, float]) -> list[str]:
    """Sets that are on another scale than most. means: of the pixels, by the name of the set."""
    typical = _median(np.array(list(means.values())))
    return [
        f"{name}: its pixels have a mean of {mean:.3g}, those of the typical set {typical:.3g}: "
        "are all specimens on one scale?"
        for name, mean in means.items()
        if not 1 / BRIGHTNESS_RATIO < mean / typical < BRIGHTNESS_RATIO
    ]


def where(is_bad: np.ndarray, rows: np.ndarray) -> str:
    """How many rows are bad, bool (n,), and the first by its number in the file, of `rows` (n,)."""
    first = rows[is_bad.argmax()]
    return f"{is_bad.sum()} of {len(rows)} rows, the first is row {first}, counted from 0"


def _median(values: np.ndarray) -> float:
    """The value that half of the values (n,) do not exceed, one of them.

    By hand, because numpy's imports its masked arrays when it sees the first floats.
    """
    return np.sort(values)[(len(values) - 1) // 2]


def _check_rounding(signals: np.ndarray, typical_span: float, high: float, name: str) -> None:
    """Refuse float signals from which rounding would take what they say."""
    if high <= 1:
        raise InputError(
            f"{name}: no signal exceeds {high:g}: scaled to 0–1? expected 0 to 255; multiply by 255"
        )
    fractions = np.count_nonzero(signals != np.rint(signals)) / signals.size
    if typical_span < FEWEST_ROUNDED_SPAN and fractions > FRACTIONS_SHARE:
        raise InputError(
            f"{name}: signals reach {high:.9g}, half of them span {typical_span:.3g} or less, and "
            f"{100 * fractions:.0f} % of the values are fractions: expected 0 to 255, rounding "
            "would leave few grey levels; undo the scaling, or round them yourself if it is right"
        )


def likely_scale(signals: np.ndarray, low: float, high: float) -> str:
    """What signals from `low` to `high`, which are not within 0–255, may be, and what to do."""
    is_float = signals.dtype.kind == "f"
    if low >= 0:
        if high <= JUST_ABOVE:
            return "if only noise or interpolation exceeds 255, clip them"
        for bits in BIT_DEPTHS:
            if high < 2**bits:
                return f"{bits}-bit? multiply by 255/{2**bits - 1}"
        return "more than 16-bit? scale them so that the camera's full range is 0 to 255"
    if is_float and max(-low, high) <= 1:
        return "scaled to −1–1? add 1 and multiply by 127.5"
    with np.errstate(all="ignore"):  # of huge numbers
        is_centred = abs(signals.mean(dtype=float)) < signals.std(dtype=float) / 4
    if is_float and is_centred and high > 0:
        return "standardised? give the signals as recorded"
    if not is_float and low >= -128 and high <= 127:
        return "uint8 read as int8?"
    if not is_float and low >= -(2**15) and high < 2**15:
        return "uint16 read as int16, or something subtracted? give the signals as recorded"
    return "something subtracted? give the signals as recorded, or clip what is below 0"
