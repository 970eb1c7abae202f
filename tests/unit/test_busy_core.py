"""The benchmarks' column "beside a busy core"."""

import time
from pathlib import Path

import pytest
import torch

from tests.benchmarks import bench_data
from tests.benchmarks.busy import beside_busy_core, busy_core
from tests.benchmarks.measure import QUICK
from tests.benchmarks.report import HEADER, to_markdown

CPU = torch.device("cpu")
MACHINE = {
    "date_utc": "2026-11-25", "commit": "abc", "gpu": None, "cpu": "a CPU", "threads": 2,
    "torch": "2", "matrix_edge": 256, "peak_gflops": {"float32": 1, "bfloat16": 1},
    "copy_gb_per_s": 1,
}  # fmt: skip


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def cpu_s(pid: int) -> float:
    """CPU time that a process has had, in units of a hundredth of a second or so."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")
def test_a_process_computes_as_long_as_it_should():
    with busy_core() as pid:
        before, end = cpu_s(pid), time.monotonic() + 60
        while cpu_s(pid) < before + 5:
            assert time.monotonic() < end, "the process does nothing"
            time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_the_ratio_is_of_all_threads_to_one_and_of_medians(two_threads):
    rates = iter([0, 0, 10, 20, 1000, 30, 11, 5000])  # one, all, …; the first turn does not count
    seen = []

    def side() -> float:
        seen.append(torch.get_num_threads())
        return float(next(rates))

    assert beside_busy_core(side, CPU, repeats=3) == 30 / 11
    assert seen == [1, 2] * 4


def test_an_error_of_the_work_ends_the_process_and_restores_the_threads(two_threads):
    def broken() -> float:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        beside_busy_core(broken, CPU, repeats=1)


def test_a_gpu_and_a_single_thread_are_left_out(two_threads):
    def never() -> float:
        raise AssertionError

    assert beside_busy_core(never, torch.device("cuda"), repeats=1) is None
    torch.set_num_threads(1)
    assert beside_busy_core(never, CPU, repeats=1) is None
    torch.set_num_threads(2)


def test_kernels_have_the_column_and_what_has_one_thread_says_so(two_threads):
    digits, decimals, simulator, ingest = bench_data.measure(CPU, QUICK)
    assert digits.beside_busy_core > 0
    assert decimals.beside_busy_core > 0
    assert simulator.beside_busy_core is ingest.beside_busy_core is None
    table = to_markdown(MACHINE, [digits, simulator]).splitlines()
    cells = [line.strip("| ").split(" | ") for line in table if line.startswith("|")][-2:]
    column = HEADER.index("beside a busy core")
    assert cells[0][column] == f"{digits.beside_busy_core:.2f}×"
    assert cells[1][column] == "–"
