"""1 GB over loopback in one run: the pipeline's client against `curl`, in speed and memory.

    .venv/bin/python -m tests.benchmarks.bench_download [--size-mb 1000] [--repeats 5]

Prints both speeds, their ratio and the peak memory of each, and fails below 60 % of curl's
speed or above 150 MB. The client's time has the start of Python, the listing, SHA-256 and
the flush to the disk in it; curl's has none of them.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
from tqdm import tqdm

from tests.workflow.mendeley_server import MendeleyServer, identify

LEAST_RATIO = 0.60
MOST_MEMORY_MB = 150.0
BIG = "data/anomaly_specimen.npy"
CLIENT = """
import sys
from pathlib import Path
from workflow.lib.archive.download.fetch import fetch
folder = Path(sys.argv[2])
fetch(folder, folder / "dataset.lock.json", base_url=sys.argv[1], dataset_id="z8bh7n5b7d",
      version=1)
"""


def make_dataset(folder: Path, size: int) -> None:
    """One file of `size` bytes that do not compress, and the least that makes a dataset."""
    for name in ("data/training_sets/01.npy", "data/evaluation_sets/01.npy"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"small")
    with open(folder / BIG, "wb") as stream:
        for _ in tqdm(range(size >> 20), "making the file", disable=None):
            stream.write(os.urandom(1 << 20))


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mb", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5, help="the best of each counts")
    options = parser.parse_args()
    if shutil.which("curl") is None:
        sys.exit("curl is not installed: nothing to compare with")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        make_dataset(root / "served", options.size_mb << 20)
        server = [sys.executable, "-u", "-m", "tests.workflow.mendeley_server"]
        process = subprocess.Popen(
            [*server, str(root / "served"), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            url = process.stdout.readline().split()[-1]
            compare(url, root, options)
        finally:
            process.terminate()
            process.communicate()


def compare(url: str, root: Path, options: argparse.Namespace) -> None:
    """Run both in turn, print the figures, and fail where they miss the goal."""
    files = f"{url}/public-files/datasets/{MendeleyServer.dataset}/files"
    address = f"{files}/{identify(BIG)}/file_downloaded"
    curl = ["curl", "--silent", "--location", "--output", str(root / "curl.npy"), address]
    client = [sys.executable, "-c", CLIENT, url, str(root / "raw")]
    # The first listing makes the server hash its files, which the real one has done long ago.
    folder = identify(Path(BIG).parent)
    listing = f"{url}/public-api/datasets/{MendeleyServer.dataset}/files?folder_id={folder}"
    requests.get(f"{listing}&version=1", timeout=60).raise_for_status()
    runs: dict[str, list[tuple[float, float]]] = {"curl": [], "client": []}
    for _ in range(options.repeats):
        for name, command in (("curl", curl), ("client", client)):
            shutil.rmtree(root / "raw", ignore_errors=True)
            (root / "curl.npy").unlink(missing_ok=True)
            runs[name].append(measure(command))
        with open(root / "served" / BIG, "rb") as stream:
            expected = hashlib.file_digest(stream, "sha256").hexdigest()
        lock = json.loads((root / "raw" / "dataset.lock.json").read_text())
        if lock["files"][BIG]["sha256"] != expected:
            sys.exit("the file that arrived is not the one that was served")
    speed = {name: options.size_mb / min(seconds for seconds, _ in runs[name]) for name in runs}
    memory_mb = {name: max(peak for _, peak in runs[name]) for name in runs}
    for name in runs:
        print(f"{name:8} {speed[name]:6.0f} MiB/s  {memory_mb[name]:6.1f} MB peak memory")
    ratio = speed["client"] / speed["curl"]
    print(f"ratio    {ratio:6.2f} (goal: at least {LEAST_RATIO})")
    if ratio < LEAST_RATIO or memory_mb["client"] > MOST_MEMORY_MB:
        sys.exit("the goal is missed")


if __name__ == "__main__":
    main()
