"""All speeds side by side in one run, each beside a straightforward baseline.

    PYTHONPATH=. .venv/bin/python tests/benchmarks/bench.py [--device cpu] [--threads 2] [--quick]

Prints a table and writes bench.json and bench.md. A benchmark that lacks a package says so in
its row; one that fails says so too, the others are kept, and the exit status is 1.
"""

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import torch
from tqdm import tqdm

from tests.benchmarks import (
    bench_data,
    bench_evaluation,
    bench_maps,
    bench_several,
    bench_training,
)
from tests.benchmarks.machine import describe
from tests.benchmarks.measure import CPU, GPU, QUICK, Row, Sizes
from tests.benchmarks.report import to_markdown, write
from workflow.lib.runtime.devices import choose_device

Benchmark = Callable[[torch.device, Sizes], list[Row]]


def measure_misorientation(device: torch.device, sizes: Sizes) -> list[Row]:
    from tests.benchmarks import bench_misorientation  # it needs orix, which may be missing

    return bench_misorientation.measure(device, sizes)


BENCHMARKS: dict[str, Benchmark] = {
    "training": bench_training.measure,
    "evaluation": bench_evaluation.measure,
    "several answers": bench_several.measure,
    "maps": bench_maps.measure,
    "misorientation": measure_misorientation,
    "data": bench_data.measure,
}


def measure_all(device: torch.device, sizes: Sizes) -> tuple[list[Row], bool]:
    """The rows of all benchmarks, and whether none of them failed."""
    rows, sound = [], True
    for name, benchmark in tqdm(BENCHMARKS.items(), "benchmarks", disable=None):
        bars = io.StringIO()  # the library's own, which would fill the terminal
        try:
            with redirect_stderr(bars):
                rows += benchmark(device, sizes)
        except ImportError as error:
            rows.append(Row(name, "", note=f"not measured: {error}"))
        except Exception as error:
            traceback.print_exc()
            rows.append(Row(name, "", note=f"failed: {type(error).__name__}: {error}"))
            sound = False
    return rows, sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="default: all cores")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    sizes = QUICK if arguments.quick else GPU if device.type == "cuda" else CPU
    machine = describe(device, sizes)
    rows, sound = measure_all(device, sizes)
    write(arguments.output, machine, rows)
    print(to_markdown(machine, rows), end="")
    sys.exit(not sound)


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    main()
