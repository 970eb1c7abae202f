"""Simulated data, laid out in files exactly as the dataset on Mendeley Data is.

One file is added, data/SIMULATED.json: it tells everything downstream, whatever the
config says, that no specimen was ever measured for these numbers.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from workflow.lib.runtime.files import InputError, atomic, write_text
from workflow.lib.runtime.progress import tracked
from workflow.lib.simulation.polycrystal import scan_specimen
from workflow.lib.simulation.reflectance import (
    BACKGROUND_STD,
    COUNTS_PER_INTENSITY,
    FACET_AMPLITUDE,
    FACET_WIDTH_RAD,
    FIBRE_SPREAD_DEG,
    GAIN_LOG_STD,
    LABEL_NOISE_RMS_DEG,
    RIDGE_AMPLITUDE,
    RIDGE_WIDTH,
    SPECIMENS,
    WEIGHT_LOG_STD,
    benchmark,
    simulate_specimen,
    stream,
)

# Sets of random numbers; see `simulator.stream`.
TRAINING, EVALUATION, SCAN, ANOMALY = 1, 2, 3, 4

# Both scans have the settings of specimen 08, so that the second differs by its anomalies.
SCANNED_SPECIMEN = 8

MARKER = "data/SIMULATED.json"
SCAN_FOLDER = f"data/samples/{SCANNED_SPECIMEN:02d}"
ANOMALY_FILE = "data/anomaly_specimen.npy"


def archive_files() -> list[str]:
    """Relative paths of everything `write_archive` writes, in the order it writes them."""
    sets = [
        f"data/{kind}_sets/{specimen:02d}.npy"
        for kind in ("training", "evaluation")
        for specimen in range(1, len(SPECIMENS) + 1)
    ]
    scans = [f"{SCAN_FOLDER}/drm_data.npy", f"{SCAN_FOLDER}/eulers.npy", ANOMALY_FILE]
    return [MARKER, *sets, *scans]


def write_archive(
    folder: str | Path,
    seed: int,
    n_training: int,
    n_evaluation: int,
    scan_shape: tuple[int, int],
    facet_amplitude: float = FACET_AMPLITUDE,
) -> None:
    """Simulate all ten specimens and write the archive below `folder`.

    seed: not negative; one seed gives one archive.
    n_training, n_evaluation: signals per specimen in the two kinds of sets, at least 1.
    scan_shape: pixels (x, y) of the two scans, at least 1 each.
    facet_amplitude: of all signals, 0 to 1, from the same random numbers for each. Only with 0.15
        is the archive the benchmark sim-v1; with another it has that one's name.

    Raises InputError for a number out of range, before anything is written.
    """
    settings = {
        "seed": seed,
        "n_training": n_training,
        "n_evaluation": n_evaluation,
        "scan_shape": list(scan_shape),
    }
    _check(settings, facet_amplitude)
    folder = Path(folder)
    # First, so that an archive cut short can't pass for measured data either.
    write_text(
        folder / MARKER, json.dumps(_marker(settings, float(facet_amplitude)), indent=2) + "\n"
    )
    contents = _contents(seed, n_training, n_evaluation, tuple(scan_shape), facet_amplitude)
    for name, content in tracked(contents, "simulate", "file", len(archive_files()) - 1):
        with atomic(folder / name) as part:
            np.save(part, content)


def _check(settings: dict, facet_amplitude: float) -> None:
    """Refuse sizes that would make an empty set, seeds NumPy can't take, and no amplitude."""
    for name, least in (("seed", 0), ("n_training", 1), ("n_evaluation", 1)):
        if settings[name] < least:
            raise InputError(f"{name}: found {settings[name]}, expected at least {least}")
    shape = settings["scan_shape"]
    if len(shape) != 2 or min(shape) < 1:
        raise InputError(f"scan_shape: found {shape}, expected two numbers of at least 1")
    if not 0 <= facet_amplitude <= 1:
        raise InputError(f"facet_amplitude: found {facet_amplitude}, expected 0 to 1")


def _contents(
    seed: int, n_training: int, n_evaluation: int, scan_shape: tuple[int, int], c: float
) -> Iterator[tuple[str, np.ndarray | dict]]:
    """Yield each .npy file's relative path and what it holds, one at a time."""
    for kind, set_id, n in (
        ("training", TRAINING, n_training),
        ("evaluation", EVALUATION, n_evaluation),
    ):
        for number, specimen in enumerate(SPECIMENS, start=1):
            signals, euler_rad = simulate_specimen(n, specimen, stream(seed, set_id, number), c)
            yield f"data/{kind}_sets/{number:02d}.npy", {"xtr": signals, "ytr": euler_rad}
    specimen = SPECIMENS[SCANNED_SPECIMEN - 1]
    scan = scan_specimen(scan_shape, specimen, stream(seed, SCAN, SCANNED_SPECIMEN), c=c)
    yield f"{SCAN_FOLDER}/drm_data.npy", scan.signals
    yield f"{SCAN_FOLDER}/eulers.npy", scan.euler_zyz_rad
    rng = stream(seed, ANOMALY, SCANNED_SPECIMEN)
    yield ANOMALY_FILE, scan_specimen(scan_shape, specimen, rng, anomalies=True, c=c).signals


def _marker(settings: dict, facet_amplitude: float) -> dict:
    """What data/SIMULATED.json says: the benchmark, how it was called, and its constants."""
    constants = {
        "ridge_amplitude": RIDGE_AMPLITUDE,
        "facet_amplitude": facet_amplitude,
        "ridge_width": RIDGE_WIDTH,
        "facet_width_rad": FACET_WIDTH_RAD,
        "weight_log_std": WEIGHT_LOG_STD,
        "background_std": BACKGROUND_STD,
        "gain_log_std": GAIN_LOG_STD,
        "counts_per_intensity": COUNTS_PER_INTENSITY,
        "label_noise_rms_deg": LABEL_NOISE_RMS_DEG,
        "fibre_spread_deg": FIBRE_SPREAD_DEG,
    }
    specimens = {f"{k:02d}": asdict(specimen) for k, specimen in enumerate(SPECIMENS, start=1)}
    return {
        "simulated": True,
        "benchmark": benchmark(facet_amplitude),
        "settings": {**settings, **constants, "specimens": specimens},
    }
