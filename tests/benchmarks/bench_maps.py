"""How fast scans are mapped, beside the network's own predictions, and how much memory that takes.

    PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_maps.py [--threads 2] [--quick]

Scans are files of simulated signals, repeated. `make bench` has the rates alone; this program also
maps whole scans of 10⁵, 10⁶ and 4·10⁶ pixels, each in a process of its own, whose peak memory it
prints (4·10⁶ pixels need 2 GB of disk for a while, and the time of as many predictions). Weights
are untrained, which takes the same time: a sequence is always written to its full length.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from tests.benchmarks.measure import Row, Sizes, alternate, compare, rate
from tests.benchmarks.problem import published, simulated
from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.inference.plain import predict_plain
from workflow.lib.maps.blocks import About, join_blocks, write_block
from workflow.lib.maps.index import Indexer
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.maps.signal_space import SignalSpace, fit_signal_space
from workflow.lib.runtime.devices import choose_device

NETWORKS = {"sequencenet": "SequenceNet", "eulernet": "EulerNet"}
PIXELS = (100_000, 1_000_000, 4_000_000)  # of the scans whose memory is measured
ABOUT = About("simulated", "untrained", 1, 1, 1, "a benchmark")
AXES = ("-y", "+x")  # that make the join transpose and flip


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    """A row of each network: pixels read, answered, scored and written, beside answers alone."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scan = write_scan(Path(folder), sizes.mapped_pixels)
        signals = torch.from_numpy(np.load(scan)).flatten(0, 1).to(device)
        for network, title in NETWORKS.items():
            task, space = published(network)[0], signal_space()
            indexer = Indexer(task, space, 1, device, torch.get_num_threads())
            sides = {
                "map": lambda indexer=indexer: rate(
                    lambda: map_scan(scan, indexer, Path(folder)), len(signals)
                ),
                "baseline": lambda task=task: rate(
                    lambda: predict_plain(task, signals), len(signals)
                ),
            }
            rates = alternate(sides, sizes.repeats)
            rows.append(compare(f"map, {title}", "pixels/s", rates, "map", "its predictions alone"))
    return rows


def write_scan(folder: Path, pixels: int) -> Path:
    """A square scan of about so many pixels, as a .npy."""
    edge, path = round(pixels**0.5), folder / f"{pixels}.npy"
    few = simulated(min(2000, edge), specimen=8).signals
    header = {"descr": "|u1", "fortran_order": False, "shape": (edge, edge, 6, 72)}
    with open(path, "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for x in range(edge):
            few[(np.arange(edge) + 7 * x) % len(few)].tofile(stream)
    return path


def signal_space() -> SignalSpace:
    train, validation = simulated(1000, 1).signals, simulated(100, 2).signals
    return fit_signal_space(train, validation, 32, 0.001)


def map_scan(path: Path, indexer: Indexer, folder: Path) -> None:
    """As the rules `map_block` and `map` do, in one block."""
    block = folder / "block.h5"
    with open_signals(path) as scan:
        write_block(scan, indexer, (0, scan.shape[0]), ABOUT, block, "map")
        shape = scan.shape
    facts = ScanFacts("mine", shape, AXES, 1.0, "simulated", str(path), "", "", False, ())
    join_blocks([block], facts, folder / "map.h5")
    block.unlink()


def peak_mb(path: Path, network: str, threads: int) -> float:
    """Of a process that maps a scan."""
    command = [sys.executable, __file__, "--one", str(path), "--network", network]
    done = subprocess.run(
        [*command, "--threads", str(threads)], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def map_one(path: Path, network: str, threads: int) -> None:
    """Map a scan and print this program's peak memory in MB, as Linux has it.

    Not getrusage's, which begins with that of the process that started this one.
    """
    indexer = Indexer(published(network)[0], signal_space(), 1, torch.device("cpu"), threads)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        map_scan(path, indexer, Path(folder))
    status = Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="10⁴ and 10⁵ pixels alone")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--network", choices=list(NETWORKS), default="eulernet")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.one:
        map_one(arguments.one, arguments.network, arguments.threads)
        return
    for row in measure(choose_device("cpu"), Sizes()):
        print(f"{row.work}: {row.ours:,.0f} {row.unit}, {row.ratio:.2f} of {row.baseline}")
    for pixels in (10_000, 100_000) if arguments.quick else PIXELS:
        with tempfile.TemporaryDirectory() as folder:
            scan = write_scan(Path(folder), pixels)
            peak = peak_mb(scan, arguments.network, arguments.threads)
        print(f"{NETWORKS[arguments.network]}, {pixels:,} pixels: peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
