"""The download as a process of its own: killed, interrupted, terminated, and started again."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workflow.mendeley_server import Fault, serving

ROOT = Path(__file__).parents[2]
CLIENT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it
from workflow.scripts.download import main
folder = Path(sys.argv[2])
main(folder=folder, output=folder / "dataset.lock.json", base_url=sys.argv[1],
     dataset_id="z8bh7n5b7d", version=1, lock=None, parallel=3)
"""
NUMBERS = [f"{number:02}" for number in range(1, 11)]
SETS = [f"data/{kind}_sets/{n}.npy" for kind in ("training", "evaluation") for n in NUMBERS]
BIG = "data/anomaly_specimen.npy"
KILLS = 20
MOST_REPEATED = 8_000_000  # bytes that a kill may cost


class Setting:
    """A server with 40 MB in 21 files, and processes that fetch them into a folder."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder

    def start(self):
        """A process whose first request has arrived."""
        requests = len(self.server.requests)
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, self.server.url, str(self.folder)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        while len(self.server.requests) == requests and process.poll() is None:
            time.sleep(0.002)
        return process

    def finish(self):
        """Let a process run to its end, and check all that it leaves."""
        self.server.rate = None
        process = self.start()
        assert process.communicate(timeout=60)[1].count(b"error") == 0
        assert process.returncode == 0
        self.check()

    def check(self):
        lock = json.loads((self.folder / "dataset.lock.json").read_text())
        assert sorted(lock["files"]) == sorted([*SETS, BIG])
        for path in lock["files"]:
            assert (self.folder / path).read_bytes() == (self.server.folder / path).read_bytes()
        assert not list(self.folder.rglob("*.part"))

    def on_disk(self):
        """Bytes of data in the folder, complete or not."""
        data = self.folder / "data"
        names = [path for path in data.rglob("*") if path.suffix in (".npy", ".part")]
        return sum(path.stat().st_size for path in names if path.exists())

    def served(self):
        return sum(self.server.served.values())

    def wait_for(self, size):
        """Until there are `size` bytes on the disk."""
        deadline = time.monotonic() + 30
        while self.on_disk() < size:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def setting(tmp_path):
    source = random.Random(4)
    for path in [*SETS, BIG]:
        (tmp_path / "served" / path).parent.mkdir(parents=True, exist_ok=True)
        size = 16_000_000 if path == BIG else 1_200_000
        (tmp_path / "served" / path).write_bytes(source.randbytes(size))
    with serving(tmp_path / "served", rate=1_200_000) as server:
        yield Setting(server, tmp_path / "raw")


def test_killed_at_random_moments_it_ends_with_the_right_files(setting):
    moments = random.Random(5)
    repeated = []
    kills = 0
    while kills < KILLS:
        served, on_disk = setting.served(), setting.on_disk()
        process = setting.start()
        time.sleep(moments.uniform(0.0, 0.9))
        process.kill()
        process.communicate()
        time.sleep(0.05)  # until the server has noticed
        assert process.returncode in (0, -signal.SIGKILL)
        repeated.append(setting.served() - served - (setting.on_disk() - on_disk))
        if process.returncode == 0:  # it came to the end before the blow: once more from the start
            setting.check()
            shutil.rmtree(setting.folder)
        else:
            kills += 1
    served, on_disk = setting.served(), setting.on_disk()
    setting.finish()
    assert setting.served() - served == setting.on_disk() - on_disk
    assert max(repeated) <= MOST_REPEATED
    print(f"{KILLS} kills, {max(repeated)} bytes repeated at most, {sum(repeated)} in all")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_told_to_end_it_does_so_at_once_and_continues_later(setting, sent):
    # One file waits for a server that has fallen silent: that must not hold up the end.
    setting.server.fail(BIG, Fault(cut_after=500_000, stall_s=30.0))
    process = setting.start()
    setting.wait_for(1_000_000)
    start = time.monotonic()
    process.send_signal(sent)
    process.communicate(timeout=20)
    assert time.monotonic() - start < 6.0
    assert process.returncode in (-sent, 128 + sent)
    on_disk, served = setting.on_disk(), setting.served()
    setting.finish()
    assert setting.served() - served <= setting.on_disk() - on_disk + MOST_REPEATED
