"""The default source, end to end: fetched over HTTP, verified, ingested, trained, to the PDF."""

import json
import os
import re

import h5py
import pytest
from pypdf import PdfReader

from tests.workflow.mendeley_server import Fault, serving
from tests.workflow.own_data import said, the_error
from tests.workflow.test_reruns import plan
from workflow.lib.runtime.files import sha256

CHANGES = """
run: fetched
data: {{source: mendeley, base_url: "{url}", archive: null}}
folds: [1]
"""


@pytest.fixture(scope="module")
def fetched(finished, snakemake, project):
    """The run `fetched`, from a server on this machine that cuts one connection."""
    with serving(finished / "archive") as server:
        server.fail("data/training_sets/03.npy", Fault(cut_after=20_000))
        done = snakemake(changes=CHANGES.format(url=server.url))
        requested = {path for path, _ in server.requests}
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert "data/training_sets/03.npy" in requested
    return project / "results/fetched"


def test_the_dataset_is_the_one_on_the_server(fetched, finished):
    with h5py.File(fetched / "dataset.h5") as ours, h5py.File(finished / "dataset.h5") as theirs:
        assert ours.attrs["sha256"] == theirs.attrs["sha256"]


def test_the_lock_names_every_file_with_its_hash(fetched, project, finished):
    lock = json.loads((project / "results/raw/z8bh7n5b7d.1/dataset.lock.json").read_text())
    files = {path: file["sha256"] for path, file in lock["files"].items()}
    served = finished / "archive"
    on_server = {str(path.relative_to(served)) for path in served.rglob("*") if path.is_file()}
    assert set(files) == on_server
    assert all(sha256(served / path) == value for path, value in files.items())


def test_the_paper_still_says_that_the_data_are_simulated(fetched):
    """Whatever way they came: the marker in the archive decides, not the config."""
    pages = PdfReader(fetched / "paper.pdf").pages
    assert all("SIMULATED DATA" in page.extract_text() for page in pages)


def test_another_run_downloads_nothing(fetched, snakemake, project):
    """Downloads are shared by all runs; the server is gone by now."""
    changes = CHANGES.format(url="http://127.0.0.1:9").replace("run: fetched", "run: other")
    done = snakemake("--", "results/other/dataset.h5", changes=changes)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def raw_set(fetched, project):
    """A downloaded file; in the end it is what it was."""
    path = project / "results/raw/z8bh7n5b7d.1/data/training_sets/02.npy"
    content, times = path.read_bytes(), path.stat()
    yield path
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_downloaded_file_that_was_overwritten_is_noticed(raw_set, snakemake):
    """Also by a run that would not read it again."""
    changes = CHANGES.format(url="http://127.0.0.1:9")
    assert not {"ingest", "train"} & plan(snakemake("-n", changes=changes)).keys()
    raw_set.write_bytes(raw_set.read_bytes()[:-1] + b"!")
    later = raw_set.stat().st_mtime + 3600
    os.utime(raw_set, (later, later))
    done = snakemake("-n", changes=changes)
    assert done.returncode == 1
    lines = [line for line in said(done).splitlines() if "02.npy: written after" in line]
    assert len(lines) == 1
    assert "delete results/raw/z8bh7n5b7d.1/dataset.lock.json to have all verified" in lines[0]


def test_what_is_ingested_is_what_the_lock_lists(raw_set, snakemake, project):
    """Byte for byte, whatever the times of files say, and all of it."""
    changes = CHANGES.format(url="http://127.0.0.1:9").replace("run: fetched", "run: third")
    times = raw_set.stat()
    raw_set.write_bytes(raw_set.read_bytes()[:-1] + b"!")
    os.utime(raw_set, ns=(times.st_atime_ns, times.st_mtime_ns))
    error = the_error(snakemake("--", "results/third/dataset.h5", changes=changes))
    assert re.fullmatch(rf"error: .*{raw_set.name}: sha256 \w+, but \w+ in .*lock.json: .*", error)
    for kind in ("training", "evaluation"):
        (raw_set.parents[1] / f"{kind}_sets/10.npy").rename(project / f"{kind}.npy")
    changes = changes.replace("folds: [1]", "folds: [1]\nspecimens: 9")
    error = the_error(snakemake("--", "results/third/dataset.h5", changes=changes))
    for kind in ("training", "evaluation"):
        (project / f"{kind}.npy").rename(raw_set.parents[1] / f"{kind}_sets/10.npy")
    assert "evaluation_sets/10.npy: gone, though it was verified" in error
    assert not (project / "results/third/dataset.h5").exists()
