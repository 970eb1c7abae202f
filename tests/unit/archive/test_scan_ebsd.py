"""open_ebsd, of arrays: what angles mean, by orix and Bunge's matrix; what can't be, in a line."""

import re

import h5py
import numpy as np
import pytest
from ebsd_maps import BUNGE, SETTINGS, SHAPE, TRUE, bunge_rad, degrees_apart, refusal, whole
from orix.quaternion import Rotation as OrixRotation
from scipy.spatial.transform import Rotation

from workflow.lib.archive.scan.ebsd import open_ebsd


def saved(folder, angles, name="ebsd.npy"):
    np.save(folder / name, angles)
    return folder / name


def bunge_matrix(phi1, phi, phi2):
    """Bunge's orientation matrix, specimen to crystal coordinates, as textbooks print it."""
    c1, c, c2 = np.cos([phi1, phi, phi2])
    s1, s, s2 = np.sin([phi1, phi, phi2])
    return np.array(
        [
            [c1 * c2 - s1 * s2 * c, s1 * c2 + c1 * s2 * c, s2 * s],
            [-c1 * s2 - s1 * c2 * c, -s1 * s2 + c1 * c2 * c, c2 * s],
            [s1 * s, -c1 * s, c],
        ]
    )


@pytest.mark.parametrize("unit", ["radian", "degree"])
@pytest.mark.parametrize("kind", ["npy", "npy32", "fortran", "hdf5"])
def test_angles_are_the_rotations_that_others_make_of_them(tmp_path, unit, kind):
    factor = 1 if unit == "radian" else 180 / np.pi
    cases = {
        "zyz": TRUE.as_euler("ZYZ"),
        "bunge": bunge_rad(),
    }
    for angles, values in cases.items():
        array = (factor * values).reshape(*SHAPE, 3)
        array = array.astype(np.float32) if kind == "npy32" else array
        array = np.asfortranarray(array) if kind == "fortran" else array
        if kind == "hdf5":
            path = tmp_path / "ebsd.h5"
            with h5py.File(path, "w") as file:
                file["angles"] = array
        else:
            path = saved(tmp_path, array)
        found = whole(path, SETTINGS | {"angles": angles, "unit": unit})
        assert found.shape == (*SHAPE, 4)
        assert found.dtype == np.float64
        assert (found[..., 0] >= 0).all()
        assert degrees_apart(found, TRUE).max() < 1e-4


def test_the_inverse_of_zyz_angles(tmp_path):
    path = saved(tmp_path, TRUE.inv().as_euler("ZYZ").reshape(*SHAPE, 3))
    found = whole(path, SETTINGS | {"direction": "specimen_to_crystal"})
    assert degrees_apart(found, TRUE).max() < 1e-4
    assert np.median(degrees_apart(whole(path), TRUE)) > 20, "a mix-up is noticed"


def test_bunge_angles_are_those_of_the_textbook(tmp_path):
    angles = np.array([[[0.3, 0.7, 1.9], [4.0, 2.5, 5.5]]])
    found = Rotation.from_quat(whole(saved(tmp_path, angles), BUNGE)[0], scalar_first=True)
    for matrix, triple in zip(found.as_matrix(), angles[0], strict=True):
        np.testing.assert_allclose(matrix.T, bunge_matrix(*triple), atol=1e-12)
    # Turned about the specimen's normal by 30°, the crystal's [100] points to 30° from x.
    turned = whole(saved(tmp_path, np.array([[[np.pi / 6, 0, 0]]])), BUNGE)[0]
    direction = Rotation.from_quat(turned, scalar_first=True).apply([1, 0, 0])[0]
    np.testing.assert_allclose(direction, [np.cos(np.pi / 6), np.sin(np.pi / 6), 0], atol=1e-12)


def test_zyz_and_bunge_are_not_the_same(tmp_path):
    path = saved(tmp_path, TRUE.as_euler("ZYZ").reshape(*SHAPE, 3))
    assert np.median(degrees_apart(whole(path, BUNGE), TRUE)) > 20


def test_bunge_angles_said_to_be_of_the_inverse_are_refused(tmp_path):
    path = saved(tmp_path, np.zeros((*SHAPE, 3)))
    line = refusal(path, BUNGE | {"direction": "specimen_to_crystal"})
    assert "leave direction out; for angles of the inverse rotation, save (−φ2, −Φ, −φ1)" in line
    inverse = OrixRotation(TRUE.as_quat(scalar_first=True)).to_euler()
    path = saved(tmp_path, -inverse[:, ::-1].reshape(*SHAPE, 3))
    assert degrees_apart(whole(path, BUNGE), TRUE).max() < 1e-4  # the remedy is true


def test_a_part_is_that_of_the_whole(tmp_path):
    path = saved(tmp_path, TRUE.as_euler("ZYZ").reshape(*SHAPE, 3))
    with open_ebsd(path, SETTINGS) as ebsd:
        part = ebsd.read(slice(1, 4), slice(2, 3))
    np.testing.assert_array_equal(part, whole(path)[1:4, 2:3])


def test_a_list_is_a_scan_of_one_column(tmp_path):
    path = saved(tmp_path, TRUE.as_euler("ZYZ"))
    assert whole(path).shape == (15, 1, 4)
    assert degrees_apart(whole(path), TRUE).max() < 1e-4


@pytest.mark.parametrize(
    ("unit", "mark"),
    [
        ("radian", (np.nan, 1, 1)), ("radian", (0, 0, 0)), ("radian", (4 * np.pi,) * 3),
        ("radian", (12.57, 12.57, 12.57)), ("radian", (-1, -1, -1)), ("degree", (0, 0, 0)),
        ("degree", (720, 720, 720)), ("degree", (-1, -1, -1)), ("degree", (1, np.nan, 1)),
    ],
)  # fmt: skip
def test_points_that_are_not_indexed_have_no_orientation(tmp_path, unit, mark):
    angles = bunge_rad().reshape(*SHAPE, 3) * (1 if unit == "radian" else 180 / np.pi)
    angles[2, 1] = mark
    found = whole(saved(tmp_path, angles), BUNGE | {"unit": unit})
    assert np.argwhere(np.isnan(found).any(-1)).tolist() == [[2, 1]]


def test_an_angle_of_12_57_degrees_is_no_mark(tmp_path):
    path = saved(tmp_path, np.full((1, 1, 3), 12.566))
    assert np.isfinite(whole(path, BUNGE | {"unit": "degree"})).all()


@pytest.mark.parametrize("angles", ["zyz", "bunge"])
def test_degrees_where_radians_are_said_are_refused_with_the_pixel(tmp_path, angles):
    values = TRUE.as_euler("ZYZ").reshape(*SHAPE, 3)
    values[3, 1] = (200, 40, 100)
    line = refusal(saved(tmp_path, values), SETTINGS | {"angles": angles})
    assert "reach 200, expected radians up to 2π: set unit: degree?" in line
    assert "the first at pixel (3, 1), counted from 0" in line


@pytest.mark.parametrize(
    ("angles", "unit", "values", "message"),
    [
        ("bunge", "degree", (361, 10, 10), "Euler angles reach 361°, expected up to 360°"),
        ("bunge", "degree", (10, 190, 10), "second Euler angle reaches ±190°, .* in another order"),
        ("zyz", "degree", (10, 190, 10), "second Euler angle reaches ±190°, .* in another order"),
        ("bunge", "radian", (1, 4, 1), "second Euler angle reaches ±4 rad, expected at most ±π"),
        ("zyz", "radian", (1, 4, 1), "second Euler angle reaches ±4 rad, expected at most ±π"),
        ("bunge", "radian", (np.inf, 1, 1), "Euler angles reach inf"),
    ],
)
def test_impossible_angles_are_refused(tmp_path, angles, unit, values, message):
    path = saved(tmp_path, np.array([[(0.1, 0.2, 0.3), values]]))
    line = refusal(path, SETTINGS | {"angles": angles, "unit": unit})
    assert re.search(message, line)
    assert "pixel (0, 1)" in line


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 3, 4)), "shape (5, 3, 4), expected numbers of shape (x, y, 3) or (n, 3)"),
        (np.zeros(3), "shape (3,), expected numbers of shape"),
        (np.zeros((0, 3, 3)), "it is empty, expected angles"),
        (np.zeros((5, 3, 3), bool), "type bool and shape (5, 3, 3), expected numbers"),
        (np.array([{}], object), "expected an array of numbers"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, message):
    assert message in refusal(saved(tmp_path, array))


def test_hdf5_is_asked_for_the_array(tmp_path):
    path = tmp_path / "ebsd.h5"
    with h5py.File(path, "w") as file:
        file["a/eulers"] = TRUE.as_euler("ZYZ").reshape(*SHAPE, 3)
        file["positions"] = np.zeros((*SHAPE, 3))
        file.attrs["simulated"] = True
    assert "found 2 arrays that may be the angles" in refusal(path)
    assert "no array 'eulers', expected the angles; it holds 'a/eulers'" in refusal(
        path, SETTINGS | {"array": "eulers"}
    )
    assert degrees_apart(whole(path, SETTINGS | {"array": "a/eulers"}), TRUE).max() < 1e-4
    with open_ebsd(path, SETTINGS | {"array": "a/eulers"}) as ebsd:
        assert ebsd.is_simulated


def test_what_is_unlikely_is_told(tmp_path):
    def told(angles, settings):
        with open_ebsd(saved(tmp_path, angles.reshape(*SHAPE, 3)), settings) as ebsd:
            ebsd.read(slice(0, 5), slice(0, 3))
            return ebsd.warnings

    angles = TRUE.as_euler("ZYZ")
    assert told(angles, SETTINGS) == []
    (warning,) = told(angles, SETTINGS | {"unit": "degree"})
    assert re.match(r"EBSD: no Euler angle exceeds 3\.\d+ degrees: another unit", warning)
    angles[4] = (-np.pi / 2, 0, np.pi / 2)
    (warning,) = told(angles, SETTINGS)
    assert "EBSD: 1 of 15 pixels are exactly the cube orientation" in warning
