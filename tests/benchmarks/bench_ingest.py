"""Time and memory of `ingest` and `ingest_scans` at the size of the real dataset.

    .venv/bin/python -m tests.benchmarks.bench_ingest [--scan-gb 2] [--folder /tmp]

Writes 100,000 signals in ten specimens and a scan of 2 GB of simulated signals into a
temporary folder (3 GB free are needed), converts them in a process of their own each, and
prints what it took beside what is asked: 5 s for the signals, 60 s and 500 MB for the scan.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workflow.lib.simulator import SPECIMENS, simulate_specimen

CONVERT = """
import sys, time
from pathlib import Path
from workflow.lib.dataset import ingest
from workflow.lib.scans import ingest_scans

convert = {"ingest": ingest, "ingest_scans": ingest_scans}[sys.argv[1]]
started = time.perf_counter()
convert(Path(sys.argv[2]), Path(sys.argv[3]), "archive")
seconds = time.perf_counter() - started
peak_kb = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(seconds, int(peak_kb) / 1000)
"""


def write_sets(root: Path, n_signals: int) -> None:
    """Ten specimens with `n_signals` signals in all, 32-bit floats, the larger of likely types."""
    n = n_signals // 20
    for kind in ("training_sets", "evaluation_sets"):
        (root / kind).mkdir(parents=True)
        for k, specimen in enumerate(SPECIMENS, start=1):
            signals, euler = simulate_specimen(n, specimen, np.random.default_rng(k))
            content = {"xtr": signals.astype(np.float32), "ytr": euler}
            np.save(root / kind / f"{k:02d}.npy", content)


def write_scan(root: Path, n_bytes: int, width: int = 1000) -> None:
    """A scan (x, 1000, 6, 72) of `n_bytes`: noisy simulated signals, which hardly compress."""
    signals, _ = simulate_specimen(20_000, SPECIMENS[7], np.random.default_rng(0))
    shape = (n_bytes // (width * 6 * 72), width, 6, 72)
    scan = np.lib.format.open_memmap(root / "anomaly_specimen.npy", "w+", np.uint8, shape)
    rng = np.random.default_rng(1)
    for x in range(shape[0]):
        scan[x] = signals[rng.integers(0, len(signals), width)]


def measure(name: str, root: Path, output: Path) -> tuple[float, float]:
    """Seconds, and peak memory in MB, of the function `name` in a process of its own."""
    command = [sys.executable, "-c", CONVERT, name, str(root), str(output)]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak_mb = result.stdout.split()
    return float(seconds), float(peak_mb)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--signals", type=int, default=100_000)
    parser.add_argument("--scan-gb", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where the temporary folder goes")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.folder) as temporary:
        root = Path(temporary, "archive")
        write_sets(root, arguments.signals)
        write_scan(root, int(arguments.scan_gb * 1e9))
        for name, asked in (("ingest", "5 s"), ("ingest_scans", "60 s and 500 MB")):
            output = Path(temporary, f"{name}.h5")
            seconds, peak_mb = measure(name, root, output)
            size = output.stat().st_size / 1e6
            print(f"{name}: {seconds:.1f} s, peak {peak_mb:.0f} MB, writes {size:.0f} MB", end="")
            print(f" (asked: {asked})")


if __name__ == "__main__":
    main()
