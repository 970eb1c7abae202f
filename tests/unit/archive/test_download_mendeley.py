"""The listing of the dataset: what is asked for, what is chosen, and what is not believed."""

import json

import pytest

from tests.workflow.mendeley_server import Fault, identify, serving, sha256
from workflow.lib.archive.download.http import DownloadError, Patience, Web
from workflow.lib.archive.download.mendeley import (
    MENDELEY,
    Dataset,
    gaps,
    needed_files,
    overlooked,
    wanted,
)

FAST = Patience(attempts=2, first_delay_s=0.005, longest_delay_s=0.01)
NUMBERS = [f"{number:02}" for number in range(1, 11)]
SETS = [f"data/{kind}_sets/{n}.npy" for kind in ("training", "evaluation") for n in NUMBERS]
SCANS = ["data/samples/08/drm_data.npy", "data/samples/08/eulers.npy", "data/anomaly_specimen.npy"]
OTHERS = ["README.txt", "trained_models/eulernet.h5", "trained_models/training_sets/01.npy"]
SMALL = ["data/training_sets/01.npy", "data/evaluation_sets/01.npy"]


def make(folder, paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())


@pytest.fixture
def server(tmp_path):
    make(tmp_path, SETS + SCANS + OTHERS)
    with serving(tmp_path) as server:
        yield server


def listing(server):
    return both_parts(server)[0]


def both_parts(server):
    """What is needed, and the other paths of the listing."""
    with Web(server.url, FAST) as web:
        return needed_files(web, Dataset(server.url, server.dataset, server.version))


def test_addresses_are_those_of_the_public_api():
    dataset = Dataset(MENDELEY, "z8bh7n5b7d", 1)
    site = "https://data.mendeley.com"
    assert dataset.folders_url == f"{site}/public-api/datasets/z8bh7n5b7d/folders/1"
    assert (
        dataset.files_url("root")
        == f"{site}/public-api/datasets/z8bh7n5b7d/files?folder_id=root&version=1"
    )
    assert (
        dataset.file_url("ab")
        == f"{site}/public-files/datasets/z8bh7n5b7d/files/ab/file_downloaded"
    )
    assert dataset.zip_url == f"{site}/public-api/zip/z8bh7n5b7d/download/1"
    assert dataset.page == "https://doi.org/10.17632/z8bh7n5b7d.1"


def test_needed_files_are_found_with_size_hash_and_address(server):
    files = listing(server)
    assert sorted(files) == sorted(SETS + SCANS)
    for path, file in files.items():
        local = server.folder / path
        assert file.path == path
        assert file.size == local.stat().st_size
        assert file.sha256 == sha256(local, local.stat().st_mtime_ns)
        assert file.url.endswith(f"/files/{identify(path)}/file_downloaded")


def test_folders_that_are_not_needed_are_not_listed(server):
    listing(server)
    asked = [key for key, _ in server.requests]
    # The top, data, its three folders, and 08; neither trained_models nor what lies in it.
    assert asked == ["folders"] + ["files"] * 6


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_pages_are_followed(server, size):
    server.page_size = size
    assert sorted(listing(server)) == sorted(SETS + SCANS)


def test_a_page_may_be_an_object_with_the_list_and_the_next_address(server):
    folders = server.folders()
    address = f"/public-api/datasets/{server.dataset}/folders/{server.version}"
    first = {"total": len(folders), "results": folders[:3], "next": f"{address}?page=2"}
    server.fail("folders", Fault(content=json.dumps(first).encode()))
    server.fail("folders", Fault(content=json.dumps({"results": folders[3:]}).encode()))
    assert sorted(listing(server)) == sorted(SETS + SCANS)


def test_a_listing_whose_pages_never_end_is_left(server):
    address = f"/public-api/datasets/{server.dataset}/folders/{server.version}"
    page = {"results": server.folders(), "next": address}
    server.fail("folders", Fault(content=json.dumps(page).encode(), times=None))
    assert sorted(listing(server)) == sorted(SETS + SCANS)
    assert [key for key, _ in server.requests].count("folders") == 2


def test_a_next_page_elsewhere_is_refused(server):
    page = {"results": server.folders(), "next": "http://127.0.0.1:9/more"}
    server.fail("folders", Fault(content=json.dumps(page).encode()))
    with pytest.raises(DownloadError, match="another server"):
        listing(server)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"<html>", b'[{"id"', b"\xff", b"[" * 100_000, b"[1" + b"0" * 5000 + b"]"],
    ids=range(7),
)
@pytest.mark.parametrize("key", ["folders", "files"])
def test_bad_json_is_asked_for_again_then_given_up(server, key, content):
    server.fail(key, Fault(content=content))
    assert listing(server)
    server.fail(key, Fault(content=content, times=None))
    with pytest.raises(DownloadError, match="expected JSON") as error:
        listing(server)
    assert "\n" not in str(error.value)


FOLDER = {"id": "a1", "name": "data", "parent_id": None}
BAD_FOLDERS = {
    "null": None,
    "number": 7,
    "text": "data",
    "two lists": {"a": [], "b": []},
    "no list": {"message": "no such dataset"},
    "list of texts": ["data"],
    "no id": [{"name": "data"}],
    "id is a number": [FOLDER | {"id": 7}],
    "id is a path": [FOLDER | {"id": "../a1"}],
    "id is a query": [FOLDER | {"id": "a1&version=2"}],
    "no name": [{"id": "a1"}],
    "name is a number": [FOLDER | {"name": 7}],
    "name leads out": [FOLDER | {"name": ".."}],
    "name is empty": [FOLDER | {"name": ""}],
    "name has a slash": [FOLDER | {"name": "a/b"}],
    "name has a backslash": [FOLDER | {"name": "a\\b"}],
    "name has a zero": [FOLDER | {"name": "a\0"}],
    "name is very long": [FOLDER | {"name": "a" * 300}],
    "unknown parent": [FOLDER | {"parent_id": "zz"}],
    "parent is a list": [FOLDER | {"parent_id": ["a1"]}],
    "folder in itself": [FOLDER | {"parent_id": "a1"}],
    "folders in each other": [
        FOLDER | {"parent_id": "b2"},
        FOLDER | {"id": "b2", "parent_id": "a1"},
    ],
}


@pytest.mark.parametrize("folders", BAD_FOLDERS.values(), ids=BAD_FOLDERS)
def test_folders_that_are_not_as_documented_are_refused(server, folders):
    server.fail("folders", Fault(content=json.dumps(folders).encode()))
    with pytest.raises(DownloadError, match="unexpected listing") as error:
        listing(server)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


DETAILS = {"sha256_hash": "a" * 64, "size": 26}
BAD_FILES = {
    "id is a path": {"id": "../../x"},
    "no name": {"filename": None},
    "name with separators": {"filename": "../01.npy"},
    "name is a list": {"filename": ["01.npy"]},
    "name twice": {"filename": "02.npy"},
    "no details": {"content_details": None},
    "details are text": {"content_details": "sha256"},
    "no hash": {"content_details": {"size": 26}},
    "short hash": {"content_details": DETAILS | {"sha256_hash": "a" * 63}},
    "hash is not hexadecimal": {"content_details": DETAILS | {"sha256_hash": "g" * 64}},
    "hash with a newline": {"content_details": DETAILS | {"sha256_hash": "a" * 64 + "\n"}},
    "hash is a number": {"content_details": DETAILS | {"sha256_hash": 7}},
    "negative size": {"size": -1, "content_details": DETAILS | {"size": -1}},
    "size is text": {"size": "26", "content_details": DETAILS | {"size": "26"}},
    "size is broken": {"size": 26.5, "content_details": DETAILS | {"size": 26.5}},
    "size is true": {"size": True, "content_details": DETAILS | {"size": True}},
    "sizes differ": {"size": 27, "content_details": DETAILS},
}


@pytest.mark.parametrize("fields", BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_are_not_as_documented_are_refused(server, fields):
    server.overrides["data/training_sets/01.npy"] = fields
    with pytest.raises(DownloadError, match="unexpected listing") as error:
        listing(server)
    assert "\n" not in str(error.value)


def test_a_hash_in_capitals_is_the_same_hash(server):
    details = {"sha256_hash": "AB" * 32, "size": 26}
    fields = {"size": 26, "content_details": details}
    server.overrides["data/training_sets/01.npy"] = fields
    assert listing(server)["data/training_sets/01.npy"].sha256 == "ab" * 32


def test_what_is_not_needed_may_be_described_as_it_likes(server):
    server.overrides["README.txt"] = {"size": None, "content_details": None}
    assert sorted(listing(server)) == sorted(SETS + SCANS)


def test_files_are_found_wherever_they_lie():
    paths = [
        "DRM/v1/training_sets/01.npy",
        "eval/evaluation_sets/01.npy",
        "drm_data.npy",
        "specimens/08/eulers.npy",
        "specimens/anomaly_specimen.npy",
        "SIMULATED.json",
    ]
    assert wanted(paths) == {
        "data/training_sets/01.npy": "DRM/v1/training_sets/01.npy",
        "data/evaluation_sets/01.npy": "eval/evaluation_sets/01.npy",
        "data/samples/08/drm_data.npy": "drm_data.npy",
        "data/samples/08/eulers.npy": "specimens/08/eulers.npy",
        "data/anomaly_specimen.npy": "specimens/anomaly_specimen.npy",
        "data/SIMULATED.json": "SIMULATED.json",
    }


def test_scans_of_other_specimens_and_strays_are_left_out():
    strays = [
        "data/samples/01/drm_data.npy",
        "data/samples/01/eulers.npy",
        "data/training_sets/1.npy",
        "data/training_sets/01.npy.bak",
        "data/training_sets/old/02.npy",
        "__MACOSX/data/training_sets/._01.npy",
        "01.npy",
    ]
    assert sorted(wanted(SMALL + strays)) == sorted(SMALL)


def test_two_files_for_one_place_are_refused():
    with pytest.raises(DownloadError, match=r"anomaly_specimen\.npy could be a/.* or b/"):
        wanted([*SMALL, "b/anomaly_specimen.npy", "a/anomaly_specimen.npy"])


@pytest.mark.parametrize("paths", [[], SMALL[:1], SMALL[1:], [*SMALL, "data/training_sets/02.npy"]])
def test_training_and_evaluation_sets_must_match(paths):
    with pytest.raises(DownloadError, match="expected the same specimens in both"):
        wanted(paths)


def test_the_error_names_what_looks_like_the_missing_set():
    odd = r"; data/training_sets/02\.npz looks like one, but is not named training_sets/NN\.npy"
    with pytest.raises(DownloadError, match=rf"expected the same specimens in both{odd}"):
        wanted([*SMALL, "data/evaluation_sets/02.npy", "data/training_sets/02.npz"])


def test_the_other_files_of_the_listing_are_known(server):
    make(server.folder, ["data/training_sets/11.npz", "data/samples/01/drm_data.npy"])
    assert both_parts(server)[1] == [
        "README.txt",
        "data/samples/01/drm_data.npy",
        "data/training_sets/11.npz",
    ]


def test_odd_sets_and_scans_are_told_from_other_files():
    paths = ["README.txt", "data/training_sets/3.npy", "data/samples/01/eulers.npy", "a.pdf"]
    assert overlooked(paths) == ["data/samples/01/eulers.npy", "data/training_sets/3.npy"]


def test_gaps_between_specimens_are_found():
    sets = [f"data/training_sets/{number}.npy" for number in ("02", "03", "06")]
    assert gaps(sets) == ["01", "04", "05"]
    assert gaps(SETS) == []
    assert gaps([]) == []
