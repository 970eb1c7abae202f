"""Fetching the dataset file by file: verified, locked, continued, and never twice."""

import io
import json
import os
import shutil
import threading
import time

import pytest

from tests.unit.archive.fetching import DEAD, FIRST, LAST, PATHS, address, fetching
from tests.workflow.mendeley_server import Fault, sha256
from workflow.lib.archive.download.fetch import RECORD, fetch
from workflow.lib.archive.download.transfer import alone, part_of
from workflow.lib.runtime import progress
from workflow.lib.runtime.files import InputError
from workflow.scripts.download import main


@pytest.fixture
def setting(tmp_path):
    with fetching(tmp_path) as setting:
        yield setting


def test_all_needed_files_arrive_and_are_locked(setting):
    setting.fetch()
    assert setting.is_complete()
    lock = setting.lock()
    assert lock["complete"] is True
    assert sorted(lock["files"]) == sorted(PATHS)
    for path, entry in lock["files"].items():
        served = setting.server.folder / path
        assert entry["sha256"] == sha256(served, served.stat().st_mtime_ns)
        assert entry["size"] == served.stat().st_size
        assert entry["url"].startswith(f"{setting.server.url}/public-files/datasets/z8bh7n5b7d/")
        assert setting.server.served[path] == entry["size"]


def test_the_script_does_the_same(setting):
    main(
        folder=setting.folder,
        output=setting.output,
        base_url=setting.server.url + "/",
        dataset_id="z8bh7n5b7d",
        version=1,
        lock=None,
        parallel=2,
    )
    assert setting.is_complete()


def test_the_mark_of_simulated_data_is_never_left_behind(setting):
    (setting.server.folder / "data/SIMULATED.json").write_text('{"simulated": true}')
    setting.fetch()
    assert setting.is_complete([*PATHS, "data/SIMULATED.json"])


def test_missing_scans_are_only_warned_of(setting, caplog):
    os.remove(setting.server.folder / FIRST)
    setting.fetch()
    assert setting.is_complete(PATHS[1:])
    assert f"{FIRST}: not among the files of the dataset" in caplog.text


@pytest.mark.parametrize("output_stays", [True, False])
def test_a_second_run_verifies_without_the_network(setting, output_stays):
    setting.fetch()
    first = setting.output.read_bytes()
    if not output_stays:  # Snakemake removes it before it runs the rule again
        setting.output.unlink()
    setting.fetch(base_url=DEAD)
    assert setting.is_complete()
    assert setting.output.read_bytes() == first


def test_a_failed_run_keeps_what_is_verified_and_the_next_continues(setting):
    setting.server.fail(address(LAST), Fault(status=404))
    setting.server.fail("zip", Fault(status=404, times=2))
    with pytest.raises(InputError):
        setting.fetch(parallel=1)
    assert not setting.output.exists()
    record = setting.lock(setting.folder / RECORD)
    assert record["complete"] is False
    assert record["files"]
    setting.fetch()
    assert setting.is_complete()
    assert all(setting.server.served[path] == setting.size(path) for path in PATHS)


def test_a_file_renamed_but_not_recorded_is_not_fetched_again(setting):
    shutil.copytree(setting.server.folder / "data", setting.folder / "data")
    setting.fetch()
    assert setting.is_complete()
    assert not set(setting.requested) & set(PATHS)


def test_a_stray_file_in_the_place_of_a_wanted_one_is_replaced(setting):
    (setting.folder / FIRST).parent.mkdir(parents=True)
    (setting.folder / FIRST).write_bytes(os.urandom(setting.size(FIRST)))
    setting.fetch()
    assert setting.is_complete()


def test_a_file_damaged_on_disk_names_both_hashes_and_comes_back_when_deleted(setting):
    setting.fetch()
    right, _ = setting.hashes(FIRST)
    damaged = bytearray((setting.folder / FIRST).read_bytes())
    damaged[0] ^= 1
    (setting.folder / FIRST).write_bytes(damaged)
    with pytest.raises(InputError, match=rf"{FIRST}: sha256 .*{right}.*delete the file"):
        setting.fetch()
    (setting.folder / FIRST).unlink()
    setting.fetch()
    assert setting.is_complete()


def test_other_bytes_at_the_source_name_both_hashes(setting):
    setting.fetch()
    setting.change_on_server(FIRST)
    (setting.folder / FIRST).unlink()
    new, old = setting.hashes(FIRST)
    with pytest.raises(InputError, match=rf"{FIRST}: sha256 {new} on .*, but {old} in .*{RECORD}"):
        setting.fetch()


def test_a_lock_shared_by_a_team_is_obeyed(setting, tmp_path):
    setting.fetch()
    shared = shutil.copy(setting.output, tmp_path / "shared.json")
    setting.change_on_server(FIRST)
    new, old = setting.hashes(FIRST)
    shutil.rmtree(setting.folder)
    before = len(setting.requested)
    with pytest.raises(InputError, match=rf"{FIRST}: sha256 {new} on .*, but {old} in .*shared"):
        setting.fetch(lock=shared)
    assert not set(setting.requested[before:]) & set(PATHS)  # refused before any download


def test_a_lock_decides_which_files_there_are(setting, tmp_path):
    setting.fetch()
    content = setting.lock()
    del content["files"][LAST]
    (tmp_path / "shared.json").write_text(json.dumps(content))
    shutil.rmtree(setting.folder)
    setting.fetch(lock=tmp_path / "shared.json")
    assert setting.is_complete(PATHS[:-1])


@pytest.mark.parametrize(
    "base_url", ["", "data.mendeley.com", "ftp://x", "https://", "http://[", "https://x/?a"]
)
def test_a_bad_base_url_names_the_key(setting, base_url):
    with pytest.raises(InputError, match=r"data\.base_url: found .*, expected an address"):
        fetch(setting.folder, setting.output, base_url=base_url, dataset_id="x", version=1)


def test_disk_space_is_checked_before_any_file(setting, monkeypatch):
    usage = shutil.disk_usage(setting.server.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1 << 20))
    with pytest.raises(InputError, match=r"1 MB free, expected 270 MB .*free some space"):
        setting.fetch()
    assert not set(setting.requested) & {*PATHS, "zip"}


def test_parts_of_an_earlier_run_count_as_there(setting, monkeypatch):
    half = setting.size(LAST) // 2
    setting.server.fail(LAST, Fault(cut_after=half))
    setting.server.fail(address(LAST), Fault(), Fault(status=404))
    setting.server.fail("zip", Fault(status=404, times=2))
    with pytest.raises(InputError):
        setting.fetch(parallel=1)
    assert part_of(setting.folder / LAST).stat().st_size == half
    bars = []

    class Bar(progress.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **options | {"disable": False, "file": io.StringIO()})
            bars.append((self, self.n))

    monkeypatch.setattr(progress, "tqdm", Bar)
    setting.fetch()
    assert setting.is_complete()
    bar, initial = bars[-1]
    assert (initial, bar.n, bar.total) == (half, setting.size(LAST), setting.size(LAST))
    assert "B/s" in bar.fp.getvalue()


def test_what_killed_runs_left_is_swept_away(setting):
    (setting.folder / "data").mkdir(parents=True)
    for name in (".part-7-verified.json", "data/gone.npy.part", "data/gone.npy.part.json"):
        (setting.folder / name).write_bytes(b"left")
    setting.fetch()
    assert setting.is_complete()


def test_two_downloads_into_one_folder_do_not_meet(setting):
    setting.folder.mkdir(parents=True)
    with alone(setting.folder), pytest.raises(InputError, match="another process"):
        setting.fetch()
    setting.fetch()
    assert setting.is_complete()


def test_files_come_side_by_side(setting):
    for path in PATHS[:3]:
        setting.server.fail(path, Fault(stall_s=1.0))
    start = time.monotonic()
    setting.fetch(parallel=3)
    assert setting.is_complete()
    assert time.monotonic() - start < 2.9  # one after the other takes three seconds


def test_the_first_failure_ends_the_other_threads(setting):
    setting.server.rate = 100_000.0
    setting.server.fail(address(FIRST), Fault(status=404))
    setting.server.fail("zip", Fault(status=404, times=2))
    start = time.monotonic()
    with pytest.raises(InputError, match="HTTP 404"):
        setting.fetch()
    assert time.monotonic() - start < 5.0
    assert "download" not in {thread.name for thread in threading.enumerate()}
