"""How the benchmarks measure: side by side, in turns, next to what the machine can do at most."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from workflow.lib.orientation import misorientation_deg
from workflow.lib.training.precision import usable_precision

SAME_DEG = 0.5  # a prediction this near the one of float32 counts as the same


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured; one of the three below.

    repeats: times that each side of a row is measured.
    steps: of training in a repeat, by network; baseline_steps: the same for the baseline, and
    busy_steps beside a busy core.
    loader_steps: that the baseline takes before each turn, until its workers are as far ahead
    as they will be at the end.
    lessons: steps that the networks are trained for before they are evaluated.
    tta_signals, plain_signals: evaluated in a repeat; baseline_signals: by the TTA baseline;
    decoded_signals: to which several answers are written.
    quaternions: encoded and decoded; looped_quaternions: by the Python loop.
    pairs: of orientations that are compared.
    simulated, looped_signals: the same for the simulator.
    specimen_signals: of each of the 20 sets of the ingested archive, whose scans are squares
    of `scan_edge` pixels.
    mapped_pixels: of a scan.
    matrix_edge, copied_mb: of what measures the machine's limits.
    """

    repeats: int = 3
    training_signals: int = 1000
    steps: dict[str, int] = field(default_factory=lambda: {"sequencenet": 15, "eulernet": 100})
    baseline_steps: dict[str, int] = field(
        default_factory=lambda: {"sequencenet": 15, "eulernet": 100}
    )
    busy_steps: dict[str, int] = field(default_factory=lambda: {"sequencenet": 2, "eulernet": 10})
    loader_steps: int = 8
    lessons: int = 600
    tta_signals: int = 64
    baseline_signals: int = 64
    plain_signals: int = 1000
    decoded_signals: int = 750
    quaternions: int = 1_000_000
    looped_quaternions: int = 20_000
    pairs: int = 1_000_000
    simulated: int = 20_000
    looped_signals: int = 1000
    specimen_signals: int = 1000
    scan_edge: int = 96
    mapped_pixels: int = 40_000
    matrix_edge: int = 2048
    copied_mb: int = 256


CPU = Sizes()
GPU = Sizes(
    steps={"sequencenet": 300, "eulernet": 1000}, tta_signals=4096,
    mapped_pixels=1_000_000, matrix_edge=8192, copied_mb=4096
)  # fmt: skip
QUICK = Sizes(
    repeats=1, training_signals=2, steps={"sequencenet": 1, "eulernet": 2},
    baseline_steps={"sequencenet": 1, "eulernet": 2},
    busy_steps={"sequencenet": 1, "eulernet": 2}, loader_steps=0, lessons=2, tta_signals=2,
    baseline_signals=2, plain_signals=8, decoded_signals=2, quaternions=2000,
    looped_quaternions=200, pairs=2000, simulated=200, looped_signals=20, specimen_signals=4,
    scan_edge=8, mapped_pixels=16, matrix_edge=256, copied_mb=8,
)  # fmt: skip


@dataclass
class Row:
    """A line of the table.

    ours, baseline_value: rates in `unit`, larger is better; `ratio` of the two. None where
    it was not measured, and then `note` says why.
    baseline: its name. limit: what bounds the rate on this machine, `limit_share` how much
    of that is reached, 0–1.
    beside_busy_core: rate in all threads over the rate in one, another program keeping a core
    busy; None where a GPU or a single thread works.
    repeats: every single rate behind the row, by side; not part of the table.
    """

    work: str
    unit: str
    ours: float | None = None
    baseline: str = ""
    baseline_value: float | None = None
    ratio: float | None = None
    limit: str = ""
    limit_share: float | None = None
    beside_busy_core: float | None = None
    note: str = ""
    repeats: dict[str, list[float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The table's columns alone."""
        return {name: value for name, value in asdict(self).items() if name != "repeats"}


Side = Callable[[], float]


def alternate(sides: dict[str, Side], repeats: int) -> dict[str, list[float]]:
    """The rates that each side measures of itself, after a first time that does not count.

    The sides take turns, so that the drift of a shared machine hits all of them.
    """
    for side in sides.values():
        side()
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            rates[name].append(side())
    return rates


def rate(function: Callable[[], object], items: float, least_s: float = 0.0) -> float:
    """Items per second of a function that does `items` of them, called for at least `least_s`."""
    calls = 0
    synchronise()
    begin = time.perf_counter()
    while (seconds := time.perf_counter() - begin) < least_s or not calls:
        function()
        synchronise()
        calls += 1
    return calls * items / seconds


def synchronise() -> None:
    """Wait for the GPU, if one was used."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def compare(
    work: str, unit: str, rates: dict[str, list[float]], ours: str, baseline: str, note: str = ""
) -> Row:
    """A row of the best rates of two sides, i.e. of their least times per item."""
    best, other = max(rates[ours]), max(rates["baseline"])
    repeats = {"ours": rates[ours], "baseline": rates["baseline"]}
    return Row(work, unit, best, baseline, other, best / other, note=note, repeats=repeats)


def bound_by_products(row: Row, rates: dict[str, list[float]], name: str, operations: float) -> Row:
    """Compare with the matrix product in precision `name`, which took its turns as "… product".

    operations: floating-point operations an item takes inside matrix products.
    """
    gflops, peak = row.ours * operations / 1e9, max(rates[f"{name} product"]) / 1e9
    row.limit = f"{gflops:.0f} of {peak:.0f} GFLOP/s, {name} matrix product"
    row.limit_share = gflops / peak
    row.repeats["limit"] = rates[f"{name} product"]
    return row


def bound_by_copying(row: Row, rates: dict[str, list[float]], item_bytes: int) -> Row:
    """Compare with the speed of copying, which took its turns in `rates` as "copy"."""
    gb, peak = row.ours * item_bytes / 1e9, max(rates["copy"]) / 1e9
    row.limit = f"{gb:.2f} of {peak:.0f} GB/s, read and written"
    row.limit_share = gb / peak
    row.repeats["limit"] = rates["copy"]
    return row


def matrix_product(precision: str, device: torch.device, edge: int) -> Side:
    """Operations per second of a square matrix product."""
    a = torch.randn(edge, edge, device=device).to(getattr(torch, precision))
    return lambda: rate(lambda: a @ a, 2 * edge**3, least_s=0.2)


def copying(device: torch.device, megabytes: int) -> Side:
    """Bytes read and written per second when a tensor is copied."""
    source = torch.zeros(megabytes * 1_000_000, dtype=torch.uint8, device=device)
    target = torch.ones_like(source)
    return lambda: rate(lambda: target.copy_(source), 2 * source.numel(), least_s=0.2)


def precisions(device: torch.device) -> list[str]:
    """In which a network is measured: float32, and bfloat16 where the device computes in it."""
    return list(dict.fromkeys(["float32", usable_precision("bfloat16", device)]))


def agreement(answer: torch.Tensor, reference: torch.Tensor) -> str:
    """How near predictions (n, 4) are to others of the same weights, as a phrase.

    Two invalid answers, which are NaN, agree; one alone differs.
    """
    apart = misorientation_deg(answer.cpu().double(), reference.cpu().double())
    both = answer.cpu().isnan().all(-1) & reference.cpu().isnan().all(-1)
    same = (apart < SAME_DEG) | both
    return f"{100 * same.double().mean():.1f} % of predictions within {SAME_DEG}°"
