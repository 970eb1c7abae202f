"""Inverse pole figures: the triangle, its colours and densities, against values by hand."""

import itertools

import numpy as np
import pytest

from workflow.lib.data import pole_figure
from workflow.lib.data.dataset import orientation_from_euler


def test_corners_of_the_triangle_lie_and_look_as_by_hand():
    corners = np.array([[0, 0, 1], [1, 0, 1] / np.sqrt(2), [1, 1, 1] / np.sqrt(3)])
    np.testing.assert_allclose(list(pole_figure.CORNERS.values()), corners)
    radius = 2 * np.sin(np.radians([45, np.degrees(np.arccos(1 / np.sqrt(3)))]) / 2)
    expected = [[0, 0], [radius[0], 0], radius[1] * np.array([1, 1]) / np.sqrt(2)]
    np.testing.assert_allclose(pole_figure.project(corners), expected, atol=1e-15)
    np.testing.assert_allclose(pole_figure.colours(corners), np.eye(3), atol=1e-15)
    middle = corners.sum(0, keepdims=True) / np.linalg.norm(corners.sum(0))
    np.testing.assert_allclose(pole_figure.colours(middle), [[1, 1, 1]])
    yellow = (corners[0] + corners[1])[None] / np.linalg.norm(corners[0] + corners[1])
    np.testing.assert_allclose(pole_figure.colours(yellow), [[1, 1, 0]], atol=1e-12)


def test_the_triangle_is_a_48th_of_the_sphere_in_the_projection_too():
    x, y = pole_figure.outline(2000).T
    area = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    assert area == pytest.approx(4 * np.pi / 48, rel=1e-6)


def test_equivalent_directions_meet_in_the_triangle():
    direction = np.array([2.0, 1.0, 3.0]) / np.sqrt(14)
    equivalents = [
        np.array(signs) * direction[list(order)]
        for signs in itertools.product((1, -1), repeat=3)
        for order in itertools.permutations(range(3))
    ]
    reduced = pole_figure.to_standard_triangle(np.array(equivalents))
    np.testing.assert_array_equal(reduced, np.tile(direction, (48, 1)))
    point = pole_figure.project(reduced[:1])
    np.testing.assert_allclose(pole_figure.unproject(point), reduced[:1], atol=1e-15)


def test_the_normal_in_the_crystal_is_minus_beta_then_minus_gamma():
    """By hand: g⁻¹ z = Rz(−γ) Ry(−β) z, whatever α."""
    angles = np.random.default_rng(0).uniform(0, 3, (20, 3))
    normal = pole_figure.normal_in_crystal(orientation_from_euler(angles))
    beta, gamma = angles[:, 1:].T
    expected = [-np.sin(beta) * np.cos(gamma), np.sin(beta) * np.sin(gamma), np.cos(beta)]
    np.testing.assert_allclose(normal, np.transpose(expected), atol=1e-14)


def test_density_of_a_random_texture_is_one_and_of_a_single_direction_by_hand():
    uniform = np.random.default_rng(0).standard_normal((4000, 3))
    uniform /= np.linalg.norm(uniform, axis=1, keepdims=True)
    density = pole_figure.density(pole_figure.to_standard_triangle(uniform))
    assert 0.8 < density.min() < 1 < density.max() < 1.2
    density = pole_figure.density(np.tile([0.0, 0, 1], (5, 1)))
    cap = (1 - np.cos(np.radians(7.5))) / 2  # holds one of six equivalent directions
    assert density.max() == pytest.approx(1 / 6 / cap)
    assert density.min() == 0
