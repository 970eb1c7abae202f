"""Pole figures and misorientations: against directions by hand, orix, and Mackenzie's formula."""

import numpy as np
import pytest
from orix.quaternion import Orientation, symmetry
from orix.vector import Miller
from scipy.spatial.transform import Rotation

from workflow.lib.orientation.uniform import super_fibonacci
from workflow.lib.report.maps.misorientations import mackenzie, of_random_pairs
from workflow.lib.report.maps.poles import CELLS, FORMS, cells, density, poles, project


def quaternion(rotation: Rotation) -> np.ndarray:
    return np.atleast_2d(rotation.as_quat(scalar_first=True))


@pytest.mark.parametrize("form", FORMS)
def test_poles_are_orixs(form):
    rotations = Rotation.random(20, rng=np.random.default_rng(1))
    ours = poles(quaternion(rotations), form)
    family = Miller(hkl=[[int(i) for i in form]], phase=_phase()).symmetrise(unique=True).unit
    # orix's orientations take specimen to crystal; poles in the specimen need the inverse
    theirs = (~Orientation(quaternion(rotations), symmetry=symmetry.Oh)).inv().outer(family)
    theirs = theirs.data.reshape(-1, 3)
    theirs = theirs[theirs[:, 2] > 0]
    assert ours.shape == theirs.shape
    order = [np.lexsort(np.round(points, 6).T) for points in (ours, theirs)]
    np.testing.assert_allclose(ours[order[0]], theirs[order[1]], atol=1e-9)


def _phase():
    from orix.crystal_map import Phase

    return Phase(point_group="m-3m")


@pytest.mark.parametrize("form", FORMS)
def test_without_texture_the_density_is_1_everywhere(form):
    figure = density(super_fibonacci(40_000).numpy(), form)
    assert figure == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("form", FORMS)
def test_its_mean_over_the_hemisphere_is_1(form):
    """In an equal-area projection that is the mean over the disc."""
    x, y = np.meshgrid(*2 * [(np.arange(CELLS) + 0.5) * 2 / CELLS - 1])
    figure = density(quaternion(Rotation.random(3, rng=np.random.default_rng(4))), form)
    assert figure[x**2 + y**2 <= 1].mean() == pytest.approx(1, abs=0.02)
    assert figure.max() > 10


def test_a_turned_crystal_has_its_poles_where_they_belong():
    """Rz(20°): 001 in the middle, 100 at 20° of azimuth on the rim; 111 at 65°, 54.7° down."""
    g = quaternion(Rotation.from_euler("z", 20, degrees=True))
    directions = cells()
    peak = directions[np.unravel_index(density(g, "001").argmax(), (CELLS, CELLS))]
    np.testing.assert_allclose(peak, (0, 0, 1), atol=0.03)
    figure = density(g, "001")
    rim = np.deg2rad(20)
    middle, expected = CELLS // 2, project(np.array([np.cos(rim), np.sin(rim), 0.0]))
    column, row = np.floor((expected * 0.98 + 1) * CELLS / 2).astype(int)
    assert figure[row, column] > 20
    assert figure[CELLS - 1 - row, column] < 0.1  # its mirror image is empty
    figure = density(g, "111")
    figure[:middle] = 0
    figure[:, :middle] = 0
    azimuth, tilt = np.deg2rad([65, np.rad2deg(np.arccos(1 / np.sqrt(3)))])
    expected = [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)]
    peak = directions[np.unravel_index(figure.argmax(), (CELLS, CELLS))]
    np.testing.assert_allclose(peak, expected, atol=0.03)


def mackenzie_1958(angle_deg: np.ndarray) -> np.ndarray:
    """The share per degree up to 60.72°, of two random cubes (Mackenzie 1958, Handscomb 1958)."""
    angle = np.deg2rad(angle_deg)
    first = 1 - np.cos(angle)
    second = 3 * (np.sqrt(2) - 1) * np.sin(angle) - 2 * first
    third = (3 * (np.sqrt(2) - 1) + 4 / np.sqrt(3)) * np.sin(angle) - 6 * first
    return 2 / 15 * np.select([angle_deg <= 45, angle_deg <= 60], [first, second], third)


def test_the_curve_is_mackenzies():
    angle, share = mackenzie()
    known = angle < 60.5
    np.testing.assert_allclose(share[known], mackenzie_1958(angle[known]), atol=4e-4)
    width = np.diff(np.append(np.arange(0.0, 62.0), 62.7994))
    assert (share * width).sum() == pytest.approx(1)
    assert (angle * share * width).sum() == pytest.approx(40.736, abs=0.02)  # Mackenzie's mean


def test_random_pairs_of_a_random_texture_follow_it():
    orientation = quaternion(Rotation.random(20_000, rng=np.random.default_rng(0)))
    angles = of_random_pairs(orientation)
    assert angles.mean() == pytest.approx(40.736, abs=0.2)
    assert np.array_equal(angles, of_random_pairs(orientation))
