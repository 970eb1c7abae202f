"""Speed and memory of the simulator: `python -m tests.benchmarks.bench_simulator`.

Prints signals per second and the peak memory of the process. The target is 100,000 signals in
under 20 s on two cores.
"""

import argparse
import resource
import time

from workflow.lib.simulator import SPECIMENS, simulate_specimen, stream


def main() -> None:
    """Simulate once and print what it took."""
    parser = argparse.ArgumentParser(description="Speed and memory of the simulator.")
    parser.add_argument("--signals", type=int, default=100_000)
    n = parser.parse_args().signals
    start = time.perf_counter()
    simulate_specimen(n, SPECIMENS[7], stream(0, 1, 8))
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts in KiB
    print(f"{n} signals in {seconds:.2f} s: {n / seconds:,.0f} signals/s, peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
