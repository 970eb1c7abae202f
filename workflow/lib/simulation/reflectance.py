"""The forward model "sim-v1": directional reflectance of etched Inconel 718, computed.

No published equation was found for this signal: the model is an assumption. After
etching, δ platelets on the four {111} planes of γ stand out as thin ridges. The side of
a platelet is a small mirror, bright where the half vector meets the plane normal (the
facet term). The rounded ridge is a cylinder along the trace of the plane on the surface,
bright where the half vector is perpendicular to that trace (the ridge term).

Conventions are those of `workflow.lib.orientation`: an orientation takes crystal to
specimen coordinates and is a unit quaternion, scalar first. This module computes them
with SciPy and on purpose does not import that module, so that each checks the other.

Where the description of the model leaves a choice, the plain reading is taken:

- `mean(I)`, which scales the pixel noise, is the mean of one signal's ideal intensity
  I as the formula defines it, before background, gain and row response.
- The background's and the gain's random numbers are one per signal. A background may
  come out negative (1 grain in 2300); the final clipping to 0–255 takes care of it.
- Intensities are rounded to the nearest integer when they become uint8.
- "12° spread" of the fibre: each of the two components of the deflection of [001] from
  specimen x is normal with 12° standard deviation. Each grain belongs to the fibre
  with the given probability, and the angle about the fibre axis is uniform.
- "0.5° rms" of the label: the root mean square of the whole rotation angle, about an
  axis uniform on the sphere.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

BENCHMARK = "sim-v1"  # frozen, with `FACET_AMPLITUDE`; see `benchmark` for other amplitudes

ELEVATION_DEG = np.array([15.0, 25.0, 35.0, 45.0, 55.0, 65.0])
AZIMUTH_DEG = 5.0 * np.arange(72)

RIDGE_AMPLITUDE = 1.0
FACET_AMPLITUDE = 0.15
RIDGE_WIDTH = 0.10  # of the dimensionless h·t
FACET_WIDTH_RAD = 0.25
WEIGHT_LOG_STD = 0.7
BACKGROUND_STD = 0.3  # relative to the specimen's background
GAIN_LOG_STD = 0.3
COUNTS_PER_INTENSITY = 50.0
LABEL_NOISE_RMS_DEG = 0.5
FIBRE_SPREAD_DEG = 12.0

# One sense of each {111} plane normal in the crystal; the variants k = 1…4 in this order.
PLANE_NORMALS = np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / np.sqrt(3)

# Signals per block: the temporaries of a block stay within the processor's cache.
BLOCK = 256


@dataclass(frozen=True)
class Specimen:
    """Settings of one simulated specimen.

    fibre_fraction: share of grains in the ⟨001⟩ fibre along specimen x, 0 to 1.
    noise: standard deviation of a pixel's noise, relative to the mean ideal intensity.
    background: intensity added to every direction, in the units of the ridge amplitude.
    tilt: relative change of the row response from the middle to the highest row.
    """

    fibre_fraction: float
    noise: float
    background: float
    tilt: float


# Specimens 01 to 10, frozen as benchmark sim-v1.
SPECIMENS = (
    Specimen(0.0, 0.08, 0.30, 0.00),
    Specimen(0.6, 0.10, 0.40, 0.10),
    Specimen(0.0, 0.12, 0.35, -0.10),
    Specimen(0.8, 0.09, 0.25, 0.15),
    Specimen(0.3, 0.10, 0.50, -0.15),
    Specimen(0.0, 0.11, 0.30, 0.05),
    Specimen(0.5, 0.08, 0.45, -0.05),
    Specimen(0.0, 0.13, 0.35, 0.10),
    Specimen(0.7, 0.10, 0.30, -0.10),
    Specimen(0.0, 0.09, 0.40, 0.00),
)


def benchmark(c: float = FACET_AMPLITUDE) -> str:
    """What signals of facet amplitude c are called: sim-v1, or by c, as in sim-c0.02."""
    return BENCHMARK if c == FACET_AMPLITUDE else f"sim-c{c:.12g}"


def half_vectors() -> np.ndarray:
    """Unit half vectors between each light and the camera, float64 (6, 72, 3)."""
    elevation, azimuth = np.deg2rad(ELEVATION_DEG)[:, None], np.deg2rad(AZIMUTH_DEG)
    half = np.empty((6, 72, 3))
    half[..., 0] = np.cos(elevation) * np.cos(azimuth)
    half[..., 1] = np.cos(elevation) * np.sin(azimuth)
    half[..., 2] = np.sin(elevation) + 1  # light plus view, (0, 0, 1)
    return half / np.linalg.norm(half, axis=-1, keepdims=True)


def normals_and_traces(orientation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plane normals, surface traces and their sines in specimen coordinates.

    orientation: unit quaternions (n, 4), scalar first. A normal that lies exactly in the
    surface keeps the sense it has in `PLANE_NORMALS`.

    Returns normals n_k (n, 4, 3) of the upper hemisphere, traces t_k = n_k × z / |n_k × z|
    (n, 4, 3), which are zero where a normal is parallel to z and no trace exists, and
    s_k = |n_k × z| (n, 4); all float64.
    """
    matrix = Rotation.from_quat(orientation, scalar_first=True).as_matrix()
    normals = np.einsum("nij,kj->nki", matrix, PLANE_NORMALS)
    normals = np.where(normals[..., 2:] < 0, -normals, normals)
    traces = np.stack([normals[..., 1], -normals[..., 0], np.zeros(normals.shape[:2])], axis=-1)
    sines = np.linalg.norm(traces, axis=-1)
    traces = np.divide(
        traces, sines[..., None], out=np.zeros_like(traces), where=sines[..., None] > 0
    )
    return normals, traces, sines


def _add_gaussian(
    total: np.ndarray, distance: np.ndarray, width: float, amplitude: np.ndarray
) -> None:
    """Add amplitude · exp(−distance² / 2 width²) to `total`; overwrites `distance`, in place.

    total and distance are (n, m), amplitude is (n,).
    """
    np.multiply(distance, distance, out=distance)
    distance *= distance.dtype.type(-0.5 / width**2)
    np.exp(distance, out=distance)
    distance *= amplitude.astype(distance.dtype)[:, None]
    total += distance


def _block_signal(
    orientation: np.ndarray, weights: np.ndarray, c: float, dtype: type
) -> np.ndarray:
    """The ideal signal of one block: (n, 4), (n, 4) → (n, 432) of the given type."""
    normals, traces, sines = normals_and_traces(orientation)
    half = half_vectors().astype(dtype)
    # h·t changes only its sign over 180° of azimuth, so that half the columns say it all.
    half_circle = half[:, :36].reshape(216, 3).T
    full_circle = half.reshape(432, 3).T
    ridge = np.zeros((len(orientation), 216), dtype)
    signal = np.zeros((len(orientation), 432), dtype)
    for k in range(4):
        across = traces[:, k].astype(dtype) @ half_circle
        _add_gaussian(ridge, across, RIDGE_WIDTH, RIDGE_AMPLITUDE * weights[:, k] * sines[:, k])
        if c != 0:
            cosine = normals[:, k].astype(dtype) @ full_circle
            angle_rad = np.arccos(np.clip(cosine, -1, 1, out=cosine), out=cosine)
            _add_gaussian(signal, angle_rad, FACET_WIDTH_RAD, c * weights[:, k])
    signal.reshape(-1, 6, 2, 36)[...] += ridge.reshape(-1, 6, 1, 36)
    return signal


def ideal_signal(
    orientation: np.ndarray,
    weights: np.ndarray | None = None,
    c: float = FACET_AMPLITUDE,
    dtype: type = np.float64,
) -> np.ndarray:
    """The noise-free intensity I(ε, φ), without background, gain or row response.

    orientation: unit quaternions (n, 4), scalar first.
    weights: how much of each variant a grain holds (n, 4), or None for 1 of each.
    c: amplitude of the facet term; with 0 the signal repeats after 180° of azimuth.
    dtype: type of the result and of the arithmetic, np.float64 or np.float32.

    Returns intensities (n, 6, 72) ≥ 0: rows by elevation, columns by azimuth.
    """
    orientation = np.asarray(orientation, dtype=np.float64)
    weights = np.ones((len(orientation), 4)) if weights is None else np.asarray(weights)
    signal = np.empty((len(orientation), 432), dtype)
    for start in range(0, len(orientation), BLOCK):
        block = slice(start, start + BLOCK)
        signal[block] = _block_signal(orientation[block], weights[block], c, dtype)
    return signal.reshape(-1, 6, 72)


def stream(seed: int, set_id: int, specimen: int) -> np.random.Generator:
    """The random numbers of one specimen in one set, independent of all the others.

    A set's size therefore never changes what another set contains.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, set_id, specimen)))


def random_orientations(n: int, fibre_fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Orientations uniform on SO(3), mixed with a ⟨001⟩ fibre along specimen x.

    Returns unit quaternions float64 (n, 4), scalar first. `fibre_fraction` is the
    probability of a grain to belong to the fibre.
    """
    uniform = rng.standard_normal((n, 4))
    uniform /= np.linalg.norm(uniform, axis=1, keepdims=True)
    spin_rad = rng.uniform(0, 2 * np.pi, n)
    deflection_deg = rng.normal(0, FIBRE_SPREAD_DEG, (n, 2))
    in_fibre = rng.random(n) < fibre_fraction
    # Crystal [001] to specimen x, spun about x, then deflected about axes normal to x.
    along_x = Rotation.from_euler("y", 90, degrees=True)
    spin = Rotation.from_rotvec(spin_rad[:, None] * [1.0, 0.0, 0.0])
    deflection = Rotation.from_rotvec(np.column_stack([np.zeros(n), deflection_deg]), degrees=True)
    fibre = (deflection * spin * along_x).as_quat(scalar_first=True)
    return np.where(in_fibre[:, None], fibre, uniform)


def random_weights(n: int, rng: np.random.Generator) -> np.ndarray:
    """How much of each {111} variant each grain holds, float64 (n, 4), log-normal."""
    return np.exp(WEIGHT_LOG_STD * rng.standard_normal((n, 4)))


def row_response(specimen: Specimen) -> np.ndarray:
    """Relative sensitivity at each elevation, float64 (6,)."""
    return np.sqrt(np.sin(np.deg2rad(ELEVATION_DEG))) * (1 + specimen.tilt * np.linspace(-1, 1, 6))


def random_exposure(
    n: int, specimen: Specimen, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Background and gain of n grains, float64 (n,) each, in units of the ideal intensity."""
    background = specimen.background * (1 + BACKGROUND_STD * rng.standard_normal(n))
    return background, np.exp(GAIN_LOG_STD * rng.standard_normal(n))


def record(
    intensity: np.ndarray, noise_std: np.ndarray, specimen: Specimen, rng: np.random.Generator
) -> np.ndarray:
    """What the camera records: row response, noise of each pixel, digitisation.

    intensity: (I + background) · gain, float (n, 6, 72).
    noise_std: standard deviation of each signal's noise (n,), in units of the intensity.

    Returns counts uint8 (n, 6, 72), 50 per unit of intensity, saturated at 255.
    """
    counts = rng.standard_normal(intensity.shape, dtype=np.float32)
    counts *= noise_std.astype(np.float32)[:, None, None]
    counts += intensity * row_response(specimen).astype(np.float32)[:, None]
    counts *= np.float32(COUNTS_PER_INTENSITY)
    np.rint(counts, out=counts)
    return np.clip(counts, 0, 255, out=counts).astype(np.uint8)


def simulate_signals(
    orientation: np.ndarray,
    specimen: Specimen,
    rng: np.random.Generator,
    c: float = FACET_AMPLITUDE,
) -> np.ndarray:
    """Recorded signals of grains with the given orientations: (n, 4) → uint8 (n, 6, 72).

    c: amplitude of the facet term; the random numbers are the same for each.
    """
    n = len(orientation)
    weights = random_weights(n, rng)
    background, gain = (
        value.astype(np.float32)[:, None, None] for value in random_exposure(n, specimen, rng)
    )
    signals = np.empty((n, 6, 72), np.uint8)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        ideal = ideal_signal(orientation[block], weights[block], c, np.float32)
        noise_std = specimen.noise * ideal.mean(axis=(1, 2))
        signals[block] = record((ideal + background[block]) * gain[block], noise_std, specimen, rng)
    return signals


def add_label_noise(orientation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn each orientation (n, 4) by a random rotation of 0.5° rms; returns (n, 4)."""
    turn_deg = rng.normal(0, LABEL_NOISE_RMS_DEG / np.sqrt(3), (len(orientation), 3))
    turned = Rotation.from_rotvec(turn_deg, degrees=True) * Rotation.from_quat(
        orientation, scalar_first=True
    )
    return turned.as_quat(scalar_first=True)


def euler_zyz_rad(orientation: np.ndarray) -> np.ndarray:
    """Intrinsic ZYZ angles (n, 3) of quaternions (n, 4): α, γ in [0, 2π), β in [0, π]."""
    rotation = Rotation.from_quat(orientation, scalar_first=True)
    # Where β is 0 or π only α ± γ is determined; SciPy then sets γ to 0, which is as good.
    angles = rotation.as_euler("ZYZ", suppress_warnings=True)
    angles[:, [0, 2]] %= 2 * np.pi
    angles[angles == 2 * np.pi] = 0  # the remainder of a tiny negative angle
    return angles


def simulate_specimen(
    n: int, specimen: Specimen, rng: np.random.Generator, c: float = FACET_AMPLITUDE
) -> tuple[np.ndarray, np.ndarray]:
    """A set of n grains of one specimen, one signal a grain; c: amplitude of the facet term.

    Returns signals uint8 (n, 6, 72) and their labels, as an EBSD map would give them:
    ZYZ angles in radians float64 (n, 3), with label noise.
    """
    orientation = random_orientations(n, specimen.fibre_fraction, rng)
    signals = simulate_signals(orientation, specimen, rng, c)
    return signals, euler_zyz_rad(add_label_noise(orientation, rng))
