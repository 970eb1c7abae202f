"""Simulated scans of whole specimens: a Voronoi polycrystal seen by the model of `simulator`.

Grains are the Voronoi cells of points scattered uniformly. Each grain has one orientation,
one set of variant weights, one background and one gain, as etching leaves them. A pixel
that a boundary crosses sees the mean of its grains, weighted by area. Pixel noise and the
label noise of the EBSD map are drawn for each pixel.

The description of the model names what `anomaly_specimen` holds, but no sizes; they are
chosen here: see the constants.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from workflow.lib.simulation.reflectance import (
    FACET_AMPLITUDE,
    Specimen,
    add_label_noise,
    euler_zyz_rad,
    ideal_signal,
    random_exposure,
    random_orientations,
    random_weights,
    record,
)

GRAIN_DIAMETER_PX = 24  # mean, of the circle with a grain's mean area
MIN_GRAINS = 4  # a scan of a few pixels still has boundaries
SUBPIXELS = 5  # per pixel and direction; odd, so that one is the pixel's centre

PORE_AREA_PX = 1500  # area of the scan per pore
PORE_RADIUS_PX = (2.0, 6.0)  # uniform between these
PORE_INTENSITY = 0.02  # a pore swallows the light; in units of the ridge amplitude
BAND_WIDTH = 0.2  # full width at half depth, relative to the scan's first direction
BAND_ETCH = 0.2  # height of the ridges in the middle of the under-etched band, 1 is normal


@dataclass(frozen=True)
class Scan:
    """A simulated scan and what only a simulation knows of it.

    signals: uint8 (x, y, 6, 72).
    euler_zyz_rad: EBSD label of the grain at each pixel's centre, float32 (x, y, 3),
        α and γ in [0, 2π), β in [0, π].
    grains: the grain at each subpixel, int32 (x, y, SUBPIXELS²).
    pore_share: how much of each pixel is pore, float32 (x, y), 0 to 1.
    etch: height of the ridges relative to a well-etched specimen, float32 (x, 1), 0 to 1.
    """

    signals: np.ndarray
    euler_zyz_rad: np.ndarray
    grains: np.ndarray
    pore_share: np.ndarray
    etch: np.ndarray


def subpixel_positions(shape: tuple[int, int]) -> np.ndarray:
    """Centres of all subpixels in pixel units, float64 (x, y, SUBPIXELS², 2)."""
    offset = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
    rows = np.arange(shape[0])[:, None, None, None] + offset[:, None]
    columns = np.arange(shape[1])[:, None, None] + offset
    positions = np.stack(np.broadcast_arrays(rows, columns), axis=-1)
    return positions.reshape(*shape, SUBPIXELS**2, 2)


def voronoi_grains(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The grain at each subpixel of a random tessellation, int32 (x, y, SUBPIXELS²)."""
    grain_area_px = np.pi / 4 * GRAIN_DIAMETER_PX**2
    n_grains = max(MIN_GRAINS, round(shape[0] * shape[1] / grain_area_px))
    centres = rng.random((n_grains, 2)) * shape
    grains = np.empty((*shape, SUBPIXELS**2), np.int32)
    tree = cKDTree(centres)
    positions = subpixel_positions((1, shape[1]))
    for x in range(shape[0]):
        grains[x] = tree.query(positions[0] + [x, 0])[1]
    return grains


def pore_shares(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """How much of each pixel a random set of round pores covers, float32 (x, y)."""
    n_pores = max(1, round(shape[0] * shape[1] / PORE_AREA_PX))
    centres = rng.random((n_pores, 2)) * shape
    radii = rng.uniform(*PORE_RADIUS_PX, n_pores)
    inside = np.zeros((*shape, SUBPIXELS**2), bool)
    for centre, radius in zip(centres, radii, strict=True):
        first = np.maximum(np.floor(centre - radius), 0).astype(int)
        last = np.minimum(np.ceil(centre + radius).astype(int), shape)
        window = (slice(first[0], last[0]), slice(first[1], last[1]))
        positions = subpixel_positions(tuple(last - first)) + first
        inside[window] |= np.sum((positions - centre) ** 2, axis=-1) < radius**2
    return inside.mean(axis=-1, dtype=np.float32)


def under_etched_band(n_rows: int) -> np.ndarray:
    """Height of the ridges along the scan's first direction, float32 (n_rows,).

    1 away from the band, BAND_ETCH in its middle, in the middle of the scan, and a
    Gaussian between: etchant that dried too early leaves no sharp edge.
    """
    position = (np.arange(n_rows) + 0.5) / n_rows - 0.5
    depth = np.exp(-4 * np.log(2) * (position / BAND_WIDTH) ** 2)
    return (1 - (1 - BAND_ETCH) * depth).astype(np.float32)


def float32_angles(angles_rad: np.ndarray) -> np.ndarray:
    """Angles as float32, kept inside [0, 2π) and [0, π] where rounding would leave them."""
    angles = angles_rad.astype(np.float32)
    below_pi = np.nextafter(np.float32(np.pi), np.float32(0))
    angles[..., [0, 2]] = np.where(angles[..., [0, 2]] < 2 * np.pi, angles[..., [0, 2]], 0)
    angles[..., 1] = np.minimum(angles[..., 1], below_pi)
    return angles


def scan_specimen(
    shape: tuple[int, int],
    specimen: Specimen,
    rng: np.random.Generator,
    anomalies: bool = False,
    c: float = FACET_AMPLITUDE,
) -> Scan:
    """Simulate a scan of `shape` pixels of a polycrystal with the settings of `specimen`.

    c: amplitude of the facet term.

    With `anomalies` the surface has pores and, across the middle of the scan, a band in
    which etching stopped early: ridges are low there, background and noise are not.
    Memory: about 600 bytes a pixel.
    """
    grains = voronoi_grains(shape, rng)
    n_grains = int(grains.max()) + 1
    orientation = random_orientations(n_grains, specimen.fibre_fraction, rng)
    ideal = ideal_signal(orientation, random_weights(n_grains, rng), c, np.float32)
    background, gain = (
        value.astype(np.float32) for value in random_exposure(n_grains, specimen, rng)
    )
    pore_share = pore_shares(shape, rng) if anomalies else np.zeros(shape, np.float32)
    etch = under_etched_band(shape[0]) if anomalies else np.ones(shape[0], np.float32)

    reflected = ideal * gain[:, None, None]
    diffuse = background * gain
    noise_std = specimen.noise * ideal.mean(axis=(1, 2))
    signals = np.empty((*shape, 6, 72), np.uint8)
    euler = np.empty((*shape, 3), np.float32)
    for x in range(shape[0]):
        ridges = _mean_over_pixel(reflected, grains[x]) * etch[x]
        surface = ridges + _mean_over_pixel(diffuse, grains[x])[:, None, None]
        pore = pore_share[x, :, None, None]
        intensity = (1 - pore) * surface + pore * np.float32(PORE_INTENSITY)
        signals[x] = record(intensity, _mean_over_pixel(noise_std, grains[x]), specimen, rng)
        centre = orientation[grains[x, :, SUBPIXELS**2 // 2]]
        euler[x] = float32_angles(euler_zyz_rad(add_label_noise(centre, rng)))
    return Scan(signals, euler, grains, pore_share, etch[:, None])


def _mean_over_pixel(value: np.ndarray, grains: np.ndarray) -> np.ndarray:
    """Area-weighted mean of a grain's property over each pixel of one row.

    value: (n_grains, ...); grains: (y, SUBPIXELS²). Returns (y, ...).
    """
    mean = value[grains[:, 0]]
    mixed = (grains != grains[:, :1]).any(axis=1)
    mean[mixed] = value[grains[mixed]].mean(axis=1)
    return mean
