"""What a core that another program keeps busy costs work in several threads."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tests.benchmarks.measure import Side, alternate

# Stays on its core where the system allows that, and ends with its parent.
LOOP = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
parent = os.getppid()
print("busy", flush=True)
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy_core() -> Iterator[int]:
    """While it lasts, a process keeps one of our cores busy; its id is given."""
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    command = [sys.executable, "-I", "-c", LOOP, str(core)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def beside_busy_core(side: Side, device: torch.device, repeats: int) -> float | None:
    """The rate with all threads over the rate with one, the median of turns beside a busy core.

    None where there is nothing to compare: work on a GPU, or one thread.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        return None
    with busy_core():
        rates = alternate({n: _in_threads(n, side) for n in (1, threads)}, repeats)
    return statistics.median(rates[threads]) / statistics.median(rates[1])


def _in_threads(n: int, side: Side) -> Side:
    def measured() -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(n)
        try:
            return side()
        finally:
            torch.set_num_threads(before)

    return measured
