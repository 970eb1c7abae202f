"""unpack.py: honest tars come out whole, hostile and broken ones leave nothing behind."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import time
import zlib

import pytest

from workflow.lib.archive.unpack import unpack as module
from workflow.lib.archive.unpack.tar import MAX_EXTENSION_BYTES
from workflow.lib.archive.unpack.unpack import unpack
from workflow.lib.runtime.files import InputError

CONTENT = {
    "data/training_sets/01.npy": os.urandom(5000),
    "data/evaluation_sets/01.npy": b"evaluation" * 100,
    "data/empty.txt": b"",
    "data/exactly two blocks": bytes(range(256)) * 4,
    f"data/{'deep/' * 20}{'n' * 90} é.txt": b"long name",
}
COMPRESS = {"tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}
FORMATS = {"posix": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}


def tarred(entries, kind=tarfile.PAX_FORMAT, **options) -> bytes:
    """A tar of (name or TarInfo, content) pairs, however odd the names are."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind, **options) as archive:
        for name, content in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def member(name: str, kind: bytes, **attributes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def unpacked(tmp_path, content: bytes, name="archive.tar") -> dict[str, bytes]:
    (tmp_path / name).write_bytes(content)
    folder = tmp_path / "out" / "archive"
    unpack(tmp_path / name, folder)
    assert [path.name for path in folder.parent.iterdir()] == ["archive"]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_refused(tmp_path, content: bytes, reason: str) -> None:
    (tmp_path / "archive.tar").write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        unpack(tmp_path / "archive.tar", tmp_path / "out" / "archive")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'archive.tar'}: ")
    assert len(message.splitlines()) == 1
    assert {path.name for path in tmp_path.rglob("*")} <= {"archive.tar", "out"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", COMPRESS)
def test_unpacks_what_was_packed_whatever_its_name(kind, form, tmp_path):
    folders = [(member("data", tarfile.DIRTYPE), b""), (member("empty/", tarfile.DIRTYPE), b"")]
    content = COMPRESS[kind](tarred([*folders, *CONTENT.items()], FORMATS[form]))
    assert unpacked(tmp_path, content, "given") == CONTENT


def test_unpacks_what_the_tar_command_packs(tmp_path):
    for name, content in CONTENT.items():
        path = tmp_path / "packed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for number, option in enumerate(["--format=gnu", "--format=posix", "--format=v7"]):
        here = ["data/training_sets", "data/empty.txt"]  # names that the oldest format can hold
        archive = tmp_path / f"{number}.tar"
        command = ["tar", option, "-C", tmp_path / "packed", "-cf", archive, "--"]
        os.spawnvp(os.P_WAIT, "tar", [*command, *(f"./{path}" for path in here)])
        folder = tmp_path / f"out {number}"
        unpack(archive, folder)
        assert (folder / "data/training_sets/01.npy").read_bytes() == next(iter(CONTENT.values()))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_unpacks_what_was_compressed_in_pieces(compress, tmp_path):
    content = tarred(CONTENT.items())
    pieces = compress(content[:700]) + compress(content[700:])
    assert unpacked(tmp_path, pieces) == CONTENT


def test_unpacks_sizes_in_binary(tmp_path):
    content = bytearray(tarred([("a", b"x" * 600)]))
    content[124:136] = b"\x80" + (600).to_bytes(11, "big")
    content[148:156] = b"%06o\0 " % (sum(content[:148]) + 8 * 32 + sum(content[156:512]))
    assert unpacked(tmp_path, bytes(content)) == {"a": b"x" * 600}


def test_names_as_other_tools_write_them_are_read(tmp_path):
    names = ["./data/a", "data\\b", "._a", "data/._b", "__MACOSX/._a", ".DS_Store"]
    content = tarred([(member("./", tarfile.DIRTYPE), b""), *((name, b"1") for name in names)])
    assert unpacked(tmp_path, content) == {"data/a": b"1", "data/b": b"1"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "outside"),
        ("data/../../evil", "outside"),
        ("..\\evil", "outside"),
        ("/tmp/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("a/\x1b[2Jb", "control characters"),
        ("a//b", "malformed"),
        ("a/" * 40 + "b", "malformed"),
        ("é" * 200, "too long"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name, reason, tmp_path):
    assert_refused(tmp_path, tarred([("good", b"1"), (name, b"evil")]), f"{reason}.*by hand")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "special file"),
        (tarfile.BLKTYPE, "special file"),
        (tarfile.FIFOTYPE, "special file"),
        (tarfile.GNUTYPE_SPARSE, "with holes"),
        (b"V", "unknown kind"),
    ],
)
def test_links_and_special_files_are_refused(kind, reason, tmp_path):
    special = member("a", kind, linkname="/etc/passwd")
    content = tarred([("good", b"1"), (special, b""), ("a/b", b"evil")])
    assert_refused(tmp_path, content, f"'a' .*{reason}.*; unpack it by hand")


def test_holes_in_the_way_of_posix_are_refused(tmp_path):
    info = member("a", tarfile.REGTYPE, pax_headers={"GNU.sparse.size": str(2**40)})
    assert_refused(tmp_path, tarred([(info, b"1")]), "with holes")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("a/01.npy", "a/01.npy", "the same name"),
        ("a/01.npy", "./a/01.npy", "the same name"),
        ("a/01.npy", "A/01.NPY", "the same name"),
        ("caf\u00e9", "cafe\u0301", "the same name"),
        ("a", "a/b", "a file and a folder"),
        ("a/b", "A", "a file and a folder"),
    ],
)
def test_names_that_meet_are_refused(first, second, reason, tmp_path):
    assert_refused(tmp_path, tarred([(first, b"1"), (second, b"2")]), reason)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs_are_refused_wherever_their_zeros_are(compress, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "HARMLESS_BYTES", 2**20)
    assert_refused(tmp_path, compress(tarred([("zeros", bytes(2**22))])), "a bomb")
    after_the_end = compress(tarred([("a", b"1")]) + bytes(2**22))
    assert_refused(tmp_path, after_the_end, "a bomb")
    in_an_extra = compress(tarred([("a", b"1"), ("._a", bytes(2**22))]))
    assert_refused(tmp_path, in_an_extra, "a bomb")


def test_the_size_is_limited_whatever_the_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    assert_refused(tmp_path, tarred([("a", os.urandom(600)), ("b", os.urandom(600))]), "1000 bytes")


def test_xz_that_wants_much_memory_is_refused(tmp_path):
    content = bytearray(lzma.compress(tarred([("a", b"1")])))
    header = slice(12, 12 + 4 * (content[12] + 1) - 4)  # of the first block, before its CRC
    content[content.index(b"\x21\x01") + 2] = 36  # declares a dictionary of 1 GiB
    content[header.stop : header.stop + 4] = zlib.crc32(content[header]).to_bytes(4, "little")
    assert_refused(tmp_path, bytes(content), "wants over 256 MiB of memory .* by hand")


def test_long_headers_are_not_read(tmp_path):
    info = member("a", tarfile.REGTYPE, pax_headers={"comment": "9" * MAX_EXTENSION_BYTES})
    assert_refused(tmp_path, tarred([(info, b"1")]), "broken tar .*a header of 1048")


def test_headers_of_digits_take_no_time(tmp_path):
    """The library's regular expressions take hours for this one."""
    info = member("a", tarfile.REGTYPE, pax_headers={"comment": "9" * 1_000_000})
    started = time.process_time()
    assert unpacked(tmp_path, tarred([(info, b"1")])) == {"a": b"1"}
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "records",
    [b"0 a=b\n", b"9 a=b\n", b"-6 a=b\n", b"6 a=b\nx", b"99999999999999 a=b\n", b"6 abc\n"],
)
def test_malformed_headers_are_refused(records, tmp_path):
    header = tarred([(member("x", tarfile.XHDTYPE), records)], tarfile.USTAR_FORMAT)[:1024]
    assert_refused(tmp_path, header + tarred([("a", b"1")]), "broken tar .*header")


def test_names_for_all_files_are_refused(tmp_path):
    content = tarred([("a", b"1")], pax_headers={"path": "b"})
    assert_refused(tmp_path, content, "for all files")
    harmless = tarred([("a", b"1")], pax_headers={"comment": "as git archive writes it"})
    assert unpacked(tmp_path, harmless) == {"a": b"1"}


@pytest.mark.parametrize("kind", COMPRESS)
def test_every_truncation_is_refused(kind, tmp_path):
    content = COMPRESS[kind](tarred([("a", os.urandom(700)), ("b", b"2" * 512)]))
    last = content.rindex(b"2" * 512) + 512 if kind == "tar" else len(content) - 1
    for end in sorted({1, 100, *range(512, last, 512), *range(700, last, 331), last}):
        if end < len(content):
            assert_refused(tmp_path, content[:end], "broken|neither a zip")


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    content = bytearray(tarred([("a", b"1"), ("b", b"2")]))
    content[1024 + 20] ^= 1
    assert_refused(tmp_path, bytes(content), "broken tar .*damaged.*fetch it again")


def test_a_flipped_bit_in_compressed_data_is_refused(tmp_path):
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        # In the second block of bz2: the first holds the header, without which it is no tar.
        content = bytearray(compress(tarred([("a", os.urandom(2_000_000))])))
        content[len(content) * 3 // 4] ^= 1
        assert_refused(tmp_path, bytes(content), "broken tar")


def test_a_second_tar_after_the_first_is_not_passed_over(tmp_path):
    content = tarred([("a", b"1")]) + tarred([("b", b"2")])
    assert_refused(tmp_path, content, "something follows its end, perhaps another tar")


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.lib.archive.unpack.entries.MAX_ENTRIES", 49)
    assert_refused(tmp_path, tarred([(f"{i:04d}", b"") for i in range(50)]), "over 49 entries")


def test_a_tar_without_files_is_refused(tmp_path):
    assert_refused(tmp_path, tarred([(member("data", tarfile.DIRTYPE), b"")]), "holds no files")
