"""When the files cannot be had one by one: the zip, and after it the way by hand."""

import io
import shutil
import zipfile

import pytest

from tests.unit.archive.fetching import DEAD, FIRST, LAST, PATHS, address, fetching
from tests.workflow.mendeley_server import Fault
from workflow.lib.archive.download.fetch import RECORD
from workflow.lib.runtime.files import InputError


@pytest.fixture
def setting(tmp_path):
    with fetching(tmp_path) as setting:
        yield setting


def test_the_zip_serves_what_the_files_do_not(setting):
    setting.server.fail(address(LAST), Fault(status=404, times=None))
    setting.fetch(parallel=1)
    assert setting.is_complete()
    assert setting.requested.count("zip") == 1
    urls = {path: entry["url"] for path, entry in setting.lock()["files"].items()}
    assert urls[LAST].endswith("/public-api/zip/z8bh7n5b7d/download/1")
    assert urls[FIRST].endswith("/file_downloaded")


def test_the_zip_serves_where_the_listing_fails(setting):
    setting.server.fail("folders", Fault(content=b"<html>", times=None))
    setting.server.fail("zip", Fault(cut_after=100_000), Fault(status=503))
    setting.fetch()
    assert setting.is_complete()


def test_the_zip_is_checked_against_the_lock(setting, tmp_path):
    setting.fetch()
    shared = shutil.copy(setting.output, tmp_path / "shared.json")
    setting.change_on_server(FIRST)
    new, old = setting.hashes(FIRST)
    shutil.rmtree(setting.folder)
    setting.server.fail("folders", Fault(status=404))
    with pytest.raises(InputError, match=rf"{FIRST}: sha256 {new} in the zip, but {old} in"):
        setting.fetch(lock=shared)
    assert not (setting.folder / FIRST).exists()


def test_the_zip_is_checked_against_the_listing(setting):
    details = {"sha256_hash": "a" * 64, "size": setting.size(FIRST)}
    setting.server.overrides[FIRST] = {"content_details": details}
    with pytest.raises(InputError, match=rf"zip's {FIRST} has sha256 .*, expected {'a' * 64}"):
        setting.fetch()
    assert not (setting.folder / FIRST).exists()


def zipped(folder, names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.write(folder / PATHS[0], name)
    return buffer.getvalue()


BAD_ZIPS = {
    "no zip": (lambda folder: b"<html>Sorry</html>", "not a zip"),
    "truncated": (lambda folder: zipped(folder, PATHS)[:-30], "not a zip, or truncated"),
    "incomplete": (lambda folder: zipped(folder, PATHS[1:]), f"lacks {FIRST}"),
    "empty": (lambda folder: zipped(folder, ["README.txt"]), "expected the same specimens"),
    "hostile": (lambda folder: zipped(folder, [*PATHS, "../evil"]), "land outside"),
}


@pytest.mark.parametrize(("make", "problem"), BAD_ZIPS.values(), ids=BAD_ZIPS)
def test_a_bad_zip_is_told_and_thrown_away(setting, make, problem):
    setting.server.fail(address(LAST), Fault(status=404))
    setting.server.fail("zip", Fault(content=make(setting.server.folder)))
    with pytest.raises(InputError, match=problem):
        setting.fetch()
    left = {path.name for path in setting.folder.iterdir()}
    assert left <= {"data", RECORD}
    assert not (setting.folder.parent / "evil").exists()
    setting.fetch()
    assert setting.is_complete()


def test_what_a_killed_run_left_of_the_zip_is_used_or_cleared(setting):
    (setting.folder / "unpacked" / ".unpacking-x").mkdir(parents=True)
    setting.server.fail(address(LAST), Fault(status=404))
    shutil.copy(setting.server.zip(), setting.folder / "dataset.zip")
    setting.fetch()
    assert setting.is_complete()
    assert "zip" not in setting.requested


def test_when_all_fails_one_line_tells_the_way_by_hand(setting):
    with pytest.raises(InputError) as error:
        setting.fetch(base_url=DEAD)
    message = str(error.value)
    for part in (
        "https://doi.org/10.17632/z8bh7n5b7d.1",
        "training_sets, evaluation_sets, samples and anomaly_specimen.npy",
        "data.source: archive",
        "data.archive: <path",
        "Connection refused",
    ):
        assert part in message
    assert "\n" not in message
    assert not setting.output.exists()
