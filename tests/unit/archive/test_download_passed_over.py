"""What is in the dataset but not taken: counted, and named where it looks like a set or scan."""

import json
import logging
import shutil

import pytest

from tests.unit.archive.fetching import LAST, PATHS, UNNEEDED, address, fetching
from tests.workflow.mendeley_server import Fault

ODD = ["data/Train/01.npy", "data/samples/03/drm_data.npy", "data/training_sets/3.npy"]


@pytest.fixture
def setting(tmp_path, caplog):
    caplog.set_level(logging.INFO, "drm")
    with fetching(tmp_path) as setting:
        yield setting


def add(setting, *paths: str) -> None:
    for path in paths:
        (setting.server.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (setting.server.folder / path).write_bytes(path.encode())


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_files_that_are_not_needed_are_counted_without_a_warning(setting, caplog):
    add(setting, "README.txt", "data/notes.pdf")
    setting.fetch()
    assert setting.is_complete()
    assert caplog.messages[-1] == "2 more files of the dataset are not needed"
    assert warnings(caplog) == []


def test_nothing_is_said_where_all_is_taken(setting, caplog):
    setting.fetch()
    assert caplog.messages[-1].endswith(f"{len(PATHS)} files verified, listed in {setting.output}")
    assert warnings(caplog) == []


@pytest.mark.parametrize("way", ["by file", "as a zip"])
def test_what_looks_like_a_set_or_scan_is_named(setting, caplog, way):
    add(setting, "README.txt", *ODD)
    if way == "as a zip":
        setting.server.fail(address(LAST), Fault(status=404))
    setting.fetch()
    assert setting.is_complete()
    # Trained models are in the zip, but never listed.
    count, below = (4, "") if way == "by file" else (5, "DRM dataset/")
    assert f"{count} more files of the dataset are not needed" in caplog.messages
    assert warnings(caplog)[-1] == (
        "not taken, though they look like sets or scans (expected names: training_sets/NN.npy, "
        "samples/08/drm_data.npy): " + ", ".join(f"{below}{path}" for path in ODD)
    )
    assert UNNEEDED not in caplog.text


def test_a_long_list_is_cut(setting, caplog):
    add(setting, *(f"data/training_sets/specimen_{number}.npz" for number in range(100, 130)))
    setting.fetch()
    assert warnings(caplog)[-1].endswith("specimen_109.npz, …")


def test_a_gap_between_specimens_is_told(setting, caplog):
    more = [
        f"data/{kind}_sets/{n}.npy" for kind in ("training", "evaluation") for n in ("05", "06")
    ]
    add(setting, *more)
    setting.fetch()
    assert setting.is_complete([*PATHS, *more])
    assert warnings(caplog) == ["no sets of specimen 03, 04, though of later ones"]


def test_what_is_listed_but_not_locked_is_named(setting, caplog, tmp_path):
    setting.fetch()
    content = setting.lock()
    del content["files"][LAST]
    (tmp_path / "shared.json").write_text(json.dumps(content))
    shutil.rmtree(setting.folder)
    setting.fetch(lock=tmp_path / "shared.json")
    assert setting.is_complete(PATHS[:-1])
    assert f"{LAST}: not taken, as it is not in {tmp_path / 'shared.json'}" in warnings(caplog)
