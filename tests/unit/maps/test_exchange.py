""".ang and .ctf: read back by orix to 1e-4 of a degree, beside orix's own, and as others read them.

Maps in here have no symmetry of their own: every pixel has another orientation, and there are more
columns than rows. So whatever is flipped, transposed or turned the wrong way is off by degrees.
"""

import re

import numpy as np
import pytest
from orix import io
from scipy.spatial.transform import Rotation

from workflow.lib.maps.exchange import ANG_LINE, CTF_LINE, write_ang, write_ctf
from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map, open_map
from workflow.scripts.exchange import main

HEADER = Header("plate", "measured", "measured", "sequencenet", 8, 1, 72, "release 0123")
WRITERS = {"ang": write_ang, "ctf": write_ctf}
ENOUGH_DEG = 1e-4
NOTICED_DEG = 1.0


def pixels(ny, nx, unindexed=()):
    rng = np.random.default_rng(4)
    orientation = Rotation.random(ny * nx, rng=rng).as_quat(canonical=True, scalar_first=True)
    is_indexed = np.ones((ny, nx), bool)
    for place in unindexed:
        is_indexed[place] = False
    numbers = rng.uniform(0.1, 1, (2, ny, nx)).astype(np.float32)
    return Pixels(orientation.reshape(ny, nx, 4), *numbers, is_indexed)


def write_map(folder, content, step_um=0.25, header=HEADER):
    ny, nx = content.is_indexed.shape
    with new_map(folder / "map.h5", Raster(nx, ny, step_um), header) as writer:
        writer.append(content)
    return folder / "map.h5"


def exported(folder, content, suffix, step_um=0.25, header=HEADER):
    path = folder / f"map.{suffix}"
    with open_map(write_map(folder, content, step_um, header)) as source:
        WRITERS[suffix](path, source)
    return path


def off_deg(crystal_map, content):
    """Angles by which what orix read is off, pixel by pixel, without any crystal symmetry."""
    ours = Rotation.from_quat(content.orientation[content.is_indexed], scalar_first=True)
    read = ~crystal_map["indexed"].rotations
    theirs = Rotation.from_quat(read.data.reshape(-1, 4), scalar_first=True)
    return np.degrees((ours.inv() * theirs).magnitude())


def table_of(path):
    """The numbers of a file, (n, columns)."""
    skipped = {"skiprows": 15} if path.suffix == ".ctf" else {}
    return np.loadtxt(path, ndmin=2, **skipped)


# Read back


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("step_um", [0.25, 1.0, 1 / 3, 12.5])
def test_orix_reads_what_was_written(tmp_path, suffix, step_um):
    content = pixels(5, 7, unindexed=[(1, 2), (4, 0)])
    crystal_map = io.load(str(exported(tmp_path, content, suffix, step_um)))
    assert off_deg(crystal_map, content).max() < ENOUGH_DEG
    assert crystal_map.shape == (5, 7)
    np.testing.assert_array_equal(crystal_map.is_indexed, content.is_indexed.ravel())
    np.testing.assert_allclose(crystal_map.x, np.tile(np.arange(7) * step_um, 5), atol=1e-7)
    np.testing.assert_allclose(crystal_map.y, np.repeat(np.arange(5) * step_um, 7), atol=1e-7)
    assert crystal_map.scan_unit == "um"
    phase = crystal_map.phases[1]
    assert phase.point_group.laue.name == "m-3m"
    assert phase.structure.lattice.abcABG() == (3.6, 3.6, 3.6, 90, 90, 90)
    if suffix == "ang":
        confidence = np.where(content.is_indexed, content.confidence, -1)
        np.testing.assert_allclose(crystal_map.prop["ci"], confidence.ravel(), atol=1e-5)
        signal = crystal_map.prop["detector_signal"]
        np.testing.assert_allclose(signal, content.anomaly.ravel(), rtol=1e-5)
        assert set(crystal_map.prop["fit"][~crystal_map.is_indexed]) == {180}
        assert set(crystal_map.prop["fit"][crystal_map.is_indexed]) == {0}
    else:
        confidence = np.where(content.is_indexed, content.confidence, 0) * 255
        np.testing.assert_allclose(crystal_map.prop["BC"], confidence.ravel(), atol=0.501)
        np.testing.assert_allclose(crystal_map.prop["MAD"], content.anomaly.ravel(), rtol=1e-5)
        assert set(crystal_map.prop["error"][~crystal_map.is_indexed]) == {3}


def flipped_along_x(content):
    return content.orientation[:, ::-1]


def flipped_along_y(content):
    return content.orientation[::-1]


def transposed(content):
    return content.orientation.swapaxes(0, 1).reshape(content.orientation.shape)


def passive(content):
    return content.orientation * [1, -1, -1, -1]


def zyz_for_zxz(content):
    turns = Rotation.from_quat(content.orientation.reshape(-1, 4), scalar_first=True)
    mistaken = Rotation.from_euler("ZXZ", turns.as_euler("ZYZ"))
    return mistaken.as_quat(scalar_first=True).reshape(content.orientation.shape)


def extrinsic(content):
    turns = Rotation.from_quat(content.orientation.reshape(-1, 4), scalar_first=True)
    mistaken = Rotation.from_euler("zxz", turns.as_euler("ZXZ"))
    return mistaken.as_quat(scalar_first=True).reshape(content.orientation.shape)


def vector_first(content):
    return np.roll(content.orientation, 1, -1)


MISTAKES = [
    flipped_along_x,
    flipped_along_y,
    transposed,
    passive,
    zyz_for_zxz,
    extrinsic,
    vector_first,
]


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_mistake_would_be_noticed(tmp_path, suffix, mistake):
    content = pixels(5, 7)
    mistaken = Pixels(mistake(content), content.confidence, content.anomaly, content.is_indexed)
    crystal_map = io.load(str(exported(tmp_path, mistaken, suffix)))
    assert off_deg(crystal_map, mistaken).max() < ENOUGH_DEG
    assert off_deg(crystal_map, content).max() > NOTICED_DEG


def test_the_angles_of_the_file_by_hand(tmp_path):
    """Columns that a person may check: a turn by 30° about z, by 40° about x, and both."""
    turns = Rotation.from_euler("ZXZ", [[30, 0, 0], [0, 40, 0], [30, 40, 0]], degrees=True)
    orientation = turns.as_quat(scalar_first=True)[None]
    content = Pixels.of_orientations(orientation)
    ang = table_of(exported(tmp_path, content, "ang", 2.0))
    expected = np.radians([[30, 0, 0], [0, 40, 0], [30, 40, 0]])
    np.testing.assert_allclose(ang[:, :3], expected, atol=5.1e-8)
    np.testing.assert_array_equal(ang[:, 3:], [[x, 0, 0, 0, 1, 0, 0] for x in (0, 2, 4)])
    ctf = table_of(exported(tmp_path, content, "ctf", 2.0))
    np.testing.assert_allclose(ctf[:, 5:8], np.degrees(expected), atol=5.1e-7)
    np.testing.assert_array_equal(ctf[:, :5], [[1, x, 0, 0, 0] for x in (0, 2, 4)])


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (2, 2)])
def test_one_row_and_one_column(tmp_path, suffix, shape):
    content = pixels(*shape)
    crystal_map = io.load(str(exported(tmp_path, content, suffix)))
    assert off_deg(crystal_map, content).max() < ENOUGH_DEG
    assert crystal_map.size == content.is_indexed.size


@pytest.mark.parametrize("suffix", WRITERS)
def test_one_pixel(tmp_path, suffix):
    """orix can't read a table of one line; the numbers are those of the pixel all the same."""
    content = pixels(1, 1)
    (line,) = table_of(exported(tmp_path, content, suffix))
    turn = Rotation.from_quat(content.orientation[0, 0], scalar_first=True)
    angles = line[:3] if suffix == "ang" else np.radians(line[5:8])
    written = Rotation.from_euler("ZXZ", angles)
    assert np.degrees((turn.inv() * written).magnitude()) < ENOUGH_DEG


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_map_without_any_indexed_pixel(tmp_path, suffix):
    content = pixels(2, 3, unindexed=[...])
    content.orientation[:] = np.nan
    crystal_map = io.load(str(exported(tmp_path, content, suffix)))
    assert not crystal_map.is_indexed.any()
    assert crystal_map.size == 6


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("tilt_deg", [0, 1e-7, 180 - 1e-7, 180])
def test_where_only_the_sum_of_two_angles_is_defined(tmp_path, suffix, tilt_deg):
    angles = np.array([[10, tilt_deg, 20], [350, tilt_deg, 40], [-1e-9, tilt_deg, 0]])
    turns = Rotation.from_euler("ZXZ", angles, degrees=True)
    content = Pixels.of_orientations(turns.as_quat(scalar_first=True)[None])
    crystal_map = io.load(str(exported(tmp_path, content, suffix)))
    assert off_deg(crystal_map, content).max() < ENOUGH_DEG


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_not_known_is_zero_and_what_is_not_indexed_has_no_orientation(tmp_path, suffix):
    content = pixels(2, 3, unindexed=[(0, 1)])  # of which there is an answer
    content.confidence[:] = np.nan
    content.anomaly[:] = np.nan
    line = table_of(exported(tmp_path, content, suffix))[[0, 1]]
    if suffix == "ang":
        np.testing.assert_allclose(line[1, :3], 4 * np.pi, atol=1e-7)
        np.testing.assert_array_equal(line[:, 5:], [[0, 0, 1, 0, 0], [0, -1, 0, 0, 180]])
    else:
        np.testing.assert_array_equal(line[1, 5:8], 0)
        np.testing.assert_array_equal(line[:, [0, 4, 8, 9]], [[1, 0, 0, 0], [0, 3, 0, 0]])


@pytest.mark.parametrize("suffix", WRITERS)
def test_pieces_of_a_row_make_the_same_file(tmp_path, monkeypatch, suffix):
    content = pixels(3, 11, unindexed=[(1, 1)])
    whole = exported(tmp_path, content, suffix).read_bytes()
    monkeypatch.setattr("workflow.lib.maps.exchange.LINES_AT_ONCE", 4)
    assert exported(tmp_path, content, suffix).read_bytes() == whole


# Beside orix's own file


def header_keys(path):
    words = [line[1:].split() for line in path.read_text().splitlines() if line.startswith("#")]
    return [line[0] for line in words if line]


def test_the_ang_is_orixs_own_but_for_what_is_not_indexed(tmp_path):
    content = pixels(5, 7, unindexed=[(1, 2)])
    ours = exported(tmp_path, content, "ang")
    theirs = tmp_path / "orix.ang"
    crystal_map = io.load(str(tmp_path / "map.h5"))
    columns = {"confidence_index_prop": "confidence", "detector_signal_prop": "anomaly"}
    io.save(str(theirs), crystal_map, **columns)
    found, expected = table_of(ours), table_of(theirs)
    at = content.is_indexed.ravel()
    np.testing.assert_allclose(found[at], expected[at], atol=1.1e-5)
    not_phase = [0, 1, 2, 3, 4, 5, 6, 9]
    np.testing.assert_allclose(found[~at][:, not_phase], expected[~at][:, not_phase], atol=1e-5)
    assert (found[~at][0, 7], expected[~at][0, 7]) == (0, -1)
    common = [key for key in header_keys(ours) if key in set(header_keys(theirs))]
    assert common == [key for key in header_keys(theirs) if key in set(common)]
    assert set(header_keys(theirs)) <= set(common)


# As MTEX and DREAM.3D read headers


def as_dream3d_reads_a_ctf(path):
    """Header entries and lines of columns: the last character of header lines is cut off."""
    lines = path.read_bytes().decode("ascii").split("\n")
    entries, at = {}, 0
    while "Phases" not in lines[at]:
        key, *values = lines[at][:-1].split("\t")
        entries[key] = values
        at += 1
    entries["Phases"] = lines[at][:-1].split("\t")[1:]
    phases = [line[:-1].split("\t") for line in lines[at + 1 : at + 1 + int(entries["Phases"][0])]]
    columns, *rows = [line.strip().split("\t") for line in lines[at + 1 + len(phases) :] if line]
    return entries, phases, columns, rows


@pytest.mark.parametrize("name", ["plate", "Phases", "EMsoft"])
def test_dream3d_finds_its_entries_in_a_ctf(tmp_path, name):
    header = Header(name, "measured", "measured", "Phases", 8, 1, 72, "Phases\t1 EMsoft")
    path = exported(tmp_path, pixels(5, 7), "ctf", 0.25, header)
    entries, phases, columns, rows = as_dream3d_reads_a_ctf(path)
    assert (entries["XCells"], entries["YCells"]) == (["7"], ["5"])
    assert (entries["XStep"], entries["YStep"]) == (["0.25"], ["0.25"])
    assert next(iter(entries)) == "Channel Text File"
    (microscope,) = [values for key, values in entries.items() if key.startswith("Euler angles")]
    assert microscope[::2] == ["Mag", "Coverage", "Device", "KV", "TiltAngle", "TiltAxis"]
    ((lengths, angles, phase, laue, space_group, *rest),) = phases
    assert (lengths, angles) == ("3.600;3.600;3.600", "90.000;90.000;90.000")
    assert (phase, laue, space_group, len(rest)) == ("gamma nickel", "11", "225", 3)
    assert {len(columns), *map(len, rows)} == {11}
    assert len(rows) == 35
    assert io.load(str(path)).shape == (5, 7)
    assert len(re.findall("Phases", path.read_text())) == 1  # as MTEX finds the line


@pytest.mark.parametrize("name", ["plate", "EMsoft", "Phase", "ACOM"])
def test_an_ang_is_read_alike_whatever_the_scan_is_called(tmp_path, name):
    header = Header(name, "measured", "measured", name, 8, 1, 72, "# Phase 7\n# MaterialName x")
    content = pixels(5, 7, unindexed=[(0, 0)])
    path = exported(tmp_path, content, "ang", 0.25, header)
    crystal_map = io.load(str(path))
    assert off_deg(crystal_map, content).max() < ENOUGH_DEG
    assert crystal_map.phases.ids == [-1, 1]
    text = path.read_text()
    assert len(re.findall(r"^# Phase \d", text, re.M)) == 1  # as MTEX counts phases
    keys = header_keys(path)
    for key in ("Phase", "MaterialName", "Info", "GRID:", "XSTEP:", "NCOLS_ODD:", "NROWS:"):
        assert keys.count(key) == 1  # as DREAM.3D reads them, by the first word


def test_mtex_takes_the_eighth_column_for_the_phase(tmp_path):
    """Without a version it takes the ninth where its numbers look more like phases."""
    content = pixels(5, 7, unindexed=[(0, 0)])
    for anomaly in (content.anomaly, np.full_like(content.anomaly, np.nan)):
        told = Pixels(content.orientation, content.confidence, anomaly, content.is_indexed)
        path = exported(tmp_path, told, "ang")
        eighth, ninth = (set(table_of(path)[:, column]) for column in (7, 8))
        assert eighth <= {0, 1, 2}
        assert len(ninth) <= len(eighth) or not ninth <= {0, 1, 2}
        assert re.search(r"^# VERSION 5$", path.read_text(), re.M)


# What the headers say, and files that are not written


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_header_says_conventions_and_that_it_is_simulated(tmp_path, suffix):
    header = Header("plate", "simulated", "simulated", "sequencenet", 8, 1, 1, "release \u00b5")
    text = exported(tmp_path, pixels(2, 3), suffix, header=header).read_bytes().decode("ascii")
    for words in (
        "SIMULATED",
        "Bunge",
        "specimen to crystal axes",
        "x and y are specimen axes",
        "rotation.id",
        "neither the sample nor the crystal",
        "network sequencenet, fold 8, seed 1, 1 of 72 views",
        "release ?",
    ):
        assert words in text
    measured = exported(tmp_path, pixels(2, 3), suffix).read_text()
    assert "SIMULATED" not in measured


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch, suffix):
    content = pixels(5, 7)
    path = exported(tmp_path, content, suffix)
    before = path.read_bytes()
    monkeypatch.setattr("workflow.lib.maps.exchange.LINES_AT_ONCE", 10)
    calls = []

    def fail(self, name, first, last):
        calls.append(first)
        if first >= 20:
            raise RuntimeError("the disk is gone")
        return self._data[name][first:last]

    monkeypatch.setattr("workflow.lib.maps.map_file.Map.column", fail)
    with pytest.raises(RuntimeError, match="gone"):
        exported(tmp_path, content, suffix)
    assert max(calls) == 20
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"map.h5", path.name}


def test_every_number_has_a_place_in_its_line():
    assert ANG_LINE.count("%") == CTF_LINE.count("%") == 9


def test_the_script_writes_both(tmp_path):
    content = pixels(5, 7)
    source = write_map(tmp_path, content)
    main(orientation_map=source, ang=tmp_path / "a.ang", ctf=tmp_path / "a.ctf")
    for path in (tmp_path / "a.ang", tmp_path / "a.ctf"):
        assert off_deg(io.load(str(path)), content).max() < ENOUGH_DEG
