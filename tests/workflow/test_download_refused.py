"""The rule `download` against storage that refuses: what is waited out, what is said at the end."""

import time

import pytest

from tests.workflow.conftest import copy_project
from tests.workflow.mendeley_server import Fault, serving
from tests.workflow.own_data import files_below, said, the_error, write_archive

CHANGES = 'run: refused\ndata: {{source: mendeley, base_url: "{url}", archive: null}}\n'
RAW = "results/raw/z8bh7n5b7d.1"
LOCK = f"{RAW}/dataset.lock.json"


@pytest.fixture
def server(tmp_path):
    folder = write_archive(tmp_path / "served", specimens=2, n=2)
    (folder / "training_sets/3.npy").write_bytes(b"3")
    (folder / "README.txt").write_text("Two specimens, and one with an odd name.")
    with serving(folder) as server:
        yield server


@pytest.fixture
def download(server, tmp_path):
    """Run the rule in a project of its own, because downloads are shared by all runs of one."""
    snakemake = copy_project(tmp_path / "project")
    return lambda: snakemake("--", LOCK, changes=CHANGES.format(url=server.url))


def test_an_expired_address_is_waited_out_and_the_end_says_what_was_not_taken(
    server, download, tmp_path
):
    server.fail("training_sets/01.npy", Fault(status=403))
    done = download()
    assert done.returncode == 0, said(done)
    assert "HTTP 403 Forbidden at the address it redirects to; again in" in said(done)
    assert "zip" not in {key for key, _ in server.requests}
    log = (tmp_path / "project/results/raw/logs/download.log").read_text().splitlines()
    assert log[-3].endswith(f"{RAW}: 4 files verified, listed in {LOCK}")
    assert log[-2] == "2 more files of the dataset are not needed"
    assert log[-1] == (
        "not taken, though they look like sets or scans (expected names: training_sets/NN.npy, "
        "samples/08/drm_data.npy): training_sets/3.npy"
    )


def test_a_refusal_that_lasts_ends_soon_and_keeps_what_has_arrived(server, download, tmp_path):
    server.fail("training_sets/02.npy", Fault(status=403, times=None))
    server.fail("zip", Fault(status=403, times=None))
    started = time.monotonic()
    line = the_error(download())
    assert time.monotonic() - started < 40
    assert "neither by file (" in line
    assert "HTTP 403 Forbidden at the address it redirects to (4 attempts)) nor as a zip (" in line
    assert line.endswith("data.archive: <path of the zip or folder> in the config")
    left = files_below(tmp_path / "project" / RAW)
    assert "data/training_sets/01.npy" in left
    assert "dataset.lock.json" not in left
    assert not [name for name in left if name.endswith((".part", ".zip"))]
