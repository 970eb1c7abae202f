"""One file against a server that does all that servers do to downloads."""

import hashlib
import json
import random
import shutil
import threading
import time

import pytest

from tests.workflow.mendeley_server import Fault, identify, serving
from workflow.lib.archive.download.http import DownloadError, Patience, Stopped, Web
from workflow.lib.archive.download.transfer import download, need_space, part_of
from workflow.lib.runtime.files import InputError

FAST = Patience(
    attempts=3,
    first_delay_s=0.005,
    longest_delay_s=0.01,
    longest_retry_after_s=1.5,
    connect_timeout_s=2.0,
    read_timeout_s=0.3,
)
NAME = "data/anomaly_specimen.npy"
CONTENT = random.Random(1).randbytes(3_000_000)
OTHER = random.Random(2).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Line:
    """A server with one file, and a client for it."""

    def __init__(self, server, target):
        self.server, self.target, self.progress = server, target, 0
        self.url = (
            f"{server.url}/public-files/datasets/{server.dataset}/files/"
            f"{identify(NAME)}/file_downloaded"
        )

    def count(self, change):
        self.progress += change

    def download(self, size=3_000_000, sha256=SHA256, url=None, patience=FAST, stop=None):
        with Web(self.server.url, patience, stop) as web:
            return download(
                web, url or self.url, self.target, size=size, sha256=sha256, progress=self.count
            )

    def interrupt(self, after, **options):
        """Download until `after` bytes, then lose patience."""
        self.server.fail(NAME, Fault(cut_after=after), Fault(status=503, times=3))
        with pytest.raises(DownloadError):
            self.download(**options)
        assert part_of(self.target).stat().st_size == after

    @property
    def ranges(self):
        return [asked for key, asked in self.server.requests if key == NAME]

    def is_right(self):
        left = sorted(path.name for path in self.target.parent.iterdir())
        return self.target.read_bytes() == CONTENT and left == [self.target.name]


@pytest.fixture
def line(tmp_path):
    path = tmp_path / "served" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    with serving(tmp_path / "served") as server:
        yield Line(server, tmp_path / "raw" / "anomaly_specimen.npy")


def test_plain_download_follows_the_redirect(line):
    assert line.download() == SHA256
    assert line.is_right()
    assert line.progress == len(CONTENT)
    assert line.server.served[NAME] == len(CONTENT)


def test_empty_file(line):
    nothing = hashlib.sha256(b"").hexdigest()
    assert line.download(size=0, sha256=nothing) == nothing
    assert line.target.read_bytes() == b""


@pytest.mark.parametrize("reset", [False, True], ids=["truncated", "reset"])
def test_cut_connection_continues_where_it_broke(line, reset):
    line.server.fail(NAME, *(Fault(cut_after=n, reset=reset) for n in (700_000, 1, 900_000)))
    line.download()
    assert line.is_right()
    assert line.progress == len(CONTENT)
    # After a reset the kernel may drop what it had not handed over yet.
    if not reset:
        assert line.ranges == [None, "bytes=700000-", "bytes=700001-", "bytes=1600001-"]
        assert line.server.served[NAME] == len(CONTENT)


def test_cuts_do_not_count_as_failures_while_bytes_arrive(line):
    line.server.fail(NAME, Fault(cut_after=200_000, times=14))
    line.download()
    assert line.is_right()


def test_restart_of_the_process_continues(line):
    line.interrupt(1_000_000)
    line.progress = 1_000_000
    line.download()
    assert line.is_right()
    assert line.ranges[-1] == "bytes=1000000-"
    assert line.progress == len(CONTENT)
    assert line.server.served[NAME] == len(CONTENT)


def test_server_that_ignores_range_starts_over(line):
    line.interrupt(1_000_000)
    line.progress = 1_000_000
    line.server.fail(NAME, Fault(ignore_range=True))
    line.download()
    assert line.is_right()
    assert line.progress == len(CONTENT)


def test_server_that_ignores_range_and_never_finishes_is_given_up(line):
    line.server.fail(NAME, Fault(ignore_range=True, cut_after=1_000_000, times=None))
    with pytest.raises(DownloadError, match="3 attempts"):
        line.download()
    assert len(line.ranges) == FAST.attempts


@pytest.mark.parametrize(
    "content_range", ["bytes 5-2999999/3000000", "bytes 1000000-2999999/4000000", "nonsense"]
)
def test_wrong_content_range_starts_over(line, content_range):
    line.interrupt(1_000_000)
    line.server.fail(NAME, Fault(content_range=content_range))
    line.download()
    assert line.is_right()
    assert line.ranges[-2:] == ["bytes=1000000-", None]


def test_416_starts_over(line):
    line.interrupt(1_000_000)
    line.server.fail(NAME, Fault(status=416))
    line.download()
    assert line.is_right()
    assert line.ranges[-2:] == ["bytes=1000000-", None]


def test_file_changed_meanwhile_starts_over_in_the_same_response(line):
    line.server.fail(NAME, Fault(content=OTHER, cut_after=1_000_000))
    line.download()
    assert line.is_right()
    assert line.ranges == [None, "bytes=1000000-"]  # If-Range turned the second into a whole
    assert line.server.served[NAME] == 1_000_000 + len(CONTENT)


def test_file_changed_meanwhile_without_validators_is_seen_by_its_hash(line):
    line.server.validators = False
    line.server.fail(NAME, Fault(content=OTHER, cut_after=1_000_000))
    line.download()
    assert line.is_right()
    assert line.ranges == [None, "bytes=1000000-", None]


def test_part_of_another_file_is_thrown_away(line):
    line.interrupt(1_000_000, sha256="0" * 64)
    line.download()
    assert line.is_right()
    assert line.ranges[-1] is None


@pytest.mark.parametrize("note", [None, "{", "[]", '{"size": 3000000}'])
def test_part_with_an_unreadable_note_is_thrown_away(line, note):
    line.interrupt(1_000_000)
    path = line.target.with_name(f"{line.target.name}.part.json")
    path.unlink() if note is None else path.write_text(note)
    line.download()
    assert line.is_right()
    assert line.ranges[-1] is None


def test_complete_part_is_verified_and_renamed_without_a_request(line):
    line.interrupt(1_000_000)
    part_of(line.target).write_bytes(CONTENT)
    requests = len(line.ranges)
    line.download()
    assert line.is_right()
    assert len(line.ranges) == requests


def test_damaged_part_is_replaced(line):
    line.interrupt(1_000_000)
    part_of(line.target).write_bytes(OTHER)
    line.download()
    assert line.is_right()


@pytest.mark.parametrize("after", [None, 700_000], ids=["answer", "rest"])
def test_server_that_falls_silent_is_asked_again(line, after):
    line.server.fail(NAME, Fault(cut_after=after, stall_s=5.0))
    start = time.monotonic()
    line.download()
    assert line.is_right()
    assert time.monotonic() - start < 4.0
    assert line.ranges == [None, None if after is None else "bytes=700000-"]


def test_wrong_bytes_are_fetched_twice_and_never_kept(line):
    line.server.fail(NAME, Fault(content=OTHER, times=None))
    with pytest.raises(
        DownloadError, match=f"sha256 {hashlib.sha256(OTHER).hexdigest()}.*{SHA256}"
    ):
        line.download()
    assert line.ranges == [None, None]
    assert not line.target.exists()
    assert not part_of(line.target).exists()


def test_wrong_bytes_once(line):
    line.server.fail(NAME, Fault(content=OTHER))
    line.download()
    assert line.is_right()
    assert line.progress == len(CONTENT)


def test_body_of_another_length_is_not_read(line):
    line.interrupt(1_000_000)
    line.server.fail(NAME, Fault(content=b"<html>Log in to the hotel's network</html>"))
    line.download()
    assert line.is_right()
    assert line.ranges[-1] == "bytes=1000000-"  # what was there has survived the hotel


def test_never_more_than_the_declared_size_is_written(line):
    line.server.fail(NAME, Fault(content=CONTENT + OTHER, unsized=True, times=None))
    sizes = []
    line.count = lambda change: sizes.append(part_of(line.target).stat().st_size)
    with pytest.raises(DownloadError, match="more than the expected 3000000 bytes"):
        line.download()
    assert max(sizes) <= len(CONTENT)


def test_unsized_body_that_ends_early_is_continued(line):
    line.server.fail(NAME, Fault(unsized=True, cut_after=1_000_000))
    line.download()
    assert line.is_right()


def test_undeclared_size_and_hash(line):
    assert line.download(size=None, sha256=None) == SHA256
    assert line.is_right()


def test_undeclared_content_continues_only_with_a_validator(line):
    line.interrupt(1_000_000, size=None, sha256=None)
    line.download(size=None, sha256=None)
    assert line.is_right()
    assert line.ranges[-1] == "bytes=1000000-"
    line.target.unlink()
    line.server.validators = False
    line.interrupt(1_000_000, size=None, sha256=None)
    line.download(size=None, sha256=None)
    assert line.is_right()
    assert line.ranges[-1] is None


def test_stop_ends_promptly_and_keeps_the_part(line):
    line.server.rate = 1_000_000
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    start = time.monotonic()
    with pytest.raises(Stopped):
        line.download(stop=stop)
    assert time.monotonic() - start < 2.5
    part = part_of(line.target).read_bytes()
    assert 0 < len(part) < len(CONTENT)
    assert CONTENT.startswith(part)
    line.server.rate = None
    line.download()
    assert line.is_right()


def test_full_disk(line, monkeypatch):
    usage = shutil.disk_usage(line.server.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1 << 20))
    with pytest.raises(InputError, match="1 MB free, expected"):
        need_space(line.server.folder, 3_000_000)
    with pytest.raises(InputError, match="1 MB free, expected"):
        line.download(size=None, sha256=None)


def test_note_says_what_the_part_belongs_to(line):
    line.interrupt(1_000_000)
    note = json.loads(line.target.with_name(f"{line.target.name}.part.json").read_text())
    assert note["size"] == len(CONTENT)
    assert note["sha256"] == SHA256
    assert note["validator"].startswith('"')
