"""A release that is broken or forged: one line, and nothing is executed."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from tests.unit.maps import release_files as small
from tests.unit.maps.release_files import Files, files_in, forged, refused, written
from workflow.lib.maps.release import open_release
from workflow.lib.maps.release import packed as packed_release
from workflow.lib.runtime.files import InputError

WEIGHTS, MODEL = "writer/1/1/weights.safetensors", "writer/1/1/model.json"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return small.release(folder, folder / "release.zip")


@pytest.fixture
def files(path) -> Files:
    return files_in(path)


def test_what_is_forged_without_a_change_is_read(files, tmp_path):
    """So that the following tests are of their changes; deflated as well."""
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert open_release(forged(tmp_path / "a.zip", files, compression)).choose().seed == 1


@pytest.mark.parametrize("name", [WEIGHTS, MODEL, "release.json", "README.md", "LICENSE"])
def test_one_other_byte_in_any_file_is_noticed(files, tmp_path, name):
    content = bytearray(files[name])
    content[len(content) // 2] ^= 1
    said = refused(written(tmp_path / "a.zip", files | {name: bytes(content)}))
    assert f"{name} has the SHA-256 " in said
    assert "as SHA256SUMS says; fetch it again" in said


def test_a_byte_that_changed_on_the_disk_is_noticed(path, tmp_path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert "Bad CRC-32" in refused(tmp_path / "a.zip")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_one_is_refused(path, tmp_path, share):
    content = path.read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: int(share * len(content))])
    assert refused(tmp_path / "a.zip").startswith("not a zip, or truncated: it has no end")


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path):
    assert refused(tmp_path / "gone.zip").startswith("no such file, expected a release")
    assert "expected a release.zip" in refused(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../escaped", "/etc/passwd", "C:\\a", "writer/../1/1/model.json",
        "writer\\1\\1\\model.json",
        "writer/1/1/", "writer/1/1/model.json/", "writer/01/1/model.json", "writer/1/1/model.pkl",
        "writer/1/1/checkpoint.pt", "WRITER/1/ 1/model.json", "signal_space/x.safetensors",
        "signal_space/1.safetensors.pkl", "a\nb", "é/1/1/model.json", "writer/١/1/model.json",
        "-rf/1/1/model.json", "release.json\0.txt", "", "readme.md",
    ],
)  # fmt: skip
def test_a_name_that_is_no_release_s_is_refused(files, tmp_path, name):
    packed = zipfile.ZipInfo("x")
    packed.filename = name
    with zipfile.ZipFile(forged(tmp_path / "a.zip", files), "a") as archive:
        archive.writestr(packed, b"")
    said = refused(tmp_path / "a.zip")
    assert said.startswith(f"the entry {name!a} is not a release's")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(files, tmp_path):
    with zipfile.ZipFile(forged(tmp_path / "a.zip", files), "a") as archive:
        archive.writestr(MODEL, b"{}")
    assert refused(tmp_path / "a.zip").startswith(f"the entry {MODEL!a} is there twice")


def changed_entry(path: Path, files: Files, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    """A release whose list of contents says something else of the weights."""
    forged(path, files)
    with zipfile.ZipFile(path, "a") as archive:
        change(archive.getinfo(WEIGHTS))
        archive._didModify = True  # so that the list is written anew
    return path


def set_flag(bit: int) -> Callable[[zipfile.ZipInfo], None]:
    return lambda entry: setattr(entry, "flag_bits", entry.flag_bits | bit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: setattr(e, "external_attr", stat.S_IFLNK << 16), "is a link, expected a file"),
        (lambda e: setattr(e, "external_attr", stat.S_IFIFO << 16), "is a special file, expected"),
        (set_flag(0x1), "is encrypted"),
        (lambda e: setattr(e, "compress_type", 14), "uses the compression method 14 (lzma)"),
        (lambda e: setattr(e, "file_size", 2**29 + 1), "has 536870913 bytes, expected at most"),
    ],
)
def test_what_is_no_plain_file_is_refused(files, tmp_path, change, message):
    said = refused(changed_entry(tmp_path / "a.zip", files, change))
    assert said.startswith(f"the entry {WEIGHTS!a} {message}")
    assert "data.archive" not in said  # what the same code says of a dataset


@pytest.mark.parametrize("more", [-1, 1])
def test_a_size_that_is_not_so_is_noticed(files, tmp_path, more):
    def change(entry):
        entry.file_size += more
        entry.compress_size = entry.file_size

    said = refused(changed_entry(tmp_path / "a.zip", files, change))
    assert "Bad CRC-32" in said or "Overlapped" in said or "has not the size" in said


def test_a_bomb_is_refused_before_it_is_unpacked(files, tmp_path, monkeypatch):
    bomb = files | {WEIGHTS: bytes(2**26)}
    monkeypatch.setattr(packed_release, "_blocks", lambda *_: pytest.fail("unpacked"))
    said = refused(forged(tmp_path / "a.zip", bomb, zipfile.ZIP_DEFLATED))
    assert said.startswith("unpacks to ")
    assert "a bomb?" in said


def test_more_entries_than_any_release_has_are_refused(files, tmp_path, monkeypatch):
    monkeypatch.setattr(packed_release, "MAX_ENTRIES", len(files))
    assert open_release(forged(tmp_path / "a.zip", files)).choose()
    more = files | {"writer/9/9/model.json": b"{}"}
    assert refused(forged(tmp_path / "b.zip", more)).startswith(f"{len(files) + 1} entries, expec")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"", "holds LICENSE, which SHA256SUMS does not name"),
        (b"\xff\n", "SHA256SUMS has lines that sha256sum does not write"),
        (b"0" * 64 + b"  gone\n", "holds LICENSE, which SHA256SUMS does not name"),
        (b"0" * 63 + b"  LICENSE\n", "SHA256SUMS has lines that"),
    ],
)
def test_sums_that_are_none_are_refused(files, tmp_path, lines, message):
    assert refused(written(tmp_path / "a.zip", files | {"SHA256SUMS": lines})).startswith(message)


@pytest.mark.parametrize("name", ["SHA256SUMS", "release.json"])
def test_a_zip_that_is_no_release_is_told(files, tmp_path, name):
    del files[name]
    path = (written if name == "SHA256SUMS" else forged)(tmp_path / "a.zip", files)
    assert refused(path) == f"holds no {name}, expected a release of this workflow"


@pytest.mark.parametrize("name", [WEIGHTS, MODEL, "README.md", "signal_space/8.safetensors"])
def test_a_file_that_the_sums_name_must_be_there(files, tmp_path, name):
    del files[name]
    assert refused(written(tmp_path / "a.zip", files)).startswith(f"lacks {name}, which SHA256SUMS")


@pytest.mark.parametrize("name", [WEIGHTS, MODEL, "signal_space/8.safetensors"])
def test_a_model_must_have_its_files(files, tmp_path, name):
    del files[name]
    assert refused(forged(tmp_path / "a.zip", files)).startswith(f"lacks {name}, a model's")


def test_a_file_of_no_model_is_refused(files, tmp_path):
    files["writer/1/3/model.json"] = files[MODEL]
    said = refused(forged(tmp_path / "a.zip", files))
    assert said.startswith("holds writer/1/3/model.json, which is no model's")


def test_what_is_wrong_with_a_model_is_told_with_its_place(files, tmp_path):
    pickled = b"\x80\x04cos\nsystem\n(S'touch executed'\ntR."
    said = refused(forged(tmp_path / "a.zip", files | {WEIGHTS: pickled}))
    assert said.startswith("writer/1/1: its weights are no safetensors")
    tensors = load(files[WEIGHTS])
    tensors.popitem()
    said = refused(forged(tmp_path / "b.zip", files | {WEIGHTS: save(tensors)}))
    assert said.startswith("writer/1/1: its weights are another network's")
    content = save({"mean": torch.zeros(3)})
    said = refused(forged(tmp_path / "c.zip", files | {"signal_space/1.safetensors": content}))
    assert said.startswith("signal_space/1.safetensors: ")


def test_a_zip_that_changes_after_it_was_opened_is_noticed(files, tmp_path):
    release = open_release(forged(tmp_path / "a.zip", files))
    forged(tmp_path / "a.zip", files | {MODEL: b"{}"})
    with pytest.raises(InputError, match=r"a\.zip: changed while it was read"):
        release.choose("writer", 1, 1)
