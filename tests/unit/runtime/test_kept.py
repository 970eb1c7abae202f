"""kept.py: a finished result is found again by what it depends on, and by nothing else."""

import os

import pytest

from workflow.lib.runtime import kept

NAMES = ["weights.safetensors", "model.json"]


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "models" / name for name in NAMES]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text(f"content of {path.name}")
    kept.keep(tmp_path / "kept", "a fingerprint", paths)
    return paths


def test_what_was_removed_comes_back_newer_than_before(files, tmp_path):
    before = os.stat(tmp_path / "kept" / NAMES[0])
    os.utime(tmp_path / "kept" / NAMES[0], (1, 1))
    for path in files:
        path.unlink()
    assert kept.restore(tmp_path / "kept", "a fingerprint", files)
    assert [path.read_text() for path in files] == [f"content of {name}" for name in NAMES]
    assert files[0].stat().st_mtime >= before.st_mtime


def test_it_takes_no_space_and_outlives_a_new_version(files, tmp_path):
    copy = tmp_path / "kept" / NAMES[0]
    assert copy.samefile(files[0])
    with kept.atomic(files[0]) as part:
        part.write_text("new")
    assert copy.read_text() == f"content of {NAMES[0]}"


def test_another_fingerprint_finds_nothing(files, tmp_path):
    assert not kept.restore(tmp_path / "kept", "another", files)
    assert not kept.restore(tmp_path / "nowhere", "a fingerprint", files)


@pytest.mark.parametrize("name", [*NAMES, kept.RECORD])
def test_a_damaged_copy_is_none(name, files, tmp_path):
    (tmp_path / "kept" / name).write_text('{"fingerprint": "a fingerprint"}')
    for path in files:
        path.unlink(missing_ok=True)
    assert not kept.restore(tmp_path / "kept", "a fingerprint", files)
    assert not any(path.exists() for path in files)


def test_who_asks_for_a_new_training_gets_one(files, tmp_path, monkeypatch):
    monkeypatch.setenv(kept.ANEW, "yes")
    assert not kept.restore(tmp_path / "kept", "a fingerprint", files)


def test_without_hard_links_it_is_a_copy(files, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("this file system has no hard links")

    monkeypatch.setattr(os, "link", refuse)
    kept.keep(tmp_path / "copies", "b", files)
    assert not (tmp_path / "copies" / NAMES[0]).samefile(files[0])
    files[0].write_text("changed in place")
    assert kept.restore(tmp_path / "copies", "b", files)
    assert files[0].read_text() == f"content of {NAMES[0]}"
