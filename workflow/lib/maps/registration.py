"""Do a scan and its EBSD map lie on each other? The shift and rotation that say so.

Boundaries are where the signals of neighbouring pixels differ, seen without any network, and where
neighbouring pixels of the EBSD map belong to other grains. Their agreement is the correlation of
both pictures. It is largest for some shift and rotation of the EBSD map, which are zero where the
maps were registered well. Positions are pixels of the map's raster, x along columns and y along
rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates, spline_filter
from scipy.optimize import minimize

from workflow.lib.runtime.progress import Progress

LARGEST_ROTATION_DEG = 3.0
ROTATION_STEP_DEG = 0.25  # of the first search
LARGEST_SHIFT = 0.25  # of the shorter side
SMOOTHING_PX = 1.0  # of both pictures: wider than what interpolation blurs
SEARCHED_PX = 512  # longest side of what the first search sees; larger maps are binned
POINTS = 1 << 18  # at which the agreement is measured, at most
PIXELS_AT_ONCE = 1 << 14
PEAK_RADIUS_PX = 8  # what belongs to the best agreement and not to those by chance
# Of simulated pairs of 96 × 96 pixels: where they lie on each other, the farthest corner comes out
# 0.02 to 0.12 px off, and the best agreement is 17 to 29 times the spread of those by chance; of
# maps of different places it is 3 to 5 times.
LARGEST_DISPLACEMENT_PX = 1.0
LEAST_PEAK = 7.0


@dataclass(frozen=True)
class Moved:
    """How the EBSD map has to be moved: by `shift_px` along x and y, turned about its middle.

    Counterclockwise where x points right and y up. What EBSD has at p is seen by the signals at
    c + R (p − c) + shift, c the middle of the map.
    """

    x_px: float = 0.0
    y_px: float = 0.0
    rotation_deg: float = 0.0

    def matrix(self) -> np.ndarray:
        """R, for (x, y)."""
        angle = np.deg2rad(self.rotation_deg)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def displacement_px(self, shape: tuple[int, int]) -> float:
        """How far the farthest of the corners of a map (ny, nx) is moved."""
        ny, nx = shape
        corners = np.array([(x, y) for x in (-1, 1) for y in (-1, 1)]) * (nx - 1, ny - 1) / 2
        moved = corners @ (self.matrix() - np.eye(2)).T + (self.x_px, self.y_px)
        return float(np.linalg.norm(moved, axis=1).max())


@dataclass(frozen=True)
class Registration:
    """What was found; NaN where there are no boundaries to compare.

    agreement_given, agreement_best: correlations of both pictures, of the maps as they are and
    moved. peak: by how many standard deviations the best stands out of what other shifts give.
    """

    moved: Moved
    displacement_px: float
    agreement_given: float
    agreement_best: float
    peak: float

    def facts(self) -> dict[str, Any]:
        """All of it as registration.json has it: None for NaN, and the warnings."""
        numbers = {
            "rotation_deg": self.moved.rotation_deg,
            "displacement_px": self.displacement_px,
            "agreement_given": self.agreement_given,
            "agreement_best": self.agreement_best,
            "peak": self.peak,
        }
        known = {name: x if np.isfinite(x) else None for name, x in numbers.items()}
        shift_px = [self.moved.x_px, self.moved.y_px]
        return {"shift_px": shift_px} | known | {"warnings": self.warnings}

    @property
    def warnings(self) -> list[str]:
        """What to look at before anything is made of both maps, a clause each."""
        if not np.isfinite(self.agreement_best):
            return ["no boundaries in both maps: their registration can't be checked"]
        if self.peak < LEAST_PEAK:
            return [
                "the boundaries in the signals agree with those of the EBSD map for no shift and "
                f"rotation (correlation {self.agreement_best:.2f}, {self.peak:.1f} times that of "
                "chance): do both show the same place, and not mirrored?"
            ]
        if self.displacement_px > LARGEST_DISPLACEMENT_PX:
            moved = self.moved
            return [
                f"the EBSD map lies beside the signals, up to {self.displacement_px:.1f} px: their "
                f"boundaries agree best (correlation {self.agreement_best:.2f} instead of "
                f"{self.agreement_given:.2f}) where it is moved by {moved.x_px:+.2f} px along x "
                f"and {moved.y_px:+.2f} px along y and turned by {moved.rotation_deg:+.2f}°"
            ]
        return []


def signal_edges(read: Callable[[int, int], np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """How much signals change around each pixel of a scan, float32 (a, b) in the scan's order.

    read: signals of first indices from one up to another, uint8 (…, b, 6, 72). The number is the
    root of 1 − r, summed over both directions, where r is the correlation of the signals before and
    behind the pixel: 0 for equal ones, and gains and offsets do not count.
    """
    edges = np.empty(shape, np.float32)
    at_once = max(1, PIXELS_AT_ONCE // shape[1])
    with Progress("registration", shape[0], "row") as progress:
        for start in range(0, shape[0], at_once):
            stop = min(start + at_once, shape[0])
            first, last = max(0, start - 1), min(shape[0], stop + 1)
            unit = _of_unit_length(read(first, last))
            rows, columns = np.arange(start, stop) - first, np.arange(shape[1])
            before, behind = (_neighbours(rows, step, len(unit)) for step in (-1, 1))
            along_first = _correlation(unit[before], unit[behind])
            unit = unit[rows]
            before, behind = (_neighbours(columns, step, shape[1]) for step in (-1, 1))
            along_second = _correlation(unit[:, before], unit[:, behind])
            edges[start:stop] = np.sqrt(np.maximum(2 - along_first - along_second, 0))
            progress.add(stop - start)
    return edges


def label_edges(labels: np.ndarray) -> np.ndarray:
    """The same of grains, int (ny, nx): r is 1 within a grain and 0 across. −1 is no grain."""
    total = np.zeros(labels.shape, np.float32)
    for axis, length in enumerate(labels.shape):
        places = np.arange(length)
        before, behind = (labels.take(_neighbours(places, s, length), axis) for s in (-1, 1))
        total += (before != behind) & (before >= 0) & (behind >= 0)
    return np.sqrt(total)


def register(signals: np.ndarray, ebsd: np.ndarray) -> Registration:
    """How the EBSD map has to be moved. Both are pictures (ny, nx) of boundaries, see above."""
    if signals.shape != ebsd.shape:
        raise ValueError(f"pictures of {signals.shape} and {ebsd.shape} pixels")
    if min(signals.std(), ebsd.std()) == 0:
        return Registration(Moved(), *[float("nan")] * 4)
    factor = 2 ** max(0, int(np.ceil(np.log2(max(signals.shape) / SEARCHED_PX))))
    moved, peak = _searched(signals, ebsd, factor)
    while True:
        pictures = _Pictures.of(signals, ebsd, factor)
        moved = _refined(pictures, moved)
        if factor == 1:
            break
        factor //= 2
    given, best = pictures.agreement(Moved()), pictures.agreement(moved)
    if given >= best:  # nothing better was found
        moved, best = Moved(), given
    return Registration(moved, moved.displacement_px(signals.shape), given, best, peak)


@dataclass(frozen=True)
class _Pictures:
    """Both pictures, binned by `factor`, smoothed; that of EBSD as coefficients of splines.

    points: pixels (2, n), rows and columns, at which they are compared.
    """

    signals: np.ndarray
    splines: np.ndarray
    factor: int
    shape: tuple[int, int]  # before they were binned
    points: np.ndarray

    @staticmethod
    def of(signals: np.ndarray, ebsd: np.ndarray, factor: int) -> "_Pictures":
        binned = _smoothed(signals, factor)
        step = max(1, int(np.ceil(np.sqrt(binned.size / POINTS))))
        points = np.mgrid[: binned.shape[0] : step, : binned.shape[1] : step].reshape(2, -1)
        splines = spline_filter(_smoothed(ebsd, factor), output=np.float32)
        return _Pictures(binned[tuple(points)], splines, factor, signals.shape, points)

    def agreement(self, moved: Moved) -> float:
        """Correlation where both have pixels."""
        (ny, nx), offset = self.shape, (self.factor - 1) / 2
        y, x = self.points * self.factor + offset
        centred = np.stack((x - (nx - 1) / 2 - moved.x_px, y - (ny - 1) / 2 - moved.y_px))
        x, y = moved.matrix().T @ centred
        places = np.stack((y + (ny - 1) / 2, x + (nx - 1) / 2)) - offset
        places /= self.factor
        limits = np.array(self.splines.shape)[:, None] - 1
        inside = ((places >= 0) & (places <= limits)).all(0)
        if inside.sum() < 3:
            return 0.0
        seen = map_coordinates(self.splines, places[:, inside], prefilter=False, mode="mirror")
        return _pearson(self.signals[inside], seen)


def _refined(pictures: _Pictures, moved: Moved) -> Moved:
    """The nearest best agreement, by the simplex of Nelder and Mead."""
    step_px = float(pictures.factor)
    step_deg = np.rad2deg(2 * step_px / max(pictures.shape))
    # steps, so that a unit of each counts alike
    scale = np.array([step_px, step_px, min(step_deg, ROTATION_STEP_DEG)])
    start = np.array([moved.x_px, moved.y_px, moved.rotation_deg]) / scale
    simplex = start + np.vstack((np.zeros(3), np.eye(3)))
    found = minimize(
        lambda steps: -pictures.agreement(Moved(*map(float, steps * scale))),
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-6, "maxiter": 200},
    )
    return Moved(*map(float, found.x * scale))


def _searched(signals: np.ndarray, ebsd: np.ndarray, factor: int) -> tuple[Moved, float]:
    """The best of all shifts by whole bins and of some rotations, and how far it stands out."""
    fixed, other = (_smoothed(picture, factor) for picture in (signals, ebsd))
    fixed, other = fixed - fixed.mean(), other - other.mean()
    size = [next_fast_len(2 * length, real=True) for length in fixed.shape]
    spectrum = rfft2(fixed, size)
    limits = [max(1, int(LARGEST_SHIFT * min(fixed.shape)))] * 2
    count = round(2 * LARGEST_ROTATION_DEG / ROTATION_STEP_DEG) + 1
    best, best_surface, moved = -np.inf, fixed, Moved()
    for rotation_deg in np.linspace(-LARGEST_ROTATION_DEG, LARGEST_ROTATION_DEG, count):
        turned = _turned(other, float(rotation_deg))
        surface = irfft2(spectrum * rfft2(turned, size).conj(), size)
        surface = np.roll(surface, limits, (0, 1))[: 2 * limits[0] + 1, : 2 * limits[1] + 1]
        place = np.unravel_index(surface.argmax(), surface.shape)
        if surface[place] > best:
            best, best_surface = surface[place], surface
            y, x = (int(found) - limit for found, limit in zip(place, limits, strict=True))
            moved = Moved(float(x * factor), float(y * factor), float(rotation_deg))
    return moved, _standing_out(best_surface)


def _standing_out(surface: np.ndarray) -> float:
    """By how many standard deviations of the rest the largest of a surface lies above its mean."""
    place = np.array(np.unravel_index(surface.argmax(), surface.shape))
    away = np.indices(surface.shape) - place[:, None, None]
    rest = surface[(away**2).sum(0) > PEAK_RADIUS_PX**2]
    if rest.size < 2 or rest.std() == 0:
        return 0.0
    return float((surface.max() - rest.mean()) / rest.std())


def _turned(picture: np.ndarray, rotation_deg: float) -> np.ndarray:
    """About its middle, zero outside."""
    inverse = Moved(rotation_deg=rotation_deg).matrix().T[::-1, ::-1]  # for (row, column)
    middle = (np.array(picture.shape) - 1) / 2
    return affine_transform(picture, inverse, middle - inverse @ middle, order=1)


def _smoothed(picture: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor × factor pixels, float32, smoothed; what is left at far edges is dropped."""
    ny, nx = (length // factor for length in picture.shape)
    bins = picture[: ny * factor, : nx * factor].reshape(ny, factor, nx, factor)
    return gaussian_filter(bins.mean((1, 3), dtype=np.float32), SMOOTHING_PX)


def _of_unit_length(signals: np.ndarray) -> np.ndarray:
    """Signals (…, 6, 72) as vectors (…, 432) of mean 0 and length 1; 0 where they are constant."""
    vectors = signals.reshape(*signals.shape[:2], -1).astype(np.float32)
    vectors -= vectors.mean(-1, keepdims=True)
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=vectors, where=length > 0)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("ijk,ijk->ij", one, other)


def _neighbours(places: np.ndarray, step: int, length: int) -> np.ndarray:
    """Places one step away; the last one again at the ends."""
    return np.clip(places + step, 0, length - 1)


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    norms = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / norms) if norms > 0 else 0.0
