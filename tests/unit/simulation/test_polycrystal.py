"""Simulated scans: grains, mixed pixels at their boundaries, labels and anomalies."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.simulation.polycrystal import (
    BAND_ETCH,
    BAND_WIDTH,
    SUBPIXELS,
    float32_angles,
    pore_shares,
    scan_specimen,
    subpixel_positions,
    under_etched_band,
    voronoi_grains,
)
from workflow.lib.simulation.reflectance import (
    ELEVATION_DEG,
    SPECIMENS,
    Specimen,
    ideal_signal,
    row_response,
    stream,
)

SHAPE = (48, 64)
NOISELESS = Specimen(fibre_fraction=0.0, noise=0.0, background=0.35, tilt=0.0)


@pytest.fixture(scope="module")
def scan():
    return scan_specimen(SHAPE, NOISELESS, stream(0, 3, 8))


@pytest.fixture(scope="module")
def damaged():
    return scan_specimen(SHAPE, NOISELESS, stream(0, 4, 8), anomalies=True)


def centre_grain(scan):
    return scan.grains[..., SUBPIXELS**2 // 2]


def is_mixed(scan):
    return (scan.grains != scan.grains[..., :1]).any(axis=-1)


def test_scan_has_the_promised_form(scan):
    assert scan.signals.shape == (*SHAPE, 6, 72)
    assert scan.signals.dtype == np.uint8
    assert scan.euler_zyz_rad.shape == (*SHAPE, 3)
    assert scan.euler_zyz_rad.dtype == np.float32


def test_subpixels_fill_their_pixel_evenly():
    positions = subpixel_positions((2, 3))
    assert positions.shape == (2, 3, SUBPIXELS**2, 2)
    np.testing.assert_allclose(positions[1, 2].mean(axis=0), [1.5, 2.5])
    np.testing.assert_allclose(positions[1, 2, SUBPIXELS**2 // 2], [1.5, 2.5])
    np.testing.assert_array_equal(np.floor(positions[1, 2]), [[1, 2]] * SUBPIXELS**2)


def test_grains_are_voronoi_cells():
    """The points come first from the stream: find the nearest by brute force."""
    grains = voronoi_grains((40, 50), np.random.default_rng(5))
    n_grains = round(40 * 50 / (np.pi / 4 * 24**2))
    centres = np.random.default_rng(5).random((n_grains, 2)) * (40, 50)
    distance = np.linalg.norm(subpixel_positions((40, 50))[..., None, :] - centres, axis=-1)
    np.testing.assert_array_equal(grains, distance.argmin(axis=-1))


def test_a_tiny_scan_still_has_boundaries():
    assert len(np.unique(voronoi_grains((8, 8), np.random.default_rng(0)))) > 1


def test_inside_a_grain_all_pixels_agree(scan):
    pure, grain = ~is_mixed(scan), centre_grain(scan)
    for number in np.unique(grain):
        signals = scan.signals[pure & (grain == number)]
        assert (signals == signals[:1]).all()


def test_only_pixels_on_a_boundary_are_mixed_as_their_areas_are(scan):
    """A mixed pixel is the mean of the pure signals of its grains, within the rounding."""
    mixed, grain = is_mixed(scan), centre_grain(scan)
    assert 0 < mixed.mean() < 0.3
    pure = {
        number: scan.signals[~mixed & (grain == number)][0].astype(float)
        for number in np.unique(grain[~mixed])
    }
    checked = 0
    for x, y in np.argwhere(mixed):
        inside = scan.grains[x, y]
        values = [pure[number] for number in inside if number in pure]
        if len(values) < inside.size or np.max(values) == 255:
            continue  # a grain without pure pixels, or one whose signal is cut off
        assert np.abs(scan.signals[x, y] - np.mean(values, axis=0)).max() <= 1
        checked += 1
    assert checked > 50


def test_mixed_pixels_neighbour_another_grain(scan):
    """Boundary by another route: some pixel centre within 2 px belongs to another grain."""
    grain = centre_grain(scan)
    for x, y in np.argwhere(is_mixed(scan)):
        window = grain[max(x - 2, 0) : x + 3, max(y - 2, 0) : y + 3]
        touches_edge = x in (0, SHAPE[0] - 1) or y in (0, SHAPE[1] - 1)
        assert touches_edge or (window != grain[x, y]).any()


def test_labels_scatter_by_half_a_degree_within_a_grain(scan):
    grain = centre_grain(scan)
    number = np.bincount(grain.ravel()).argmax()
    labels = Rotation.from_euler("ZYZ", scan.euler_zyz_rad[grain == number].astype(float))
    deviation_deg = np.rad2deg((labels * labels.mean().inv()).magnitude())
    assert np.sqrt(np.mean(deviation_deg**2)) == pytest.approx(0.5, rel=0.1)


def test_labels_explain_the_signals(scan):
    """Four variants and a constant, of the labelled orientation, fit a noise-free signal."""
    grain, response = centre_grain(scan), row_response(NOISELESS)[:, None]
    explained = []
    for number in np.unique(grain[~is_mixed(scan)]):
        x, y = np.argwhere(~is_mixed(scan) & (grain == number))[0]
        label = Rotation.from_euler("ZYZ", scan.euler_zyz_rad[x, y].astype(float))
        variants = ideal_signal(label.as_quat(scalar_first=True)[None].repeat(4, 0), np.eye(4))
        model = np.concatenate([variants, np.ones((1, 6, 72))]) * response
        seen = scan.signals[x, y] < 255
        signal = scan.signals[x, y][seen].astype(float)
        residual = signal - model[:, seen].T @ np.linalg.lstsq(model[:, seen].T, signal)[0]
        explained.append(1 - residual.var() / signal.var())
    assert min(explained) > 0.95


def test_different_grains_have_different_labels(scan):
    grain = centre_grain(scan)
    labels = [scan.euler_zyz_rad[grain == number][0] for number in np.unique(grain)]
    assert len(np.unique(np.round(labels, 2), axis=0)) == len(labels)


def test_float32_angles_stay_in_range():
    almost = np.array([[2 * np.pi - 1e-9, np.pi, 2 * np.pi - 1e-9], [1.0, 2.0, 3.0]])
    angles = float32_angles(almost)
    assert angles.dtype == np.float32
    assert (angles[:, [0, 2]].astype(float) < 2 * np.pi).all()
    assert (angles[:, 1].astype(float) <= np.pi).all()
    np.testing.assert_array_equal(angles[1], [1, 2, 3])


def test_a_scan_without_anomalies_has_none(scan):
    assert (scan.pore_share == 0).all()
    assert (scan.etch == 1).all()


def test_pores_are_dark_and_flat(damaged):
    """In a pore only 0.02 of intensity is left: 50 · 0.02 · √sin ε counts, rounded."""
    expected = np.rint(np.sqrt(np.sin(np.deg2rad(ELEVATION_DEG))))[:, None]
    inside = damaged.signals[damaged.pore_share == 1]
    assert len(inside) > 5
    assert (inside == expected).all()


def test_pores_cover_their_area():
    """About one pore in 1500 px, radius uniform in 2–6 px: mean area π·(6³ − 2³)/(3·4)."""
    share = pore_shares((400, 500), np.random.default_rng(1))
    assert share.min() == 0
    assert share.max() == 1
    partly = ((share > 0) & (share < 1)).mean()
    assert 0 < partly < (share == 1).mean()
    assert share.mean() == pytest.approx(np.pi * (6**3 - 2**3) / 12 / 1500, rel=0.25)


def test_band_is_lowest_in_the_middle_and_half_deep_at_half_its_width():
    etch = under_etched_band(1001)
    assert etch[500] == pytest.approx(BAND_ETCH)
    edge = 500 + round(1001 * BAND_WIDTH / 2)
    assert etch[edge] == pytest.approx((1 + BAND_ETCH) / 2, abs=0.01)
    assert etch[0] == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(etch, etch[::-1], atol=1e-6)


def test_contrast_is_low_in_the_band(damaged):
    contrast = damaged.signals.astype(float).std(axis=-1).mean(axis=-1)
    contrast[damaged.pore_share > 0] = np.nan
    middle = np.nanmean(contrast[22:26])
    outside = np.nanmean(np.concatenate([contrast[:8], contrast[-8:]]))
    assert middle < 0.5 * outside


def test_pixel_noise_differs_between_pixels_of_a_grain():
    noisy = scan_specimen((12, 12), SPECIMENS[7], stream(0, 3, 8))
    flat = noisy.signals.reshape(144, -1)
    assert len(np.unique(flat, axis=0)) == 144


def test_the_same_stream_gives_the_same_scan():
    first, second = (
        scan_specimen((12, 20), SPECIMENS[7], stream(2, 4, 8), anomalies=True) for _ in range(2)
    )
    np.testing.assert_array_equal(first.signals, second.signals)
    np.testing.assert_array_equal(first.euler_zyz_rad, second.euler_zyz_rad)
