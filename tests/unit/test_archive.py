"""archive.py: files are found wherever they lie; what they hold is checked."""

import numpy as np
import pytest

from workflow.lib.archive import find_files, validate_specimen
from workflow.lib.files import InputError

SETS = [f"{kind}_sets/{k:02d}.npy" for kind in ("training", "evaluation") for k in (1, 2, 10)]
SCANS = ["samples/08/drm_data.npy", "samples/08/eulers.npy", "anomaly_specimen.npy"]

SIGNALS = np.random.default_rng(0).integers(0, 256, (9, 6, 72)).astype(np.uint8)
EULER = np.random.default_rng(1).uniform((-3, 0, -3), (3, 3, 3), (9, 3))


def make(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


@pytest.mark.parametrize("where", ["", "data", "Crystal orientation/version 1/data"])
def test_finds_files_wherever_they_lie(where, tmp_path):
    make(tmp_path / where, [*SETS, *SCANS])
    archive = find_files(tmp_path)
    assert list(archive.training) == list(archive.evaluation) == ["01", "02", "10"]
    assert archive.training["10"] == tmp_path / where / "training_sets/10.npy"
    assert archive.scans == {name: tmp_path / where / name for name in SCANS}
    assert archive.marker is None


def test_parts_may_lie_apart_and_other_files_do_not_matter(tmp_path):
    make(tmp_path / "a", [*SETS[:3], "SIMULATED.json", "eulers.npy", "samples/07/drm_data.npy"])
    make(tmp_path / "b/c", [*SETS[3:], "training_sets/notes.npy", "training_sets/011.npy"])
    make(tmp_path / "__MACOSX/b", SETS)
    make(tmp_path, ["anomaly_specimen.npy", "anomaly_specimen.npy.part"])
    archive = find_files(tmp_path)
    assert archive.evaluation["02"] == tmp_path / "b/c/evaluation_sets/02.npy"
    assert archive.scans == {"anomaly_specimen.npy": tmp_path / "anomaly_specimen.npy"}
    assert archive.marker == tmp_path / "a/SIMULATED.json"


def test_a_root_inside_a_folder_called_like_one_of_its_own_still_works(tmp_path):
    root = make(tmp_path / "__MACOSX" / "evaluation_sets", SETS)
    assert list(find_files(root).training) == ["01", "02", "10"]


@pytest.mark.parametrize(
    "name", ["training_sets/02.npy", "samples/08/eulers.npy", "SIMULATED.json"]
)
def test_two_candidates_are_an_error_that_names_both(name, tmp_path):
    make(tmp_path / "data", [*SETS, *SCANS, "SIMULATED.json"])
    make(tmp_path / "copy", [name])
    with pytest.raises(InputError, match=f"two candidates for {name}: copy/{name} and data/{name}"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("there", "missing"), [("training", "evaluation"), ("evaluation", "training")]
)
def test_each_specimen_needs_both_sets(there, missing, tmp_path):
    make(tmp_path, [name for name in SETS if name != f"{missing}_sets/02.npy"])
    message = rf"specimen 02 has {there}_sets/02\.npy but no {missing}_sets/02\.npy"
    with pytest.raises(InputError, match=message):
        find_files(tmp_path)


def test_roots_without_a_dataset(tmp_path):
    with pytest.raises(InputError, match="holds no training_sets"):
        find_files(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_files(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="no such folder"):
        find_files(tmp_path / "file")


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i8", "f2", ">f4", "f8"])
def test_signals_of_any_number_type_become_the_same_uint8(dtype):
    signals, euler = validate_specimen(SIGNALS.astype(dtype), EULER, "01.npy")
    assert signals.dtype == np.uint8
    assert signals.flags.c_contiguous
    assert euler.dtype == np.float64
    np.testing.assert_array_equal(signals, SIGNALS)
    np.testing.assert_array_equal(euler, EULER)


def test_fractions_are_rounded_to_the_nearest_integer():
    signals = np.full((1, 6, 72), 100.0)
    signals[0, 0, :4] = [0.4, 0.6, 254.6, 7.5]
    rounded, _ = validate_specimen(signals, EULER[:1], "01.npy")
    assert rounded[0, 0, :5].tolist() == [0, 1, 255, 8, 100]


def test_dark_and_saturated_integers_are_data():
    for value in (0, 1, 255):
        validate_specimen(np.full_like(SIGNALS, value), EULER, "01.npy")


@pytest.mark.parametrize(
    "limits_rad",
    [
        (2 * np.pi, np.pi, 2 * np.pi),
        (-2 * np.pi, -np.pi, -2 * np.pi),
        (2 * np.pi + 9e-4, np.pi + 9e-4, -2 * np.pi - 9e-4),
        (0, 0, 0),
    ],
)
def test_angles_within_the_range_are_accepted(limits_rad):
    euler = np.vstack([EULER[1:], limits_rad])
    _, accepted = validate_specimen(SIGNALS, euler, "01.npy")
    np.testing.assert_array_equal(accepted, euler)
    validate_specimen(SIGNALS, euler.astype(np.float32), "01.npy")


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        ((0, np.pi + 2e-3, 0), "the Euler angle β reaches ±3.144 rad"),
        ((0, -4.0, 0), "the Euler angle β reaches ±4 rad"),
        ((2 * np.pi + 2e-3, 0, 0), "looks like degrees"),
        ((0, 0, -360.0), "reach 360, expected radians up to 2π: this looks like degrees"),
    ],
)
def test_angles_out_of_range_are_named(angles, message):
    with pytest.raises(InputError, match=message):
        validate_specimen(SIGNALS, np.vstack([EULER[1:], angles]), "01.npy")


@pytest.mark.parametrize(
    ("signals", "euler", "message"),
    [
        (SIGNALS[..., None], EULER, r"xtr has shape \(9, 6, 72, 1\)"),
        (SIGNALS[:0], EULER[:0], "the specimen is empty"),
        (SIGNALS[:8], EULER, "8 signals in xtr but 9 orientations in ytr"),
        (SIGNALS, EULER[:, :2], r"ytr has shape \(9, 2\), expected \(n, 3\)"),
        (SIGNALS > 9, EULER, "xtr has type bool"),
        (SIGNALS.astype(int) - 1, EULER, "reach from -1 to"),
        (SIGNALS.astype(int) + 1, EULER, "to 256, expected 0 to 255"),
        (SIGNALS / 255.0, EULER, "scaled to 0–1"),
    ],
)
def test_wrong_contents_are_one_line_that_names_the_file(signals, euler, message):
    with pytest.raises(InputError, match=f"^somewhere/01.npy: .*{message}") as caught:
        validate_specimen(signals, euler, "somewhere/01.npy")
    assert len(str(caught.value).splitlines()) == 1
