"""open_ebsd: what angles mean, against orix and Bunge's matrix; what can't be, in a line."""

import re

import h5py
import numpy as np
import pytest
from orix.crystal_map import CrystalMap, Phase, PhaseList
from orix.io import save
from orix.quaternion import Rotation as OrixRotation
from scipy.spatial.transform import Rotation

from workflow.lib.archive.scan.ebsd import open_ebsd
from workflow.lib.runtime.files import InputError

SETTINGS = {
    "array": None, "angles": "zyz", "unit": "radian", "direction": "crystal_to_specimen",
}  # fmt: skip
BUNGE = SETTINGS | {"angles": "bunge"}
RANDOM = np.random.default_rng(0)
SHAPE = (5, 3)
# Crystal to specimen, (5, 3); no symmetric ones.
TRUE = Rotation.random(15, rng=RANDOM)


def saved(folder, angles, name="ebsd.npy"):
    np.save(folder / name, angles)
    return folder / name


def whole(path, settings=SETTINGS):
    with open_ebsd(path, settings) as ebsd:
        a, b = ebsd.shape
        return ebsd.read(slice(0, a), slice(0, b))


def refusal(path, settings=SETTINGS):
    with pytest.raises(InputError) as caught:
        whole(path, settings)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    return line


def degrees_apart(found, expected):
    """Rotation angles between quaternions and rotations, without symmetry."""
    found = Rotation.from_quat(found.reshape(-1, 4), scalar_first=True)
    return np.rad2deg((found * expected.inv()).magnitude())


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


def bunge_rad():
    """Bunge's angles of TRUE by orix, which keeps rotations from specimen to crystal."""
    return OrixRotation(TRUE.inv().as_quat(scalar_first=True)).to_euler()


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


# --- .ang and .ctf: two rows along y, three columns along x; angles are TRUE's first six.

NX, NY, STEP = 3, 2, 0.25
X, Y = np.tile(np.arange(NX), NY) * STEP, np.repeat(np.arange(NY), NX) * STEP


def crystal_map(phase_id=None, phases=None, x=X, y=Y, **properties):
    rotations = OrixRotation(TRUE[: len(x)].inv().as_quat(scalar_first=True))
    phases = phases or PhaseList(Phase("nickel", point_group="m-3m"))
    return CrystalMap(rotations, phase_id, x, y, phases, properties, scan_unit="um")


def ctf(folder, phases=("3.6;3.6;3.6\t90;90;90\tNi\t11\t225",), phase_id=(1,) * 6, x=X, y=Y):
    """A file as Oxford's manual describes it; angles in degrees."""
    rows = [
        "Channel Text File", "Prj\ttest", "Author\tme", "JobMode\tGrid", f"XCells\t{NX}",
        f"YCells\t{NY}", f"XStep\t{STEP}", f"YStep\t{STEP}", "AcqE1\t0", "AcqE2\t0", "AcqE3\t0",
        "Euler angles refer to Sample Coordinate system (CS0)!\tMag\t1", f"Phases\t{len(phases)}",
        *phases, "Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS",
    ]  # fmt: skip
    for phase, column, row, angles in zip(phase_id, x, y, np.rad2deg(bunge_rad()), strict=False):
        values = "\t".join(f"{angle:.6f}" for angle in angles)
        rows.append(f"{phase}\t{column}\t{row}\t8\t0\t{values}\t0.5\t100\t100")
    path = folder / "map.ctf"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def ang(tmp_path):
    """A file that orix writes."""
    path = tmp_path / "map.ang"
    save(path, crystal_map())
    return path


@pytest.mark.parametrize("kind", ["ang", "ctf"])
def test_rows_lie_along_y_and_angles_are_bunge_s(tmp_path, ang, kind):
    path = ang if kind == "ang" else ctf(tmp_path)
    contradicting = SETTINGS | {"unit": "degree", "direction": "specimen_to_crystal"}
    with open_ebsd(path, contradicting) as ebsd:  # which the formats do not heed
        assert ebsd.shape == (NY, NX)
        assert ebsd.axes == ("+y", "+x")
        assert ebsd.step == pytest.approx(STEP)
        assert ebsd.warnings == []
        found = ebsd.read(slice(0, NY), slice(0, NX))
        np.testing.assert_array_equal(ebsd.read(slice(1, 2), slice(0, 2)), found[1:2, :2])
    assert (found[..., 0] >= 0).all()
    assert degrees_apart(found, TRUE[:6]).max() < 2e-3  # .ang has five decimals of a radian


def test_pixels_in_any_order_lie_where_their_positions_say(tmp_path):
    path = ctf(tmp_path)
    lines = path.read_text().splitlines()
    head, body = lines[:-6], lines[-6:]
    order = [4, 0, 5, 3, 1, 2]
    path.write_text("\n".join(head + [body[i] for i in order]) + "\n")
    assert degrees_apart(whole(path), TRUE[:6]).max() < 1e-4


def test_what_edax_and_oxford_did_not_index_has_no_orientation(tmp_path):
    found = whole(ctf(tmp_path, phase_id=(1, 0, 1, 1, 1, 0)))
    assert np.isnan(found).any(-1).ravel().tolist() == [False, True, False, False, False, True]
    indexed = np.array([1, 1, 1, 0, 1, 1], bool)
    path = tmp_path / "map.ang"
    made = crystal_map(np.where(indexed, 0, -1), ci=indexed * 1.0)
    save(path, made, confidence_index_prop="ci")
    assert "12.56637" in path.read_text()
    np.testing.assert_array_equal(np.isnan(whole(path)).any(-1).ravel(), ~indexed)
    # Marked by its angles alone.
    text = path.read_text().replace("-1.000", " 0.900")
    path.write_text(text)
    np.testing.assert_array_equal(np.isnan(whole(path)).any(-1).ravel(), ~indexed)


def test_pixels_of_other_phases_count_as_not_indexed(tmp_path):
    phases = ["3.6;3.6;3.6\t90;90;90\tNi\t11\t225", "5;4;4.5\t90;90;90\tdelta\t3\t59"]
    with open_ebsd(ctf(tmp_path, phases, (1, 2, 1, 2, 2, 1)), SETTINGS) as ebsd:
        found = ebsd.read(slice(0, NY), slice(0, NX))
        assert ebsd.warnings == ["EBSD: 3 pixels of phases that are not m-3m count as not indexed"]
    assert np.isnan(found).any(-1).ravel().tolist() == [False, True, False, True, True, False]


@pytest.mark.parametrize(("nx", "ny"), [(6, 1), (1, 6), (1, 2)])
def test_a_single_row_or_column(tmp_path, nx, ny):
    x, y = np.tile(np.arange(nx), ny) * STEP, np.repeat(np.arange(ny), nx) * STEP
    with open_ebsd(ctf(tmp_path, x=x, y=y), SETTINGS) as ebsd:
        assert ebsd.shape == (ny, nx)
        assert ebsd.step == STEP
        found = ebsd.read(slice(0, ny), slice(0, nx))
    assert degrees_apart(found, TRUE[: nx * ny]).max() < 1e-4


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X + (Y > 0) * STEP / 2, Y * 0.866, "expected a square grid: a hexagonal one?"),
        (X, 2 * Y, "steps of 0.25 along x and 0.5 along y, expected a square grid"),
        (X[:5], Y[:5], "5 pixels on a grid of 2 rows and 3 columns, expected each of 6 once"),
        (X[[0, 1, 2, 3, 4, 4]], Y, "6 pixels on a grid of 2 rows and 3 columns, expected each"),
        ([0, 1, 2.5, 0, 1, 2.5], [0, 0, 0, 1, 1, 1], "expected a square grid"),
        ([np.nan, *X[1:]], Y, "not a readable .ctf file"),
        ([np.inf, *X[1:]], Y, "not a readable .ctf file"),
    ],
)
def test_other_grids_are_refused(tmp_path, x, y, message):
    assert message in refusal(ctf(tmp_path, x=x, y=y))


@pytest.mark.parametrize("suffix", ["ang", "ctf"])
@pytest.mark.parametrize("content", ["", "nothing\n", "# x\n1 2 three\n", "\x00\xff\n", "1 2\n3\n"])
def test_broken_files_are_refused(tmp_path, suffix, content):
    path = tmp_path / f"map.{suffix}"
    path.write_text(content)
    assert f"not a readable .{suffix} file" in refusal(path)


def test_a_single_pixel_is_more_than_orix_reads(tmp_path):
    assert "not a readable .ctf file" in refusal(ctf(tmp_path, x=[0], y=[0]))


def test_a_file_that_is_not_there_or_not_whole_is_refused(tmp_path, ang):
    assert refusal(tmp_path / "none.ang").endswith("no such file")
    assert "cannot be read" in refusal(tmp_path / "none.npy")
    text = ang.read_text()
    ang.write_text(text[: text.rindex("\n", 0, -2) - 30])
    assert "not a readable .ang file" in refusal(ang)
