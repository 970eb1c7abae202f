"""A file given as the archive is told by its content, and if it can't be read, what to do."""

import bz2
import gzip
import io
import logging
import lzma
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from workflow.lib.archive.unpack.kind import archive_kind, is_packed
from workflow.lib.archive.unpack.unpack import unpack, unpacked
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.script import logger

BY_HAND = "unpack it by hand and give the folder as data.archive"
GIVE = "expected a folder, zip or tar with training_sets/ .*; give that as data.archive"


def a_zip(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in (files or {"a": b"1"}).items():
            archive.writestr(name, content)
    return stream.getvalue()


def a_tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return stream.getvalue()


def an_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def an_hdf5() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["x"] = 1
    return stream.getvalue()


READABLE = {
    "zip": a_zip(),
    "tar": a_tar(),
    "tar.gz": gzip.compress(a_tar()),
    "tar.bz2": bz2.compress(a_tar()),
    "tar.xz": lzma.compress(a_tar()),
}
OTHERS = {
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", f"a 7z archive, which is not read here; {BY_HAND}"),
    "rar": (b"Rar!\x1a\x07\x01\0", f"a RAR archive, .*{BY_HAND}"),
    "zst": (b"\x28\xb5\x2f\xfd\x24", f"compressed by Zstandard .*{BY_HAND}"),
    "lzma": (lzma.compress(a_tar(), lzma.FORMAT_ALONE), f"compressed by LZMA.*{BY_HAND}"),
    "npy.gz": (gzip.compress(an_array()), f"a single file compressed by gz, .*{BY_HAND}"),
    "npy.bz2": (bz2.compress(an_array()), "a single file compressed by bz2"),
    "npy.xz": (lzma.compress(an_array()), "a single file compressed by xz"),
    "npy": (an_array(), rf"a single array \(.npy\), {GIVE}"),
    "h5": (an_hdf5(), f"an HDF5 file, {GIVE}"),
    "mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", f"a MATLAB file .*{GIVE}"),
    "pdf": (b"%PDF-1.7\n", f"a PDF, {GIVE}"),
    "html": (b"\xef\xbb\xbf\r\n<!DOCTYPE html><title>Log in</title>", "a web page, saved instead"),
    "xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    "json": (b'{"message": "Not Found"}', "a JSON file"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "empty": (b"", "the file is empty; fetch it again"),
    "zeros": (bytes(4096), rf"neither a zip nor a tar: it starts with '\\x00.*{GIVE}"),
    "text": (b"training sets\n", "neither a zip nor a tar: it starts with 'traini'"),
}


@pytest.mark.parametrize("kind", READABLE)
@pytest.mark.parametrize("name", ["data", "data.zip", "data.bin"])
def test_what_can_be_read_is_known_by_its_content(kind, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(READABLE[kind])
    assert archive_kind(path) == kind
    assert is_packed(path)
    unpack(path, tmp_path / "out")
    assert [found.name for found in (tmp_path / "out").iterdir()] == ["a"]


@pytest.mark.parametrize("kind", OTHERS)
def test_what_cannot_be_read_is_named_with_what_to_do(kind, tmp_path):
    content, reason = OTHERS[kind]
    for name in (f"data.{kind}", "data.zip"):
        path = tmp_path / name
        path.write_bytes(content)
        assert archive_kind(path) is None
        with pytest.raises(InputError, match=rf"{name}: {reason}") as caught:
            unpack(path, tmp_path / "out")
        assert len(str(caught.value).splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_a_folder_is_taken_as_it_is(tmp_path):
    with unpacked(tmp_path, tmp_path / "near") as folder:
        assert folder == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_is_said_of_the_unpacked_is_said_of_the_archive(tmp_path, caplog):
    given = tmp_path / "given.zip"
    given.write_bytes(a_zip(**{"training_sets/02.npy": b"1"}))
    caplog.set_level(logging.INFO, "drm")

    def work() -> None:
        with unpacked(given, tmp_path / "near") as folder:
            logger.info("%s holds %d file", folder, 1)
            raise InputError(f"{folder / 'training_sets/02.npy'}: xtr is wrong, see {folder}")

    with pytest.raises(InputError) as caught:
        work()
    assert str(caught.value) == f"{given}: training_sets/02.npy: xtr is wrong, see {given}"
    assert caplog.messages == [f"{given} holds 1 file"]
    assert list((tmp_path / "near").iterdir()) == []
    logger.info("%s", "said afterwards")
    assert caplog.messages[-1] == "said afterwards"
    assert logger.filters == []


@pytest.mark.parametrize(
    ("files", "held"),
    [
        ({"sub/inner.zip": a_zip()}, r"sub/inner\.zip"),
        ({"inner": READABLE["tar.gz"]}, "inner"),
        ({"a.7z": OTHERS["7z"][0], "b.rar": OTHERS["rar"][0], "c": b"x"}, r"a\.7z and 1 more arch"),
        ({"training_sets/01.npy.gz": gzip.compress(an_array())}, r"training_sets/01\.npy\.gz"),
    ],
)
def test_an_archive_of_archives_is_named_with_what_it_holds(files, held, tmp_path):
    given = tmp_path / "given.zip"
    given.write_bytes(a_zip(**files))
    with (
        pytest.raises(InputError, match=rf"given\.zip: holds {held}.* but no sets; unpack by hand"),
        unpacked(given, tmp_path / "near"),
    ):
        pass
    assert list((tmp_path / "near").iterdir()) == []


def test_archives_beside_the_sets_are_no_matter(tmp_path):
    given = tmp_path / "given.zip"
    files = {"old.zip": a_zip(), "notes.docx": a_zip(), "data/training_sets/01.npy": an_array()}
    given.write_bytes(a_zip(**files))
    with unpacked(given, tmp_path / "near") as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["data", "notes.docx", "old.zip"]
    given.write_bytes(a_zip(**{"notes.docx": a_zip()}))
    with unpacked(given, tmp_path / "near"):
        pass  # whoever looks for sets tells that there are none
