"""A sample of a scan's signals: what is unlikely about them, and a digest that tells scans apart.

Whether azimuths or elevations lie in another order can be told where neighbours are known to be
alike. Over the azimuth a signal is smooth: on sim-v1 neighbours (5° apart) differ by 0.15 of what
unrelated directions do, azimuths two steps apart by 0.3. Light from a higher elevation
irradiates the surface more, as its sine: on all specimens of sim-v1 the mean rises from the first
elevation to the last, threefold or more. The sense in which azimuths rise can't be told: a
specimen seen in a mirror looks as well.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

from workflow.lib.archive.intensity import FEW, LEVELS, grey_levels, level_warnings
from workflow.lib.archive.scan.signals import ScanSignals
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.runtime.files import InputError

STRIPS = 64  # spread over the scan
STRIP_PIXELS = 256
FEWEST_LEVELS = 2
# Told: another order makes neighbours so much more alike (0.45 where it is right, on sim-v1).
SMOOTHER = 0.7
SMOOTH = 0.4  # what an order must reach to be named
DISTANCES = range(2, 34)  # in steps of azimuth; from 34 on, the other half turn is near

ELEVATIONS, AZIMUTHS = SIGNAL_SHAPE
AS_TEXT = sorted(range(AZIMUTHS), key=lambda azimuth: str(5 * azimuth))  # 0, 10, 100, 105, 110, …


class Sample:
    """Sums over the signals that were looked at.

    count: of the signals. levels: how many values are at each grey level, (256,).
    """

    def __init__(self) -> None:
        self.count = 0
        self.levels = np.zeros(LEVELS, np.int64)
        self._elevations = np.zeros(ELEVATIONS)
        self._variance = np.zeros(ELEVATIONS)
        self._squares = {name: np.zeros((2, ELEVATIONS)) for name in ("text", "swapped")}
        self._lags = np.zeros((AZIMUTHS, ELEVATIONS))
        self._digest = hashlib.sha256()

    def add(self, signals: np.ndarray) -> None:
        """Take uint8 signals (n, 6, 72) into account."""
        self.count += len(signals)
        self.levels += grey_levels(signals)
        self._digest.update(np.ascontiguousarray(signals))
        values = signals.astype(np.float32)
        self._elevations += values.mean(axis=2).sum(axis=0)
        self._variance += values.var(axis=2).sum(axis=0)
        for lag in (1, *DISTANCES):
            self._lags[lag] += _squares(values, lag)
        swapped = values.reshape(-1, AZIMUTHS, ELEVATIONS).swapaxes(1, 2)
        for name, other in {"text": _undone(values, AS_TEXT), "swapped": swapped}.items():
            self._squares[name] += _squares(other, 1), other.var(axis=2).sum(axis=0)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def warnings(self) -> list[str]:
        """What is unlikely, a clause each."""
        share = self.levels / self.levels.sum()
        warnings = level_warnings(share, self.count)
        return warnings + (self._order_warnings() if self.count >= FEW else [])

    def _order_warnings(self) -> list[str]:
        found = []
        mean = self._elevations / self.count
        if (np.diff(mean) < 0).all():
            found.append(
                f"the mean falls from {mean[0]:.3g} at the first elevation to {mean[-1]:.3g} at "
                "the last, though higher light is brighter: are elevations in the order 65° to 15°?"
            )
        as_is = _relative(self._lags[1], self._variance)
        text, swapped = (_relative(*self._squares[name]) for name in ("text", "swapped"))
        apart = min(_relative(self._lags[lag], self._variance) for lag in DISTANCES)
        if min(text, swapped) < min(SMOOTH, SMOOTHER * as_is):
            order = (
                "sorted as text: 0, 10, 100, 105, …"
                if text < swapped
                else "the outer of the two axes: (72, 6) made (6, 72) by reshape?"
            )
            found.append(f"signals would be smoother if the azimuths were {order}")
        elif apart < SMOOTHER * as_is:
            found.append(
                "neighbouring azimuths are less alike than some far apart: are they in another "
                "order than 0° to 355°?"
            )
        return found


def look_at(scan: ScanSignals, name: str) -> Sample:
    """A sample of a scan: 256 pixels, or fewer, of each of 64 strips that are spread over it.

    Raises InputError, beginning with `name`, when every value in it is the same.
    """
    sample = Sample()
    for signals in _strips(scan):
        sample.add(signals)
    levels = np.flatnonzero(sample.levels)
    if len(levels) < FEWEST_LEVELS:
        raise InputError(
            f"{name}: every value of the {sample.count} pixels looked at is {levels[0]}, expected "
            "intensities from 0 to 255: nothing was recorded"
        )
    return sample


def _strips(scan: ScanSignals) -> Iterator[np.ndarray]:
    """Signals (n, 6, 72) of strips of rows."""
    a, b = scan.shape
    rows = max(1, STRIP_PIXELS // b)
    starts = np.unique(np.linspace(0, max(0, a - rows), min(STRIPS, -(-a // rows))).astype(int))
    for start in starts:
        signals = scan.read(start, min(a, start + rows)).reshape(-1, *SIGNAL_SHAPE)
        yield signals[:: -(-len(signals) // STRIP_PIXELS)]


def _undone(values: np.ndarray, order: list[int]) -> np.ndarray:
    """Signals whose azimuths lie in `order`, brought back to the order in which they rise."""
    rising = np.empty_like(values)
    rising[:, :, order] = values
    return rising


def _squares(values: np.ndarray, lag: int) -> np.ndarray:
    """Mean squared difference at a distance on the circle, summed over signals: (6,)."""
    return ((values - np.roll(values, lag, axis=2)) ** 2).mean(axis=2).sum(axis=0)


def _relative(squares: np.ndarray, variance: np.ndarray) -> float:
    """Relative to unrelated directions, whose squared difference is twice the variance."""
    return float(np.mean(squares / np.maximum(2 * variance, 1e-9)))
