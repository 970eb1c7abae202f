"""A server with a small dataset, and a folder to fetch it into: for the tests of fetching."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.workflow.mendeley_server import identify, serving, sha256
from workflow.lib.archive.download.fetch import RECORD, fetch
from workflow.lib.archive.download.http import Patience

FAST = Patience(
    attempts=3, refusals=2, first_delay_s=0.005, longest_delay_s=0.01, read_timeout_s=2.0
)
KINDS = ("training", "evaluation")
SCANS = ["anomaly_specimen.npy", "samples/08/drm_data.npy", "samples/08/eulers.npy"]
SETS = [f"{kind}_sets/{number}.npy" for kind in KINDS for number in ("01", "02")]
PATHS = sorted(f"data/{name}" for name in SCANS + SETS)  # in the order of download
FIRST, LAST = PATHS[0], PATHS[-1]
UNNEEDED = "trained_models/eulernet.h5"
DEAD = "http://127.0.0.1:9"


def address(path: str) -> str:
    """The server's key for a file's own address, which redirects to the file."""
    return f"address {identify(path)}"


class Setting:
    """A server, a folder to fetch into, and what should come of it."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.output = folder / "dataset.lock.json"

    def fetch(self, base_url=None, **options):
        options = {"patience": FAST, "dataset_id": "z8bh7n5b7d", "version": 1} | options
        fetch(self.folder, self.output, base_url=base_url or self.server.url, **options)

    def lock(self, path=None):
        return json.loads((path or self.output).read_text())

    def change_on_server(self, path):
        (self.server.folder / path).write_bytes(b"other bytes")

    def size(self, path):
        return (self.server.folder / path).stat().st_size

    def hashes(self, path):
        """Of the file on the server and the one in the lock."""
        served = self.server.folder / path
        return sha256(served, served.stat().st_mtime_ns), self.lock()["files"][path]["sha256"]

    @property
    def requested(self):
        return [key for key, _ in self.server.requests]

    def is_complete(self, paths=PATHS):
        found = {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*.*")}
        same = all(
            (self.folder / p).read_bytes() == (self.server.folder / p).read_bytes() for p in paths
        )
        return same and found == {*paths, RECORD, self.output.name}


@contextmanager
def fetching(folder: Path) -> Iterator[Setting]:
    """The setting, with files of random bytes up to 0.3 MB."""
    source = random.Random(3)
    for path in [*PATHS, UNNEEDED]:
        (folder / "served" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "served" / path).write_bytes(source.randbytes(source.randrange(1, 300_000)))
    with serving(folder / "served") as server:
        yield Setting(server, folder / "raw" / "z8bh7n5b7d.1")
