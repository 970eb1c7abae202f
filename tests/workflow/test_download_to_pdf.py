"""The default source, end to end: fetched over HTTP, verified, ingested, trained, to the PDF."""

import json

import h5py
import pytest
from pypdf import PdfReader

from tests.workflow.mendeley_server import Fault, serving
from workflow.lib.files import sha256

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
