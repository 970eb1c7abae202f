"""The colours of inverse pole figure maps: orix's own, with the project's orientations."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from orix.plot import IPFColorKeyTSL
from orix.quaternion import Orientation, symmetry
from orix.vector import Vector3d
from scipy.spatial.transform import Rotation

from workflow.lib.orientation import CUBIC_SYMMETRY, multiply
from workflow.lib.report.maps.ipf import (
    key_image,
    key_outline,
    stereographic,
    triangle_rgb,
    tsl_rgb,
)

VECTORS = {"x": Vector3d.xvector(), "y": Vector3d.yvector(), "z": Vector3d.zvector()}


def random(n: int) -> np.ndarray:
    return Rotation.random(n, rng=np.random.default_rng(0)).as_quat(scalar_first=True)


@pytest.mark.parametrize("direction", VECTORS)
def test_colours_are_those_of_orix_for_the_inverse_rotation(direction):
    orientation = random(2000)
    # orix's orientations take specimen to crystal: the inverse of this project's
    theirs = ~Orientation(orientation, symmetry=symmetry.Oh)
    key = IPFColorKeyTSL(symmetry.Oh, direction=VECTORS[direction])
    ours = tsl_rgb(orientation.reshape(50, 40, 4), direction)
    np.testing.assert_allclose(ours.reshape(-1, 3), key.orientation2color(theirs), atol=1e-9)
    not_inverted = key.orientation2color(~theirs)
    assert np.abs(ours.reshape(-1, 3) - not_inverted).mean() > 0.1  # this test would notice


@pytest.mark.parametrize(
    ("miller", "rgb"),
    [((0, 0, 1), (1, 0, 0)), ((1, 0, 1), (0, 1, 0)), ((1, 1, 1), (0, 0, 1))],
)
def test_001_is_red_101_green_and_111_blue(miller, rgb):
    """The crystal is turned so that the direction named lies along specimen z."""
    along = np.array(miller) / np.linalg.norm(miller)
    g = Rotation.align_vectors([[0, 0, 1]], [along])[0].as_quat(scalar_first=True)
    np.testing.assert_allclose(tsl_rgb(g, "z"), rgb, atol=0.01)  # orix's key is interpolated


def test_an_asymmetric_orientation_tells_x_from_y_and_active_from_passive():
    """g = Rz(45°): 1−10 of the crystal lies along specimen x, and 001 along z, by hand."""
    g = Rotation.from_euler("z", 45, degrees=True).as_quat(scalar_first=True)
    np.testing.assert_allclose(tsl_rgb(g, "x"), (0, 1, 0), atol=0.01)
    np.testing.assert_allclose(tsl_rgb(g, "z"), (1, 0, 0), atol=0.01)
    # Rx(45°) Rz(30°): g⁻¹ x is (cos 30°, −sin 30°, 0)
    g = Rotation.from_euler("XZ", (45, 30), degrees=True).as_quat(scalar_first=True)
    expected = triangle_rgb(np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6), 0]]))[0]
    np.testing.assert_allclose(tsl_rgb(g, "x"), expected, atol=1e-6)
    inverse = Rotation.from_quat(g, scalar_first=True).inv().as_quat(scalar_first=True)
    assert np.abs(tsl_rgb(inverse, "x") - expected).max() > 0.05


@settings(max_examples=30)
@given(arrays.arrays(float, 4, elements=st.floats(-1, 1, width=32)).filter(np.any))
def test_equivalent_orientations_have_one_colour(q):
    q = q / np.linalg.norm(q)
    equivalents = multiply(torch.as_tensor(q), CUBIC_SYMMETRY).numpy()
    rgb = tsl_rgb(equivalents, "y")
    assert np.isfinite(rgb).all()
    assert (np.abs(rgb - rgb[0]) < 1e-4).all()


def test_an_unknown_orientation_has_no_colour():
    orientation = random(6).reshape(2, 3, 4)
    orientation[1, 2] = np.nan
    rgb = tsl_rgb(orientation, "z")
    assert np.isnan(rgb[1, 2]).all()
    assert np.isnan(rgb).sum() == 3
    assert tsl_rgb(np.full((2, 4), np.nan), "z").shape == (2, 3)


def test_the_key_covers_the_triangle_alone_and_has_its_colours():
    image, width, height = key_image(120)
    assert (width, height) == pytest.approx((np.sqrt(2) - 1, (np.sqrt(3) - 1) / 2))
    opaque = image[..., 3] == 1
    # by the shoelace formula
    x, y = key_outline().T
    area = abs(x[:-1] @ y[1:] - y[:-1] @ x[1:]) / 2
    assert opaque.mean() == pytest.approx(area / (width * height), abs=0.01)
    np.testing.assert_allclose(image[0, 0, :3], (1, 0, 0), atol=0.05)
    np.testing.assert_allclose(image[0][opaque[0]][-1, :3], (0, 1, 0), atol=0.1)
    np.testing.assert_allclose(image[-4][opaque[-4]][-1, :3], (0, 0, 1), atol=0.25)


def test_the_stereographic_projection_by_hand():
    np.testing.assert_allclose(stereographic(np.array([0.6, 0.0, 0.8])), (1 / 3, 0))
