"""A sample of a scan's signals: what is unlikely about them, and a digest that tells scans apart.

Whether azimuths or elevations lie in another order can be told where neighbours are known to be
alike. Over the azimuth a signal is smooth: on sim-v1 the squared difference of neighbours, 5°
apart, is 0.08 to 0.15 of that of unrelated directions, and the direction most like each is seldom
another. Light from a higher elevation irradiates the surface more, as its sine: on all specimens
of sim-v1 the mean rises from each elevation to the next, threefold or more from 15° to 65°.
The sense in which azimuths rise can't be told: a
specimen seen in a mirror looks as well.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

from workflow.lib.archive.intensity import LEVELS, grey_levels, level_warnings
from workflow.lib.archive.scan.signals import ScanSignals
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.runtime.files import InputError

STRIPS = 64  # spread over the scan
STRIP_PIXELS = 256
FEWEST_LEVELS = 2
FEWEST_ORDERED = 100  # signals; of fewer, some azimuths are alike by chance
# Told: another order makes neighbours so much more alike.
SMOOTHER = 0.7
SMOOTH = 0.4  # what an order must reach to be named
HALF_TURN = range(34, 39)  # steps of azimuth: signals nearly repeat there

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
        self._products = np.zeros((ELEVATIONS, AZIMUTHS, AZIMUTHS))
        self._swapped = np.zeros((ELEVATIONS, AZIMUTHS, AZIMUTHS))
        self._digest = hashlib.sha256()

    def add(self, signals: np.ndarray) -> None:
        """Take uint8 signals (n, 6, 72) into account."""
        self.count += len(signals)
        self.levels += grey_levels(signals)
        self._digest.update(np.ascontiguousarray(signals))
        values = signals.astype(np.float32)
        self._elevations += values.mean(axis=2).sum(axis=0)
        self._products += _products(values)
        swapped = values.reshape(-1, AZIMUTHS, ELEVATIONS).swapaxes(1, 2)
        self._swapped += _products(swapped)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def warnings(self) -> list[str]:
        """What is unlikely, a clause each."""
        found = level_warnings(self.levels / self.levels.sum(), self.count)
        if self.count >= FEWEST_ORDERED:
            found += self._elevation_warnings() + self._azimuth_warnings()
        return found

    def _elevation_warnings(self) -> list[str]:
        mean = self._elevations / self.count
        if (np.diff(mean) >= 0).any():
            return []
        return [
            f"the mean falls from {mean[0]:.3g} at the first elevation to {mean[-1]:.3g} at the "
            "last, though higher light is brighter: are elevations in the order 65° to 15°?"
        ]

    def _azimuth_warnings(self) -> list[str]:
        difference = _differences(self._products)
        as_is = _of_neighbours(difference, np.arange(AZIMUTHS))
        orders = {
            "sorted as text: 0, 10, 100, 105, …": _of_neighbours(difference, np.argsort(AS_TEXT)),
            "the outer of the two axes, (72, 6) made (6, 72) by reshape": _of_neighbours(
                _differences(self._swapped), np.arange(AZIMUTHS)
            ),
        }
        likely = min(orders, key=orders.__getitem__)
        if orders[likely] < min(SMOOTH, SMOOTHER * as_is):
            return [f"signals would be smoother if the azimuths were {likely}: are they?"]
        if _of_nearest(difference) < SMOOTHER * as_is:
            return [
                "neighbouring azimuths are less alike than some far apart: are they in another "
                "order than 0° to 355°?"
            ]
        return []


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


def _products(values: np.ndarray) -> np.ndarray:
    """Products of azimuths of signals (n, 6, 72) less their means, summed over n: (6, 72, 72)."""
    rows = (values - values.mean(axis=2, keepdims=True)).transpose(1, 2, 0)
    return rows @ rows.swapaxes(1, 2)


def _differences(products: np.ndarray) -> np.ndarray:
    """Mean squared difference of any two azimuths, (72, 72); 1 for those that are unrelated."""
    squares = np.diagonal(products, axis1=1, axis2=2)
    both = squares[:, :, None] + squares[:, None, :]
    unrelated = np.maximum(2 * squares.mean(axis=1), 1e-9)[:, None, None]
    return ((both - 2 * products) / unrelated).mean(axis=0)


def _of_neighbours(difference: np.ndarray, order: np.ndarray) -> float:
    """The mean difference of azimuths that follow each other on the circle in an order."""
    return float(difference[order, np.roll(order, -1)].mean())


def _of_nearest(difference: np.ndarray) -> float:
    """The mean difference of each azimuth to the one that is most like it, half turns left out."""
    others = difference.copy()
    for step in (0, *HALF_TURN):
        azimuths = np.arange(AZIMUTHS)
        others[azimuths, (azimuths + step) % AZIMUTHS] = np.inf
    return float(others.min(axis=1).mean())
