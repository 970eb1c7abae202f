"""open_ebsd, of .ang and .ctf: pixels lie where their positions say, angles are Bunge's."""

import numpy as np
import pytest
from ebsd_maps import SETTINGS, TRUE, bunge_rad, degrees_apart, refusal, whole
from orix.crystal_map import CrystalMap, Phase, PhaseList
from orix.io import save
from orix.quaternion import Rotation as OrixRotation

from workflow.lib.archive.scan.ebsd import open_ebsd

# Two rows along y, three columns along x; angles are those of the first six.
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
