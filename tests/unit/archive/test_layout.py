"""archive.py: files are found wherever they lie."""

import os
from pathlib import Path

import pytest

from workflow.lib.archive import layout as archive_module
from workflow.lib.archive.layout import files_of, find_files, not_taken_clause, not_taken_warnings
from workflow.lib.runtime.files import InputError

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


def test_what_looks_like_a_set_or_scan_is_told(tmp_path):
    more = ["training_sets/notes.npy", "training_sets/011.npy", "samples/07/drm_data.npy"]
    make(tmp_path, [*SETS, *more, "training_sets/README.txt", "anomaly_specimen.npy.part"])
    archive = find_files(tmp_path)
    assert sorted(archive.not_taken) == sorted(more)
    assert len(not_taken_warnings(archive)) == len(more)
    for name in more:
        assert name in not_taken_clause(archive)


def test_all_files_are_inputs_and_each_once(tmp_path):
    files = [name.replace("10.npy", "03.npy") for name in (*SETS, *SCANS, "SIMULATED.json")]
    make(tmp_path, [*files, "training_sets/notes.npy"])
    (tmp_path / "again").symlink_to(tmp_path)
    names = [Path(name).relative_to(tmp_path).as_posix() for name in files_of(tmp_path, 3)]
    assert names == sorted(files)


def test_a_file_is_its_own_input(tmp_path):
    assert files_of(tmp_path / "a.zip", 3) == [str(tmp_path / "a.zip")]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    make(tmp_path, SETS)
    listed = os.scandir

    def refuse(folder):
        if str(folder).endswith("training_sets"):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="training_sets: can't be listed: Permission denied"):
        find_files(tmp_path)


def test_a_folder_with_far_too_much_in_it_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "MOST_ENTRIES", 5)
    make(tmp_path, SETS)
    with pytest.raises(InputError, match="more than 5 files and folders"):
        find_files(tmp_path)
