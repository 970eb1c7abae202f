"""The lock file: written so that people can read and commit it, read as if by an enemy."""

import json
import os

import pytest

from workflow.lib.archive.download.lock import (
    CLOCK_TOLERANCE_S,
    File,
    Lock,
    changed_since,
    read_lock,
    write_lock,
)
from workflow.lib.runtime.files import InputError

DATASET, VERSION = "z8bh7n5b7d", 1
FILES = [
    File("data/training_sets/02.npy", 7, "b" * 64, "https://data.mendeley.com/2"),
    File("data/training_sets/01.npy", 0, "a" * 64, "https://data.mendeley.com/1"),
]


@pytest.fixture
def path(tmp_path):
    write_lock(tmp_path / "dataset.lock.json", DATASET, VERSION, FILES, complete=True)
    return tmp_path / "dataset.lock.json"


def test_what_is_written_can_be_read(path):
    lock = read_lock(path, DATASET, VERSION)
    assert lock.files == {file.path: file for file in FILES}
    assert lock.complete
    assert lock.source == path


def test_the_text_is_sorted_and_has_one_key_a_line(path):
    lines = path.read_text().splitlines()
    assert lines == [
        "{",
        '  "complete": true,',
        '  "dataset": "z8bh7n5b7d",',
        '  "files": {',
        '    "data/training_sets/01.npy": {',
        f'      "sha256": "{"a" * 64}",',
        '      "size": 0,',
        '      "url": "https://data.mendeley.com/1"',
        "    },",
        '    "data/training_sets/02.npy": {',
        f'      "sha256": "{"b" * 64}",',
        '      "size": 7,',
        '      "url": "https://data.mendeley.com/2"',
        "    }",
        "  },",
        '  "version": 1',
        "}",
    ]


def test_the_order_of_download_does_not_show(path, tmp_path):
    write_lock(tmp_path / "other", DATASET, VERSION, FILES[::-1], complete=True)
    assert (tmp_path / "other").read_bytes() == path.read_bytes()


def test_another_hash_names_both_and_says_what_to_do(path):
    lock = read_lock(path, DATASET, VERSION)
    lock.check("data/training_sets/01.npy", "a" * 64, "in raw", "delete it")
    lock.check("data/unknown.npy", "c" * 64, "in raw", "delete it")
    with pytest.raises(InputError) as error:
        lock.check("data/training_sets/01.npy", "c" * 64, "in raw", "delete it")
    message = str(error.value)
    for part in ("data/training_sets/01.npy", "a" * 64, "c" * 64, str(path), "in raw", "delete it"):
        assert part in message
    assert "\n" not in message


def test_an_empty_lock_knows_nothing():
    Lock(DATASET, VERSION).check("data/training_sets/01.npy", "c" * 64, "in raw", "delete it")


def test_a_lock_of_other_data_is_refused(path):
    for dataset, version in (("another", 1), (DATASET, 2)):
        with pytest.raises(InputError, match=rf"locks dataset 'z8bh7n5b7d' version 1, .*{dataset}"):
            read_lock(path, dataset, version)


def test_a_missing_lock_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json: expected a lock file"):
        read_lock(tmp_path / "absent.json", DATASET, VERSION)


ENTRY = {"sha256": "a" * 64, "size": 1, "url": "https://data.mendeley.com/1"}
BAD_ENTRIES = {
    "path leads out": {"data/../../x": ENTRY},
    "absolute path": {"/etc/passwd": ENTRY},
    "backslash": {"data\\x": ENTRY},
    "control character": {"data/x\n": ENTRY},
    "empty path": {"": ENTRY},
    "short hash": {"x": ENTRY | {"sha256": "a" * 63}},
    "upper-case hash": {"x": ENTRY | {"sha256": "A" * 64}},
    "hash is a number": {"x": ENTRY | {"sha256": 1}},
    "negative size": {"x": ENTRY | {"size": -1}},
    "size is text": {"x": ENTRY | {"size": "1"}},
    "size is true": {"x": ENTRY | {"size": True}},
    "no url": {"x": {"sha256": "a" * 64, "size": 1}},
    "unknown key": {"x": ENTRY | {"md5": ""}},
    "url is a list": {"x": ENTRY | {"url": []}},
    "entry is a list": {"x": []},
    "files are a list": [],
    "complete without files": {},
}


@pytest.mark.parametrize("files", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_malformed_entries_are_refused_in_one_line(path, files):
    content = {"complete": True, "dataset": DATASET, "version": VERSION, "files": files}
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a lock file") as error:
        read_lock(path, DATASET, VERSION)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    with pytest.raises(InputError, match="not a lock file"):
        changed_since(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"files": {}}',
        '{"complete": 1, "dataset": "", "version": 1}',
        "[" * 100_000,
        '{"files": 1' + "0" * 5000 + "}",
    ],
    ids=range(9),
)
def test_anything_but_a_lock_is_refused_in_one_line(path, text):
    path.write_text(text)
    with pytest.raises(InputError, match=r"not a lock file|expected a lock file") as error:
        read_lock(path, DATASET, VERSION)
    assert "\n" not in str(error.value)


@pytest.fixture
def placed(path):
    """The lock with its files beside it, all written in its second."""
    written = path.stat().st_mtime
    for file in FILES:
        place = path.parent / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bytes(file.size))
        os.utime(place, (written, written))
    return path


def test_files_written_before_or_with_the_lock_have_not_changed_since(placed):
    assert changed_since(placed) == []
    file, written = placed.parent / FILES[0].path, placed.stat().st_mtime
    for age_s in (-86400.0, 0.9 * CLOCK_TOLERANCE_S):
        os.utime(file, (written, written + age_s))
        assert changed_since(placed) == []


def test_files_written_after_the_lock_have_changed_since(placed):
    file, written = placed.parent / FILES[0].path, placed.stat().st_mtime
    os.utime(file, (written, written + 1.5 * CLOCK_TOLERANCE_S))
    (placed.parent / "data/training_sets/03.npy").write_bytes(b"not in the lock")
    assert changed_since(placed) == [file]


def test_files_that_are_gone_have_not_changed_since(placed):
    os.remove(placed.parent / FILES[0].path)
    assert changed_since(placed) == []


def test_a_missing_lock_is_named_when_asked_what_has_changed(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json: expected a lock file"):
        changed_since(tmp_path / "absent.json")
