"""A map's file: what orix reads in it, angles by scipy, orix and by hand, and what is refused."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orix import io
from orix.quaternion import Rotation as OrixRotation
from scipy.spatial.transform import Rotation

from workflow.lib.maps.bunge import bunge_rad, quaternions
from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map, open_map
from workflow.lib.runtime.files import InputError

HEADER = Header("plate", "measured", "simulated", "sequencenet", 8, 1, 72, "release 0123")


def pixels(ny, nx, seed=0):
    """Orientations without any symmetry among them, and one pixel each that is not indexed."""
    rng = np.random.default_rng(seed)
    orientation = Rotation.random(ny * nx, rng=rng).as_quat(canonical=True, scalar_first=True)
    is_indexed = rng.random((ny, nx)) < 0.9
    numbers = rng.random((2, ny, nx)).astype(np.float32)
    return Pixels(orientation.reshape(ny, nx, 4), *numbers, is_indexed)


def write(path, content, step_um=0.25, header=HEADER, at_once=None):
    ny, nx = content.is_indexed.shape
    with new_map(path, Raster(nx, ny, step_um), header) as writer:
        for first in range(0, ny, at_once or ny):
            part = slice(first, first + (at_once or ny))
            writer.append(Pixels(*(values[part] for values in vars(content).values())))
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "map.h5", pixels(5, 7))


# Angles


angles = st.floats(-12.5, 12.5)  # below what stands for no answer
components = st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-6)
unit = st.lists(components, min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)


@given(st.lists(st.tuples(angles, angles, angles), min_size=1, max_size=5))
def test_quaternions_are_scipys_and_the_inverse_of_orixs(triples):
    triples = np.array(triples)
    q = quaternions(triples)
    by_scipy = Rotation.from_euler("ZXZ", triples)
    by_orix = OrixRotation.from_euler(triples)
    assert (q[:, 0] >= 0).all()
    for other in (by_scipy.as_quat(scalar_first=True), (~by_orix).data):
        np.testing.assert_allclose(np.abs((q * other).sum(-1)), 1, rtol=0, atol=1e-12)


@given(unit)
def test_angles_there_and_back_are_the_same_rotation_and_in_range(q):
    q = np.array([q]) / np.linalg.norm(q)
    found = bunge_rad(q)
    assert (found >= 0).all()
    assert (found[:, [0, 2]] < 2 * np.pi).all()
    assert found[0, 1] <= np.pi
    off = Rotation.from_quat(q, scalar_first=True).inv() * Rotation.from_quat(
        quaternions(found), scalar_first=True
    )
    assert np.degrees(off.magnitude()[0]) < 1e-5


@pytest.mark.parametrize(
    ("angles_deg", "axis_a", "axis_c"),
    [  # where Bunge's definition puts the crystal's [100] and [001] in specimen coordinates
        ((30, 0, 0), (np.sqrt(3) / 2, 1 / 2, 0), (0, 0, 1)),
        ((0, 90, 0), (1, 0, 0), (0, -1, 0)),
        ((90, 90, 0), (0, 1, 0), (1, 0, 0)),
        ((0, 90, 90), (0, 0, 1), (0, -1, 0)),
        ((0, 180, 0), (1, 0, 0), (0, 0, -1)),
    ],
)
def test_angles_by_hand(angles_deg, axis_a, axis_c):
    q = quaternions(np.radians([angles_deg]).astype(float))
    turn = Rotation.from_quat(q[0], scalar_first=True)
    np.testing.assert_allclose(turn.apply([1, 0, 0]), axis_a, atol=1e-12)
    np.testing.assert_allclose(turn.apply([0, 0, 1]), axis_c, atol=1e-12)


def test_an_angle_a_rounding_below_zero_is_zero_and_not_two_pi():
    q = np.array([[1.0, 0, 0, -1e-17]])
    assert (bunge_rad(q) == 0).all()


def test_a_pixel_without_an_answer_has_the_angles_of_ebsd_software_and_nan_again():
    q = np.array([[1.0, 0, 0, 0], [np.nan] * 4])
    assert (bunge_rad(q)[1] == 4 * np.pi).all()
    assert np.isnan(quaternions(bunge_rad(q))[1]).all()
    assert (quaternions(bunge_rad(q))[0] == [1, 0, 0, 0]).all()


# What is written is read


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 7)])
@pytest.mark.parametrize("at_once", [1, 2, None])
def test_what_was_written_is_read(tmp_path, shape, at_once):
    content = pixels(*shape)
    content.orientation[-1, -1] = np.nan
    content.confidence[0] = np.nan
    with open_map(write(tmp_path / "map.h5", content, at_once=at_once)) as found:
        assert (found.header, found.raster) == (HEADER, Raster(shape[1], shape[0], 0.25))
        rows = found.rows(0, shape[0])
    np.testing.assert_allclose(rows.orientation, content.orientation, atol=1e-9)
    np.testing.assert_array_equal(rows.confidence, content.confidence)
    np.testing.assert_array_equal(rows.anomaly, content.anomaly)
    np.testing.assert_array_equal(rows.is_indexed, content.is_indexed)


@pytest.mark.parametrize("overlap", [0, 1, 3])
def test_blocks_are_all_rows_once_and_those_before_where_asked(tmp_path, monkeypatch, overlap):
    monkeypatch.setattr("workflow.lib.maps.map_file.PIXELS_AT_ONCE", 15)
    content = pixels(11, 7)
    met = []
    with open_map(write(tmp_path / "map.h5", content)) as found:
        for first, block in found.blocks(overlap):
            last = first + len(block.is_indexed)
            np.testing.assert_array_equal(block.anomaly, content.anomaly[first:last])
            met.append((first, last))
    assert met == [(max(0, first - overlap), min(first + 2, 11)) for first in range(0, 11, 2)]


def test_a_column_and_the_angles_of_any_pixels(path):
    content = pixels(5, 7)
    with open_map(path) as found:
        np.testing.assert_array_equal(found.column("x", 6, 9), [1.5, 0, 0.25])
        np.testing.assert_array_equal(found.column("y", 6, 9), [0, 0.25, 0.25])
        expected = bunge_rad(content.orientation.reshape(-1, 4))[6:9]
        np.testing.assert_array_equal(found.angles_rad(6, 9), expected)


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (5, 7)])
def test_orix_opens_it(tmp_path, shape):
    content = pixels(*shape)
    crystal_map = io.load(str(write(tmp_path / "map.h5", content)))
    ny, nx = shape
    for found, expected in (
        (crystal_map.x, np.tile(np.arange(nx) * 0.25, ny)),
        (crystal_map.y, np.repeat(np.arange(ny) * 0.25, nx)),
    ):
        if expected.any():
            np.testing.assert_array_equal(found, expected)
        else:
            assert found is None  # as orix has it where there is one coordinate only
    assert crystal_map.scan_unit == "um"
    assert crystal_map.phases["gamma nickel"].space_group.number == 225
    np.testing.assert_array_equal(crystal_map.is_indexed, content.is_indexed.ravel())
    np.testing.assert_array_equal(crystal_map.prop["anomaly"], content.anomaly.ravel())
    np.testing.assert_array_equal(crystal_map.prop["confidence"], content.confidence.ravel())
    turn = Rotation.from_quat((~crystal_map.rotations).data.reshape(-1, 4), scalar_first=True)
    given_turn = Rotation.from_quat(content.orientation.reshape(-1, 4), scalar_first=True)
    assert np.degrees((given_turn.inv() * turn).magnitude()).max() < 1e-4


@pytest.mark.parametrize(
    ("origins", "word"),
    [
        (("simulated", "measured"), "SIMULATED: the signals"),
        (("simulated", "simulated"), "SIMULATED: the signals"),
        (("measured", "simulated"), "SIMULATED signals only"),
        (("measured", "not stated"), ""),
    ],
)
def test_a_map_says_what_is_simulated(tmp_path, origins, word):
    header = Header("plate", *origins)
    path = write(tmp_path / "map.h5", pixels(2, 2), header=header)
    with h5py.File(path) as file:
        assert word in file.attrs["notice"]
        assert bool(file.attrs["notice"]) == bool(word)
    with open_map(path) as found:
        assert found.header.is_simulated == bool(word)


# What is refused


def test_a_map_is_whole_or_not_there(tmp_path):
    path = tmp_path / "map.h5"
    header = Header("plate", "measured", "measured")
    with (
        pytest.raises(ValueError, match="14 of 35 pixels"),
        new_map(path, Raster(7, 5, 1.0), header) as writer,
    ):
        writer.append(pixels(2, 7))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "line"), [((2, 6), "rows of 6 pixels"), ((6, 7), "more than the 5 rows")]
)
def test_rows_that_do_not_fit_are_refused(tmp_path, shape, line):
    path = tmp_path / "map.h5"
    with (
        pytest.raises(ValueError, match=line),
        new_map(path, Raster(7, 5, 1.0), HEADER) as writer,
    ):
        writer.append(pixels(*shape))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("raster", "header"),
    [
        (Raster(0, 5, 1.0), HEADER),
        (Raster(7, 5, 1.0), Header("plate", "Simulated", "measured")),
        (Raster(7, 5, 1.0), Header("plate", "measured", "")),
    ],
)
def test_no_pixels_and_unknown_origins_are_refused(tmp_path, raster, header):
    with pytest.raises(ValueError, match="no map"), new_map(tmp_path / "map.h5", raster, header):
        pass
    assert not list(tmp_path.iterdir())


def without(name):
    def change(file):
        del file[name]

    return change


def without_attribute(name):
    def change(file):
        del file.attrs[name]

    return change


def with_attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def shorter(file):
    del file["crystal_map/data/phi1"]
    file["crystal_map/data/phi1"] = np.zeros(34)


def group_for_numbers(file):
    del file["crystal_map/data/anomaly"]
    file.create_group("crystal_map/data/anomaly")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (without("crystal_map"), "/ lacks 'crystal_map'; it holds manufacturer, version"),
        (without("crystal_map/data/Phi"), "/crystal_map/data lacks 'Phi'"),
        (without_attribute("fold"), "lacks the attribute 'fold', expected a map"),
        (without_attribute("nx"), "lacks the attribute 'nx', expected a map"),
        (with_attribute("signals_origin", "guessed"), "'guessed', expected simulated, measured"),
        (with_attribute("ny", -5), "a raster of 7 by -5 pixels"),
        (with_attribute("nx", 8), r"/crystal_map/data/x is \(35,\), expected \(40,\)"),
        (shorter, r"phi1 is \(34,\), expected \(35,\), one value for each pixel"),
        (group_for_numbers, "anomaly is a group, expected"),
    ],
)
def test_a_file_that_is_no_map_is_refused_in_one_line(path, change, line):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError, match=line) as caught, open_map(path):
        pass
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_and_no_file_are_refused_in_one_line(path):
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError, match="not a readable HDF5 file"), open_map(path):
        pass
    path.unlink()
    with pytest.raises(InputError, match="no such file"), open_map(path):
        pass
