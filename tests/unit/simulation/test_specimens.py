"""What surrounds the forward model: textures, labels, spreads between grains, recording."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.simulation.reflectance import (
    ELEVATION_DEG,
    SPECIMENS,
    Specimen,
    add_label_noise,
    euler_zyz_rad,
    ideal_signal,
    random_exposure,
    random_orientations,
    random_weights,
    record,
    row_response,
    simulate_signals,
    simulate_specimen,
    stream,
)


def rotation(quaternion):
    return Rotation.from_quat(quaternion, scalar_first=True)


@pytest.fixture
def rng():
    return np.random.default_rng(20220111)


def test_uniform_orientations_have_the_moments_of_so3(rng):
    matrices = rotation(random_orientations(20_000, 0.0, rng)).as_matrix()
    np.testing.assert_allclose(matrices.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose((matrices**2).mean(axis=0), 1 / 3, atol=0.02)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("sigmas", [1, 3])
def test_share_of_grains_near_the_fibre(rng, fraction, sigmas):
    """Within θ of x lies a ⟨001⟩ of 1 − exp(−θ²/2σ²) of the fibre's grains (two normal
    components), and of 6 (1 − cos θ)/2 of the others (six caps that don't overlap)."""
    matrices = rotation(random_orientations(20_000, fraction, rng)).as_matrix()
    nearest = np.abs(matrices[:, 0, :]).max(axis=1)  # cosine of x with the closest ⟨001⟩
    near = (nearest > np.cos(np.deg2rad(12 * sigmas))).mean()
    expected = fraction * (1 - np.exp(-(sigmas**2) / 2))
    expected += (1 - fraction) * 3 * (1 - np.cos(np.deg2rad(12 * sigmas)))
    assert near == pytest.approx(expected, abs=0.015)


def test_fibre_grains_turn_freely_about_their_axis(rng):
    """[001] lies near x; the direction of [100] in the plane normal to x is uniform."""
    matrices = rotation(random_orientations(20_000, 1.0, rng)).as_matrix()
    assert np.cos(np.deg2rad(60)) < matrices[:, 0, 2].min()
    angle = np.arctan2(matrices[:, 2, 0], matrices[:, 1, 0])
    assert abs(np.exp(1j * angle).mean()) < 0.03
    assert abs(np.exp(4j * angle).mean()) < 0.03


def test_label_noise_is_half_a_degree_rms(rng):
    orientation = random_orientations(20_000, 0.0, rng)
    turn = rotation(add_label_noise(orientation, rng)) * rotation(orientation).inv()
    rms_deg = np.sqrt(np.mean(np.rad2deg(turn.magnitude()) ** 2))
    assert rms_deg == pytest.approx(0.5, rel=0.02)
    np.testing.assert_allclose(turn.as_rotvec().mean(axis=0), 0, atol=1e-4)


def test_labels_are_the_orientations_that_made_the_signals():
    specimen = Specimen(fibre_fraction=0.5, noise=0.0, background=0.3, tilt=0.0)
    _, euler_rad = simulate_specimen(5000, specimen, stream(1, 1, 1))
    orientation = random_orientations(5000, 0.5, stream(1, 1, 1))  # the first thing drawn
    turn = Rotation.from_euler("ZYZ", euler_rad) * rotation(orientation).inv()
    rms_deg = np.sqrt(np.mean(np.rad2deg(turn.magnitude()) ** 2))
    assert rms_deg == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("angles", [(0, 0, 0), (1, np.pi, 2), (-1e-17, 1, -1e-17), (6, 3, 6.28)])
def test_euler_angles_keep_their_ranges_and_the_orientation(angles):
    given = Rotation.from_euler("ZYZ", [angles])
    alpha, beta, gamma = euler_zyz_rad(given.as_quat(scalar_first=True))[0]
    assert 0 <= alpha < 2 * np.pi
    assert 0 <= beta <= np.pi
    assert 0 <= gamma < 2 * np.pi
    back = Rotation.from_euler("ZYZ", [alpha, beta, gamma])
    assert (back * given.inv()).magnitude()[0] < 1e-7


def test_grains_differ_as_described(rng):
    log_weights = np.log(random_weights(20_000, rng))
    np.testing.assert_allclose(log_weights.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(log_weights.std(axis=0), 0.7, rtol=0.02)
    background, gain = random_exposure(20_000, SPECIMENS[4], rng)
    assert background.mean() == pytest.approx(0.50, rel=0.01)
    assert background.std() == pytest.approx(0.15, rel=0.02)
    assert np.log(gain).mean() == pytest.approx(0, abs=0.01)
    assert np.log(gain).std() == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize("tilt", [0.0, 0.15, -0.15])
def test_recording_applies_response_noise_and_digitisation(rng, tilt):
    specimen = Specimen(fibre_fraction=0.0, noise=0.1, background=0.3, tilt=tilt)
    response = np.sqrt(np.sin(np.deg2rad(ELEVATION_DEG)))
    response *= 1 + tilt * np.array([-1, -0.6, -0.2, 0.2, 0.6, 1])
    np.testing.assert_allclose(row_response(specimen), response)
    counts = record(np.full((2000, 6, 72), 2.0), np.full(2000, 0.1), specimen, rng)
    assert counts.dtype == np.uint8
    np.testing.assert_allclose(counts.mean(axis=(0, 2)), 100 * response, atol=0.1)
    # Rounding to integers adds a variance of 1/12.
    np.testing.assert_allclose(counts.std(axis=(0, 2)), np.sqrt(5**2 + 1 / 12), rtol=0.02)


def test_recording_saturates_and_never_wraps(rng):
    intensity = np.stack([np.full((6, 72), 100.0), np.full((6, 72), -1.0)])
    counts = record(intensity, np.zeros(2), SPECIMENS[0], rng)
    assert (counts[0] == 255).all()
    assert (counts[1] == 0).all()


def test_a_signal_is_background_and_ideal_under_gain_response_and_noise():
    """Rebuilt from the same random numbers; what is left is noise of std noise · mean(I)."""
    specimen = Specimen(fibre_fraction=0.0, noise=0.1, background=0.4, tilt=0.1)
    orientation = random_orientations(300, 0.0, np.random.default_rng(2))
    counts = simulate_signals(orientation, specimen, np.random.default_rng(3)).astype(float)
    same = np.random.default_rng(3)
    ideal = ideal_signal(orientation, random_weights(300, same))
    background, gain = (value[:, None, None] for value in random_exposure(300, specimen, same))
    expected = 50 * (ideal + background) * gain * row_response(specimen)[:, None]
    noise = (counts - expected) / (50 * 0.1 * ideal.mean(axis=(1, 2), keepdims=True))
    inside = (expected > 40) & (expected < 200)  # clear of both ends of the scale
    assert noise[inside].mean() == pytest.approx(0.0, abs=0.02)
    assert noise[inside].std() == pytest.approx(1.0, rel=0.02)


def test_a_specimen_has_the_promised_form():
    signals, euler_rad = simulate_specimen(300, SPECIMENS[1], stream(0, 1, 2))
    assert signals.shape == (300, 6, 72)
    assert signals.dtype == np.uint8
    assert euler_rad.shape == (300, 3)
    assert euler_rad.dtype == np.float64
    assert (euler_rad >= 0).all()
    assert (euler_rad <= [2 * np.pi, np.pi, 2 * np.pi]).all()
    assert 20 < signals.mean() < 100
    assert (signals == 255).mean() < 0.05


def test_same_stream_same_specimen_and_other_streams_differ():
    def sample(*key):
        return simulate_specimen(20, SPECIMENS[0], stream(*key))

    for first, second in zip(sample(7, 1, 1), sample(7, 1, 1), strict=True):
        np.testing.assert_array_equal(first, second)
    for key in [(8, 1, 1), (7, 2, 1), (7, 1, 2)]:
        assert not np.array_equal(sample(*key)[1], sample(7, 1, 1)[1])


def test_the_frozen_specimens():
    """The benchmark's table, so that no edit of a constant goes unnoticed."""
    table = np.array([(s.fibre_fraction, s.noise, s.background, s.tilt) for s in SPECIMENS]).T
    np.testing.assert_array_equal(table[0], [0, 0.6, 0, 0.8, 0.3, 0, 0.5, 0, 0.7, 0])
    np.testing.assert_array_equal(
        table[1], [0.08, 0.10, 0.12, 0.09, 0.10, 0.11, 0.08, 0.13, 0.10, 0.09]
    )
    np.testing.assert_array_equal(
        table[2], [0.30, 0.40, 0.35, 0.25, 0.50, 0.30, 0.45, 0.35, 0.30, 0.40]
    )
    np.testing.assert_array_equal(table[3], [0, 0.1, -0.1, 0.15, -0.15, 0.05, -0.05, 0.1, -0.1, 0])
