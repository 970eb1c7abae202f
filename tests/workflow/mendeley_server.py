"""A local server that speaks Mendeley Data's public API from a folder, faults on demand.

In tests: `with serving(folder) as server`. By hand, to run the pipeline against it (loopback
only): `python tests/workflow/mendeley_server.py FOLDER --port 8000`.
"""

import argparse
import hashlib
import json
import os
import re
import socket
import struct
import tempfile
import threading
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request; `times` requests in a row, None for ever.

    `status` answers with this status (and `retry_after`); `content` serves other bytes with
    their own ETag, and `content_type`; `cut_after` ends the body there, by a reset if `reset`,
    else in an orderly way under a Content-Length that promised more; `ignore_range` answers
    200; `content_range` is a header to lie with; `location` redirects; `stall_s` keeps the client
    waiting, for the answer or at the cut; `unsized` omits the length and closes at the end.
    """

    status: int | None = None
    retry_after: str | None = None
    content: bytes | None = None
    content_type: str | None = None
    cut_after: int | None = None
    reset: bool = False
    ignore_range: bool = False
    content_range: str | None = None
    location: str | None = None
    stall_s: float = 0.0
    unsized: bool = False
    times: int | None = 1


class MendeleyServer(ThreadingHTTPServer):
    """Serves the files below `folder`; `served` counts the bytes sent for each of them.

    Keys of `served`, `requests` (with their Range) and `fail` are paths below the folder, or
    "folders", "files", "zip" and "address <id>", which redirects to the file with this id.
    `rate` limits each connection, in bytes per second. `page_size` splits listings,
    `validators` sends ETag and Last-Modified, `overrides` replaces fields in the listing.
    """

    daemon_threads = True
    dataset, version = "z8bh7n5b7d", 1

    def __init__(self, folder: Path, port: int = 0, rate: float | None = None):
        super().__init__(("127.0.0.1", port), Handler)
        self.folder, self.rate = folder, rate
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.page_size, self.validators = None, True
        self.served: Counter[str] = Counter()
        self.requests: list[tuple[str, str | None]] = []
        self.overrides: dict[str, dict] = {}
        self._faults: dict[str, Iterator[Fault]] = defaultdict(lambda: iter(()))
        self._guard = threading.Lock()
        self._zip: Path | None = None
        self._open = ExitStack()

    def fail(self, key: str, *faults: Fault) -> None:
        """Queue `faults` for the coming requests of `key`."""
        for fault in faults:
            times = () if fault.times is None else (fault.times,)
            self._faults[key] = chain(self._faults[key], repeat(fault, *times))

    def next_fault(self, key: str, asked: str | None) -> Fault:
        """Note the request; its fault, one without faults if all is well."""
        with self._guard:
            self.requests.append((key, asked))
            return next(self._faults[key], Fault())

    def count(self, key: str, sent: int) -> None:
        with self._guard:
            self.served[key] += sent

    def paths(self) -> list[str]:
        """The files of the dataset, below the folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def folders(self) -> list[dict]:
        """Answer to the folders request: all of them, each naming its parent."""
        found = {parent for path in self.paths() for parent in Path(path).parents}
        return [
            {"id": identify(path), "name": path.name, "parent_id": identify(path.parent)}
            for path in sorted(found - {Path(".")})
        ]

    def files(self, folder_id: str) -> list[dict]:
        """Answer to the files request of one folder."""
        return [
            self.entry(path) | self.overrides.get(path, {})
            for path in self.paths()
            if (identify(Path(path).parent) or "root") == folder_id
        ]

    def entry(self, path: str) -> dict:
        """How the API describes a file."""
        state, name = (self.folder / path).stat(), Path(path).name
        hashed, size = sha256(self.folder / path, state.st_mtime_ns), state.st_size
        details = {"sha256_hash": hashed, "size": size, "content_type": "application/x-npy"}
        details["download_url"] = f"{self.url}/storage/{identify(path)}"
        return {"id": identify(path), "filename": name, "size": size, "content_details": details}

    def zip(self) -> Path:
        """Everything as one zip, built at the first request."""
        with self._guard:
            if self._zip is None:
                folder = self._open.enter_context(tempfile.TemporaryDirectory())
                self._zip = Path(folder) / "dataset.zip"
                with zipfile.ZipFile(self._zip, "w") as archive:
                    for path in self.paths():
                        archive.write(self.folder / path, f"DRM dataset/{path}")
            return self._zip

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the game."""

    def server_close(self) -> None:
        super().server_close()
        self._open.close()


def identify(path: str | Path) -> str | None:
    """The id that the API gives a file or folder, None for the top."""
    return hashlib.md5(str(path).encode()).hexdigest() if Path(path) != Path(".") else None


@lru_cache
def sha256(path: Path, changed_ns: int) -> str:
    """SHA-256 as 64 hexadecimal digits, computed once for each state of the file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers the five kinds of request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: MendeleyServer

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        server, parts = self.server, urlsplit(self.path)
        path, query = parts.path, dict(parse_qsl(parts.query))
        files = f"/public-files/datasets/{server.dataset}/files"
        if path == f"/public-api/datasets/{server.dataset}/folders/{server.version}":
            self.listing("folders", server.folders(), query)
        elif path == f"/public-api/datasets/{server.dataset}/files" and "version" in query:
            self.listing("files", server.files(query.get("folder_id", "")), query)
        elif file := re.fullmatch(f"{files}/([^/]+)/file_downloaded", path):
            if self.begin(f"address {file[1]}") is not None:
                self.redirect(f"/storage/{file[1]}")
        elif path == f"/public-api/zip/{server.dataset}/download/{server.version}":
            self.redirect(f"{server.url}/storage/zip")
        elif path == "/storage/zip":
            self.storage("zip", server.zip())
        elif found := [p for p in server.paths() if path == f"/storage/{identify(p)}"]:
            self.storage(found[0], server.folder / found[0])
        else:
            self.answer(404, b"not here")

    def listing(self, key: str, entries: list[dict], query: dict[str, str]) -> None:
        if (fault := self.begin(key)) is None:
            return
        headers = {"Content-Type": fault.content_type or "application/json"}
        if size := self.server.page_size:
            page = int(query.get("page", "1"))
            if len(entries) > page * size:
                rest = urlencode(query | {"page": page + 1})
                headers["Link"] = f'<{urlsplit(self.path).path}?{rest}>; rel="next"'
            entries = entries[(page - 1) * size : page * size]
        body = json.dumps(entries).encode() if fault.content is None else fault.content
        self.answer(200, body[: fault.cut_after], headers)

    def begin(self, key: str) -> Fault | None:
        """The fault that a request meets, None if that has been answered here."""
        fault = self.server.next_fault(key, self.headers.get("Range"))
        time.sleep(fault.stall_s if fault.cut_after is None else 0)
        if fault.location is not None:
            self.redirect(fault.location)
        elif fault.status is not None:
            wait = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self.answer(fault.status, b"trouble", wait)
        return None if fault.status or fault.location else fault

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str) -> None:
        self.answer(302, b"", {"Location": location})

    def storage(self, key: str, path: Path) -> None:
        """The bytes of a file: whole, or from the byte that Range names."""
        if (fault := self.begin(key)) is None:
            return
        with open(path, "rb") if fault.content is None else tempfile.TemporaryFile() as stream:
            if fault.content is not None:
                stream.write(fault.content)
                stream.flush()
            state = os.fstat(stream.fileno())
            size, etag = state.st_size, f'"{state.st_ino:x}-{state.st_mtime_ns:x}"'
            modified = formatdate(state.st_mtime, usegmt=True)
            start = 0 if fault.ignore_range else self.first_byte(etag, modified)
            if start >= size > 0:
                self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
                return
            self.send_response(206 if start else 200)
            if start:
                whole = f"bytes {start}-{size - 1}/{size}"
                self.send_header("Content-Range", fault.content_range or whole)
            if self.server.validators:
                self.send_header("ETag", etag)
                self.send_header("Last-Modified", modified)
            self.send_header("Content-Type", fault.content_type or "application/octet-stream")
            if not fault.unsized:
                self.send_header("Content-Length", str(size - start))
            self.end_headers()
            end = size if fault.cut_after is None else min(size, start + fault.cut_after)
            self.send(key, stream.fileno(), start, end)
        if fault.unsized or fault.cut_after is not None:
            self.hang_up(fault)

    def first_byte(self, etag: str, modified: str) -> int:
        """Where the answer starts: 0 unless Range, and If-Range if given, allow more."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, etag, modified)
        return int(asked[1]) if asked and same else 0

    def send(self, key: str, file: int, start: int, end: int) -> None:
        rate, sent = self.server.rate, 1
        block = 1 << (16 if rate else 24)
        while start < end and sent:
            sent = os.sendfile(self.connection.fileno(), file, start, min(end - start, block))
            self.server.count(key, sent)
            start += sent
            time.sleep(sent / rate if rate else 0)

    def hang_up(self, fault: Fault) -> None:
        time.sleep(fault.stall_s)
        self.close_connection = True
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@contextmanager
def serving(folder: Path, **options: object) -> Iterator[MendeleyServer]:
    """A running server for `folder`; options as for `MendeleyServer`."""
    with MendeleyServer(folder, **options) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds data/training_sets/01.npy and so on")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rate", type=float, help="bytes per second of each connection")
    options = parser.parse_args()
    with MendeleyServer(options.folder, options.port, rate=options.rate) as server:
        print(f"data.base_url: {server.url}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
