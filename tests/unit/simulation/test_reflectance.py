"""The forward model against its formula written out plainly, and facts derived by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.simulation.reflectance import (
    AZIMUTH_DEG,
    ELEVATION_DEG,
    half_vectors,
    ideal_signal,
    normals_and_traces,
    random_orientations,
    random_weights,
)

IDENTITY = np.array([[1.0, 0, 0, 0]])


def rotation(quaternion):
    return Rotation.from_quat(quaternion, scalar_first=True)


def quaternion(rotation):
    return np.atleast_2d(rotation.as_quat(scalar_first=True))


@pytest.fixture
def rng():
    return np.random.default_rng(20220111)


@pytest.fixture
def grains(rng):
    """Thirty orientations all over SO(3), and weights that differ between variants."""
    return random_orientations(30, 0.0, rng), random_weights(30, rng)


def turned(orientation, azimuth_deg):
    return quaternion(Rotation.from_euler("z", azimuth_deg, degrees=True) * rotation(orientation))


def formula(orientation, weights, elevation_deg, azimuth_deg, c):
    """I(ε, φ) of one grain and direction, term by term as in the description."""
    elevation, azimuth = np.deg2rad([elevation_deg, azimuth_deg])
    light = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ]
    )
    view = np.array([0, 0, 1])
    half = (light + view) / np.linalg.norm(light + view)
    intensity = 0.0
    for weight, plane in zip(weights, [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)], strict=True):
        normal = rotation(orientation).apply(plane) / np.sqrt(3)
        normal *= np.sign(normal[2])
        sine = np.linalg.norm(np.cross(normal, view))
        trace = np.cross(normal, view) / sine
        ridge = sine * np.exp(-(np.dot(half, trace) ** 2) / (2 * 0.10**2))
        angle = np.arctan2(np.linalg.norm(np.cross(half, normal)), np.dot(half, normal))
        intensity += weight * (ridge + c * np.exp(-(angle**2) / (2 * 0.25**2)))
    return intensity


@pytest.mark.parametrize("c", [0.0, 0.15, 1.0])
def test_signal_is_the_formula(grains, c):
    orientation, weights = grains
    signal = ideal_signal(orientation, weights, c=c)
    for i in range(3):
        expected = [
            [formula(orientation[i], weights[i], e, a, c) for a in AZIMUTH_DEG]
            for e in ELEVATION_DEG
        ]
        np.testing.assert_allclose(signal[i], expected, atol=1e-12)


def test_single_precision_is_close_to_double(grains):
    single = ideal_signal(*grains, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, ideal_signal(*grains), atol=1e-5)


def test_blocks_do_not_show(rng):
    orientation = random_orientations(700, 0.0, rng)
    together = ideal_signal(orientation)
    apart = np.concatenate([ideal_signal(part) for part in np.split(orientation, 7)])
    np.testing.assert_allclose(together, apart, atol=1e-14)


def test_half_vector_rises_at_half_the_lights_angle_from_the_view():
    half = half_vectors()
    inclination_deg = np.rad2deg(np.arccos(half[..., 2]))
    np.testing.assert_allclose(inclination_deg, np.tile((90 - ELEVATION_DEG)[:, None] / 2, 72))
    azimuth_deg = np.rad2deg(np.arctan2(half[..., 1], half[..., 0])) % 360
    np.testing.assert_allclose(azimuth_deg, np.tile(AZIMUTH_DEG, (6, 1)), atol=1e-12)


def test_normals_point_up_and_traces_lie_in_the_surface(grains):
    normals, traces, sines = normals_and_traces(grains[0])
    assert (normals[..., 2] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1)
    np.testing.assert_allclose(np.linalg.norm(traces, axis=-1), 1)
    np.testing.assert_allclose(np.sum(normals * traces, axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(traces[..., 2], 0)
    np.testing.assert_allclose(sines, np.sqrt(1 - normals[..., 2] ** 2))


@pytest.mark.parametrize("k", [1, 7, 36, 71, -5])
def test_rolling_a_signal_is_turning_the_specimen(grains, k):
    orientation, weights = grains
    rolled = np.roll(ideal_signal(orientation, weights), k, axis=-1)
    np.testing.assert_allclose(ideal_signal(turned(orientation, 5 * k), weights), rolled, atol=1e-6)


def test_without_facets_half_a_turn_changes_nothing(grains):
    orientation, weights = grains
    signal = ideal_signal(orientation, weights, c=0)
    np.testing.assert_array_equal(signal, np.roll(signal, 36, axis=-1))
    opposite = ideal_signal(turned(orientation, 180), weights, c=0)
    np.testing.assert_allclose(opposite, signal, atol=1e-12)


def test_facets_tell_half_a_turn(grains):
    orientation, weights = grains
    difference = ideal_signal(turned(orientation, 180), weights) - ideal_signal(
        orientation, weights
    )
    assert (np.abs(difference).max(axis=(1, 2)) > 0.01).all()


def test_cubic_symmetry_leaves_the_signal_unchanged(grains):
    orientation, _ = grains
    signal = ideal_signal(orientation)
    operators = Rotation.create_group("O")
    assert len(operators) == 24
    for operator in operators:
        equivalent = quaternion(rotation(orientation) * operator)
        np.testing.assert_allclose(ideal_signal(equivalent), signal, atol=1e-12)


def test_cube_orientation_has_four_equal_ridges():
    """The normals (±1, ±1, 1)/√3 project to 45°, 135°, 225° and 315°, two to a line.

    On such a line two traces are perpendicular to h, the other two parallel to h's
    horizontal part, whose length is the sine of half the angle between light and view.
    """
    signal = ideal_signal(IDENTITY, c=0)[0]
    np.testing.assert_allclose(signal, np.roll(signal, 18, axis=-1), atol=1e-12)
    np.testing.assert_array_equal(signal[:, :18].argmax(axis=1), np.full(6, 9))
    horizontal = np.sin(np.deg2rad((90 - ELEVATION_DEG) / 2))
    expected = 2 * np.sqrt(2 / 3) * (1 + np.exp(-(horizontal**2) / (2 * 0.10**2)))
    for column in (9, 27, 45, 63):
        np.testing.assert_allclose(signal[:, column], expected)
    with_facets = ideal_signal(IDENTITY)[0]
    np.testing.assert_array_equal(with_facets[:, :18].argmax(axis=1), np.full(6, 9))


def test_a_plane_in_the_surface_has_a_facet_but_no_ridge():
    """With [111] along z three planes remain, at 120° to each other: three-fold symmetry."""
    upright, _ = Rotation.align_vectors([[0, 0, 1]], [[1, 1, 1]])
    signal = ideal_signal(quaternion(upright))
    assert np.isfinite(signal).all()
    np.testing.assert_allclose(signal, np.roll(signal, 24, axis=-1), atol=1e-9)
    alone = np.array([[1.0, 0, 0, 0]])
    np.testing.assert_allclose(ideal_signal(quaternion(upright), alone, c=0), 0, atol=1e-9)
    facet = ideal_signal(quaternion(upright), alone, c=1)[0]
    angle_rad = np.deg2rad((90 - ELEVATION_DEG) / 2)
    expected = np.exp(-(angle_rad**2) / (2 * 0.25**2))
    np.testing.assert_allclose(facet, np.tile(expected[:, None], 72), atol=1e-9)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 13), (5, 71)])
def test_facet_shines_where_the_half_vector_meets_its_normal(row, column):
    half = half_vectors()[row, column]
    met, _ = Rotation.align_vectors([half], [[1, 1, 1]])
    alone = np.array([[1.0, 0, 0, 0]])
    with_facet = ideal_signal(quaternion(met), alone, c=1.0)
    facet = (with_facet - ideal_signal(quaternion(met), alone, c=0.0))[0]
    assert np.unravel_index(facet.argmax(), facet.shape) == (row, column)
    assert facet[row, column] == pytest.approx(1.0, abs=1e-9)


def test_signal_is_linear_in_the_weights(grains):
    orientation, weights = grains
    parts = [ideal_signal(orientation, weights * unit) for unit in np.eye(4)]
    np.testing.assert_allclose(ideal_signal(orientation, weights), sum(parts), atol=1e-12)
