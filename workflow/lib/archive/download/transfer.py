"""One file by HTTP: resumed after any interruption, hashed as it arrives, renamed when right."""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import requests
import urllib3

from workflow.lib.archive.download.http import (
    Again,
    DownloadError,
    Stopped,
    Web,
    is_page,
    page_instead,
)
from workflow.lib.runtime.files import InputError, atomic
from workflow.lib.runtime.script import logger

CHUNK = 1 << 18  # bytes: larger ones fall out of the processor's cache before they are hashed
WRITE_BACK = 64 << 20  # bytes after which the disk is set to work
LARGEST_UNDECLARED = 16 << 30  # bytes accepted where no size was declared beforehand
SPACE_MARGIN = 256 << 20
WRONG_CONTENT_LIMIT = 2


def need_space(folder: Path, size: int) -> None:
    """Raise InputError unless the disk of `folder` takes `size` bytes more, and a margin."""
    free = shutil.disk_usage(folder).free
    if free < size + SPACE_MARGIN:
        raise InputError(
            f"{folder}: {free / 1e6:.0f} MB free, expected {(size + SPACE_MARGIN) / 1e6:.0f} MB "
            "for the download; free some space and start again"
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Claim `folder`; InputError if another process has (say, one that outlived its Snakemake)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InputError(
            f"{folder}: another process is downloading into it; wait for it or end it"
        ) from error
    except OSError:
        logger.warning("%s: the file system has no locks, so start only one download", folder)
    try:
        yield
    finally:
        os.close(handle)


class Part:
    """The bytes of a file so far: `<name>.part`, their running hash, and what they belong to.

    Beside the part, `<name>.part.json` holds the size and hash they should come to and
    the validator (ETag or Last-Modified) of the response they came from: a part whose
    note is missing or speaks of another file is thrown away. Every chunk goes to the
    kernel at once, so that a killed process loses none. `progress` is told each change
    in the number of bytes.
    """

    def __init__(
        self,
        target: Path,
        size: int | None,
        sha256: str | None,
        progress: Callable[[int], object] = lambda change: None,
    ):
        self.target, self.size, self.sha256, self.progress = target, size, sha256, progress
        self.path = part_of(target)
        self.note = target.with_name(f"{target.name}.part.json")
        self.validator: str | None = None
        self.wrong_contents = 0
        self.sent_to_disk = 0  # offset
        target.parent.mkdir(parents=True, exist_ok=True)
        self.stream = open(self.path, "ab+", buffering=0)  # noqa: SIM115 (closed in __exit__)
        self.offset = self.furthest = os.fstat(self.stream.fileno()).st_size
        self.gained = 0  # bytes of new ground, which never shrinks
        self.hash = hashlib.sha256()
        if self._resumable():
            self._read_back()
        else:
            self.restart()
            self.furthest = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        if self.offset == 0:
            self.path.unlink(missing_ok=True)

    def _resumable(self) -> bool:
        try:
            note = json.loads(self.note.read_text("utf-8"))
            self.validator = note["validator"]
            same = (note["size"], note["sha256"]) == (self.size, self.sha256)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        # Without a hash only a validator can tell that the rest belongs to the same file.
        certain = self.sha256 is not None or self.validator is not None
        return same and certain and (self.size is None or self.offset <= self.size)

    def _read_back(self) -> None:
        self.stream.seek(0)
        block = bytearray(1 << 20)
        while count := self.stream.readinto(block):
            self.hash.update(memoryview(block)[:count])

    def restart(self) -> None:
        """Throw the bytes away."""
        self.progress(-self.offset)
        self.stream.truncate(0)
        self.offset, self.hash, self.validator = 0, hashlib.sha256(), None
        self.sent_to_disk = 0

    def remember(self, validator: str | None) -> None:
        """Note what the bytes to come belong to; before the first of them is written."""
        self.validator = validator
        note = {"size": self.size, "sha256": self.sha256, "validator": validator}
        with atomic(self.note) as path:
            path.write_text(json.dumps(note, sort_keys=True) + "\n", "utf-8")

    def add(self, chunk: bytes) -> None:
        """Append `chunk`, never beyond the declared size."""
        limit = LARGEST_UNDECLARED if self.size is None else self.size
        if self.offset + len(chunk) > limit:
            raise self._wrong(f"more than the expected {limit} bytes")
        view = memoryview(chunk)
        try:
            while view:
                view = view[self.stream.write(view) :]
        except OSError as error:
            raise InputError(
                f"{self.path}: {error.strerror} while writing; what has arrived is kept, "
                "make room and start again"
            ) from error
        self.hash.update(chunk)
        self.offset += len(chunk)
        self.gained += max(0, self.offset - self.furthest)
        self.furthest = max(self.furthest, self.offset)
        self.progress(len(chunk))
        if self.offset - self.sent_to_disk >= WRITE_BACK:
            # Starts the writing and returns: without it, all is left to the fsync at the end.
            os.posix_fadvise(self.stream.fileno(), self.sent_to_disk, 0, os.POSIX_FADV_DONTNEED)
            self.sent_to_disk = self.offset

    def finish(self) -> str:
        """Verify, flush to the disk and rename; the sha256 of the file."""
        if self.size is not None and self.offset < self.size:
            raise Again(f"{self.target.name}: ended after {self.offset} of {self.size} bytes")
        found = self.hash.hexdigest()
        if self.sha256 is not None and found != self.sha256:
            raise self._wrong(f"sha256 {found}, expected {self.sha256}")
        os.fsync(self.stream.fileno())
        os.replace(self.path, self.target)
        self.note.unlink(missing_ok=True)
        return found

    def _wrong(self, what: str) -> Exception:
        """Start over after wrong content, which a second complete transfer must not repeat."""
        self.restart()
        self.furthest = 0
        self.wrong_contents += 1
        kind = DownloadError if self.wrong_contents >= WRONG_CONTENT_LIMIT else Again
        return kind(f"{self.target.name}: {what}")


def part_of(target: Path) -> Path:
    """Where the bytes of `target` are collected until they are complete and verified."""
    return target.with_name(f"{target.name}.part")


def download(
    web: Web,
    url: str,
    target: Path,
    *,
    size: int | None,
    sha256: str | None,
    progress: Callable[[int], object] = lambda change: None,
) -> str:
    """Download `url` to `target`, continuing from `<target>.part`; the sha256 of the file.

    `size` in bytes and `sha256` are verified where they are not None. `progress` gets
    the change in bytes on disk, negative when a transfer starts over. Raises
    DownloadError when patience ends or the content is wrong twice, InputError when the
    disk is full, Stopped when `web.stop` is set; the part stays in each case.
    """
    with Part(target, size, sha256, progress) as part:
        return web.persist(lambda: _attempt(web, url, part), lambda: part.gained)


def _attempt(web: Web, url: str, part: Part) -> str:
    if part.size is None or part.offset < part.size:
        headers = {}
        if part.offset:
            headers["Range"] = f"bytes={part.offset}-"
            if part.validator:
                headers["If-Range"] = part.validator
        with closing(web.get(url, headers)) as response:
            _align(part, url, response)
            for chunk in _chunks(web, url, response):
                part.add(chunk)
    return part.finish()


def _align(part: Part, url: str, response: requests.Response) -> None:
    """Make sure that the response's first byte is the part's next, or start over."""
    if response.status_code == 200:
        _check_whole(part, url, response)
        if part.offset:
            part.restart()
        part.remember(_validator(response))
        return
    given = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    continues = (
        response.status_code == 206
        and part.offset > 0
        and given is not None
        and int(given[1]) == part.offset
        and (part.size is None or given[3] in ("*", str(part.size)))
        and _unchanged(part.validator, response)
    )
    if not continues:
        part.restart()
        raise Again(f"{part.target.name}: the server cannot continue at this byte, starting over")


def _check_whole(part: Part, url: str, response: requests.Response) -> None:
    """Refuse a whole body of the wrong size, or a page of a proxy, before the part is lost."""
    length = response.headers.get("Content-Length", "")
    if is_page(response) and length != str(
        part.size
    ):  # whatever a file of the right size is called
        raise page_instead(url)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Again(f"{part.target.name}: arrives compressed, which was not asked for")
    if not length.isdigit():
        return
    if part.size is None:
        need_space(part.path.parent, int(length))
    elif int(length) != part.size:
        reason = f"{part.target.name}: {length} bytes announced, {part.size} expected"
        raise Again(reason, is_refusal=True)


def _validator(response: requests.Response) -> str | None:
    """A strong ETag, else Last-Modified: what If-Range may carry (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _unchanged(validator: str | None, response: requests.Response) -> bool:
    """Whether a partial response agrees with the validator of the bytes before it."""
    if validator is None:
        return True
    kind = "ETag" if validator.startswith('"') else "Last-Modified"
    return response.headers.get(kind, validator) == validator


def _chunks(web: Web, url: str, response: requests.Response) -> Iterator[bytes]:
    """The body as it comes in, undecoded; a break in the line raises Again."""
    while not web.stop.is_set():
        try:
            chunk = response.raw.read1(CHUNK, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise Again(f"{url}: the transfer broke off ({type(error).__name__})") from error
        if not chunk:
            return
        yield chunk
    raise Stopped
