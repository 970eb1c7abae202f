"""archive.py: files are found wherever they lie."""

import pytest

from workflow.lib.archive import find_files
from workflow.lib.files import InputError

SETS = [f"{kind}_sets/{k:02d}.npy" for kind in ("training", "evaluation") for k in (1, 2, 10)]
SCANS = ["samples/08/drm_data.npy", "samples/08/eulers.npy", "anomaly_specimen.npy"]


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
