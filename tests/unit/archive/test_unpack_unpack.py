"""unpack.py: honest zips come out whole; hostile and broken ones leave nothing behind."""

import io
import os
import shutil
import stat
import struct
import zipfile

import pytest

from workflow.lib.archive.unpack import entries as archive_entries
from workflow.lib.archive.unpack import unpack
from workflow.lib.archive.unpack import zip as zip_entries
from workflow.lib.archive.unpack.unpack import unpack_zip
from workflow.lib.runtime.files import InputError

CONTENT = {
    "data/training_sets/01.npy": os.urandom(5000),
    "data/evaluation_sets/01.npy": b"evaluation" * 100,
    "data/README (1) é.txt": b"",
}


def zipped(entries, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name or ZipInfo, content) pairs, however odd the names are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def entry(name: str, mode: int = 0, **attributes) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def unpacked(tmp_path, content: bytes) -> dict[str, bytes]:
    (tmp_path / "archive.zip").write_bytes(content)
    folder = tmp_path / "out" / "archive"
    unpack_zip(tmp_path / "archive.zip", folder)
    assert [path.name for path in folder.parent.iterdir()] == ["archive"]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_refused(tmp_path, content: bytes, reason: str) -> None:
    before = sorted(tmp_path.parent.rglob("*"))
    (tmp_path / "archive.zip").write_bytes(content)
    folder = tmp_path / "out" / "archive"
    with pytest.raises(InputError, match=reason) as caught:
        unpack_zip(tmp_path / "archive.zip", folder)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'archive.zip'}: ")
    assert len(message.splitlines()) == 1
    left = set(tmp_path.parent.rglob("*")) - {tmp_path / "archive.zip", folder.parent, *before}
    assert left == set()


def test_names_as_other_tools_write_them_are_read(tmp_path):
    names = ["./", "./data/", "./data/a", "data\\b", ".\\data\\deep\\c", "data\\empty\\"]
    content = zipped([(name, name.encode()) for name in names])
    assert sorted(unpacked(tmp_path, content)) == ["data/a", "data/b", "data/deep/c"]


def test_what_macos_adds_is_left_out(tmp_path):
    extras = ["__MACOSX/data/._a", "data/._a", ".DS_Store", "data/.DS_Store", "data/Icon\r"]
    link = entry("__MACOSX/link", stat.S_IFLNK | 0o777)
    content = zipped([("data/a", b"1"), (link, b"/etc"), *((name, b"2") for name in extras)])
    assert unpacked(tmp_path, content) == {"data/a": b"1"}
    outside = zipped([("data/a", b"1"), ("../__MACOSX/._a", b"2")])
    shutil.rmtree(tmp_path / "out")
    assert_refused(tmp_path, outside, "outside")
    assert_refused(tmp_path, zipped([(".DS_Store", b"2")]), "holds no files")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_unpacks_what_was_packed(compression, tmp_path):
    folders = [("data/", b""), ("data/empty/", b"")]
    content = zipped([*folders, *CONTENT.items()], compression)
    assert unpacked(tmp_path, content) == CONTENT


def test_unpacks_archives_with_a_comment(tmp_path):
    stream = io.BytesIO(zipped(CONTENT.items()))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"PK\x05 a comment" * 100
    assert unpacked(tmp_path, stream.getvalue()) == CONTENT


def test_unpacks_zip64(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    content = zipped(CONTENT.items())
    start = content.index(b"PK\x05\x06")
    assert content[start - 76 : start - 72] == b"PK\x06\x06"
    # Sizes and counts of the old record that say: see the 64-bit record.
    content = content[: start + 8] + b"\xff" * 12 + content[start + 20 :]
    assert unpacked(tmp_path, content) == CONTENT


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "outside"),
        ("data/../../evil", "outside"),
        ("data/..", "outside"),
        ("/tmp/evil", "absolute"),
        ("//server/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("..\\evil", "outside"),
        ("data\\..\\..\\evil", "outside"),
        ("\\\\server\\evil", "absolute"),
        ("C:\\evil", "absolute"),
        ("./../evil", "outside"),
        (".//evil", "malformed"),
        ("./C:/evil", "absolute"),
        ("a/\x1b[2Jb", "control characters"),
        ("a\nb", "control characters"),
        ("a//b", "malformed"),
        ("a/" * 40 + "b", "malformed"),
        ("é" * 200, "too long"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name, reason, tmp_path):
    assert_refused(tmp_path, zipped([("good", b"1"), (name, b"evil")]), reason)


def test_a_name_cut_by_a_null_byte_is_refused(tmp_path):
    content = zipped([("a.npyX.exe", b"evil")]).replace(b"a.npyX.exe", b"a.npy\0.exe")
    assert_refused(tmp_path, content, "control characters")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (stat.S_IFLNK, "is a link"),
        (stat.S_IFIFO, "special file"),
        (stat.S_IFCHR, "special file"),
        (stat.S_IFSOCK, "special file"),
    ],
)
def test_links_and_special_files_are_refused(kind, reason, tmp_path):
    assert_refused(tmp_path, zipped([(entry("a", kind | 0o777), b"/etc/passwd")]), reason)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("a/01.npy", "a/01.npy", "the same name"),
        ("a/01.npy", "A/01.NPY", "the same name"),
        ("caf\u00e9", "cafe\u0301", "the same name"),
        ("stra\u00dfe", "STRASSE", "the same name"),
        ("a", "a/b", "a file and a folder"),
        ("a/b", "A", "a file and a folder"),
    ],
)
def test_names_that_meet_are_refused(first, second, reason, tmp_path):
    assert_refused(tmp_path, zipped([(first, b"1"), (second, b"2")]), reason)


def test_bombs_are_refused_by_ratio_and_by_size(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "HARMLESS_BYTES", 2**20)
    bomb = zipped([("zeros", bytes(2**22))])
    assert len(bomb) < 2**22 / 500
    assert_refused(tmp_path, bomb, "a bomb")
    monkeypatch.setattr(unpack, "MAX_BYTES", 1000)
    assert_refused(tmp_path, zipped([("a", os.urandom(600)), ("b", os.urandom(600))]), "1000 bytes")


@pytest.mark.parametrize("declared", [100, 2**22 + 1])
def test_wrong_sizes_are_refused(declared, tmp_path):
    content = zipped([("zeros", bytes(2**22))])
    size = struct.pack("<I", 2**22)
    assert content.count(size) == 2  # the local header and the list of contents
    assert_refused(tmp_path, content.replace(size, struct.pack("<I", declared)), "broken zip")


def test_more_than_fits_the_disk_is_refused_before_writing(tmp_path, monkeypatch):
    usage = unpack.shutil.disk_usage(tmp_path)._replace(free=2**21)
    monkeypatch.setattr(unpack.shutil, "disk_usage", lambda _: usage)
    content = zipped([("zeros", bytes(2**22))])
    assert_refused(tmp_path, content, r"unpacks to 0\.004 GB, .* only 0\.002 GB free")


def test_encrypted_and_odd_compression_are_refused(tmp_path):
    content = bytearray(zipped([("a", b"secret")]))
    encrypted = content.copy()
    encrypted[6] |= 1  # flags of the local header
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    assert_refused(tmp_path, bytes(encrypted), "is encrypted")
    assert_refused(tmp_path, zipped([("a", b"x")], zipfile.ZIP_LZMA), "compression method 14")
    deflate64 = bytearray(zipped([("a", b"x")]))
    deflate64[8] = deflate64[deflate64.index(b"PK\x01\x02") + 10] = 9
    assert_refused(tmp_path, bytes(deflate64), "Deflate64, as Windows .* unpack it by hand")


def test_a_zip_in_several_parts_is_named(tmp_path):
    content = bytearray(zipped([("a", b"x")]))
    content[content.index(b"PK\x05\x06") + 4] = 2
    assert_refused(tmp_path, bytes(content), "last part of a zip in several parts; unpack it by")


def test_too_many_entries_and_too_long_a_list_are_refused(tmp_path, monkeypatch):
    content = zipped([(f"{i:04d}", b"") for i in range(50)])
    monkeypatch.setattr(archive_entries, "MAX_ENTRIES", 49)
    assert_refused(tmp_path, content, "over 49 entries")
    monkeypatch.setattr(zip_entries, "MAX_DIRECTORY_BYTES", 1000)
    assert_refused(tmp_path, content, r"list of contents has \d+ bytes")


def test_every_truncation_is_refused(tmp_path):
    content = zipped(CONTENT.items())
    for end in [0, 1, 4, 30, 31, *range(100, len(content), 171), len(content) - 1]:
        assert_refused(tmp_path, content[:end], "not a zip|broken zip")


def test_a_flipped_bit_in_the_data_is_refused(tmp_path):
    content = bytearray(zipped([("a", b"a" * 100)], zipfile.ZIP_STORED))
    content[60] ^= 1
    assert_refused(tmp_path, bytes(content), "broken zip .*CRC")


def test_other_refusals(tmp_path):
    assert_refused(tmp_path, b"<html>", "not a zip")
    assert_refused(tmp_path, zipped([]), "holds no files")
    with pytest.raises(InputError, match=r"missing\.zip: cannot be unpacked: No such file"):
        unpack_zip(tmp_path / "missing.zip", tmp_path / "x")
    (tmp_path / "archive.zip").write_bytes(zipped(CONTENT.items()))
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="there: exists already"):
        unpack_zip(tmp_path / "archive.zip", tmp_path / "there")
