"""Snakemake's own share of the demo's time: what passes while no job of it runs.

`python tests/benchmarks/bench_overhead.py`, after `make demo` has run through in one go. A job's
benchmark file is written at its end and holds its seconds; a start of Snakemake is timed beside.
"""

import subprocess
import sys
import time
from pathlib import Path

RUN = Path("results/demo")
SNAKEMAKE = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all"]


def job_times(benchmarks: Path) -> list[tuple[float, float]]:
    """Begin and end of each job, in seconds since the epoch, in order."""
    times = []
    for file in benchmarks.rglob("*.tsv"):
        seconds, end = float(file.read_text().splitlines()[1].split()[0]), file.stat().st_mtime
        times.append((end - seconds, end))
    return sorted(times)


def gaps_s(times: list[tuple[float, float]]) -> float:
    """Seconds between the first begin and the last end in which no job ran."""
    gaps, busy_until = 0.0, times[0][1]
    for begin, end in times[1:]:
        gaps += max(0.0, begin - busy_until)
        busy_until = max(busy_until, end)
    return gaps


def start_s() -> float:
    begin = time.perf_counter()
    subprocess.run(
        [*SNAKEMAKE, "--configfile", "config/demo.yaml"], capture_output=True, check=True
    )
    return time.perf_counter() - begin


def main() -> None:
    times = job_times(RUN / "benchmarks")
    if not times:
        print(f"{RUN}/benchmarks holds no job: run `make demo` first")
        return
    start, gaps = start_s(), gaps_s(times)
    whole = start + max(end for _, end in times) - times[0][0]
    print(
        f"Snakemake's share of {whole:.0f} s: {start:.1f} s to start, {gaps:.1f} s between "
        f"{len(times)} jobs, {100 * (start + gaps) / whole:.1f} %"
    )


if __name__ == "__main__":
    main()
