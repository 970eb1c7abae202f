"""Speed of misorientation and medoid beside orix, DAMASK and the 24-operator form, in float64.

`python -m tests.benchmarks.bench_misorientation`. Ours and a baseline alternate; the least time
of each counts. DAMASK is measured where it is installed. `limit_share` is, for misorientation,
what the memory would need to read two quaternions and write an angle, as a share of what was
needed; for medoids, the share of the rate at which `misorientation_deg` compares pairs.
"""

import importlib
import time
from collections.abc import Callable

import numpy as np
import torch
from orix import __version__ as orix_version
from orix.quaternion import Orientation, symmetry
from torch import Tensor, nn

from workflow.lib.orientation import (
    canonical_sign,
    conjugate,
    medoid,
    misorientation_deg,
    misorientation_deg_by_operators,
)

REPEATS = 7
VOTES = 72
BYTES_PER_PAIR = 2 * 32 + 8
PAIRS_BY_OPERATORS = 20_000  # at once: all their equivalents take 15 MB a temporary
LARGEST_DIFFERENCE_DEG = 1e-6  # arccos, which the others take, is good to that


def measure(n: int = 1_000_000) -> list[dict]:
    """A row per baseline: n pairs of random orientations, then medoids of 72 random votes."""
    p, q = random_quaternions(n), random_quaternions(n)
    copy_peak = copy_bytes_per_s()
    rows = []
    few = n // 10
    for name, baseline, pairs, note in (
        (f"orix {orix_version}", orix(p, q), n, ""),
        (*damask(p, q), n, ""),
        ("24 operators", by_operators(p[:few], q[:few]), few, f"the operators on {few:,} pairs"),
    ):
        ours_s, baseline_s = alternate(lambda: misorientation_deg(p, q), baseline)
        ours = n / ours_s
        rows.append(
            row(f"misorientation, {n:,} pairs", "pairs/s", ours, name, baseline_s, pairs)
            | {"limit": "copy peak", "limit_share": ours * BYTES_PER_PAIR / copy_peak}
            | {"note": note if baseline else "not installed"}
        )
    return [*rows, medoids(max(1, n // 1000), max(row["ours"] for row in rows))]


def medoids(n: int, pairs_per_s: float) -> dict:
    """The row of n medoids; the baseline makes at most 20 of them."""
    votes = random_quaternions(n * VOTES).reshape(n, VOTES, 4)
    few = votes[:20]
    if not torch.equal(medoid(few), medoids_by_loop(few)):
        raise RuntimeError("the medoids of the baseline are others")
    ours_s, baseline_s = alternate(lambda: medoid(votes), lambda: medoids_by_loop(few))
    pairs = VOTES * (VOTES - 1) // 2
    name = "24 operators, a loop over signals"
    return row(
        f"medoid, {n:,} signals × {VOTES} votes",
        "signals/s",
        n / ours_s,
        name,
        baseline_s,
        len(few),
    ) | {
        "limit": "misorientation_deg's pairs/s",
        "limit_share": n * pairs / ours_s / pairs_per_s,
        "note": f"the loop over {len(few)} signals",
    }


def row(
    work: str, unit: str, ours: float, name: str, baseline_s: float | None, amount: float
) -> dict:
    """What every row has; the baseline made `amount` of the unit in `baseline_s` seconds."""
    value = amount / baseline_s if baseline_s else None
    return {
        "work": work,
        "unit": unit,
        "ours": ours,
        "baseline": name,
        "baseline_value": value,
        "ratio": ours / value if value else None,
    }


def orix(p: Tensor, q: Tensor) -> Callable[[], np.ndarray]:
    """orix takes specimen to crystal, hence the conjugates."""
    left, right = (Orientation(conjugate(x).numpy(), symmetry=symmetry.O) for x in (p, q))
    return checked(lambda: left.angle_with(right, degrees=True), p, q)


def damask(p: Tensor, q: Tensor) -> tuple[str, Callable[[], np.ndarray] | None]:
    """DAMASK takes specimen to crystal, and its quaternions are the conjugates of others'."""
    try:
        package = importlib.import_module("damask")
    except ImportError:
        return "DAMASK", None
    left, right = (
        package.Orientation(package.Rotation.from_quaternion(x.numpy()), family="cubic")
        for x in (canonical_sign(p), canonical_sign(q))
    )
    angle = checked(lambda: np.degrees(left.disorientation_angle(right)), p, q)
    return f"DAMASK {package.__version__}", angle


def by_operators(p: Tensor, q: Tensor) -> Callable[[], Tensor]:
    def angles() -> Tensor:
        blocks = zip(p.split(PAIRS_BY_OPERATORS), q.split(PAIRS_BY_OPERATORS), strict=True)
        return torch.cat([misorientation_deg_by_operators(*block) for block in blocks])

    return checked(angles, p, q)


def medoids_by_loop(votes: Tensor) -> Tensor:
    tables = (misorientation_deg_by_operators(v.unsqueeze(1), v) for v in votes)
    best = [table.mean(-1).argmin() for table in tables]
    return votes[torch.arange(len(votes)), torch.stack(best)]


def checked(angles: Callable, p: Tensor, q: Tensor) -> Callable:
    """The same function, once its angles are known to be ours. Raises RuntimeError otherwise."""
    difference = np.abs(np.asarray(angles()) - misorientation_deg(p, q).numpy()).max()
    if not difference < LARGEST_DIFFERENCE_DEG:
        raise RuntimeError(f"a baseline's angles differ by {difference}°")
    return angles


def alternate(ours: Callable, baseline: Callable | None) -> tuple[float, float | None]:
    """Least seconds of both, the first run of each not counted; None for no baseline."""
    functions = [ours, baseline] if baseline else [ours]
    times = [[seconds(function) for function in functions] for _ in range(1 + REPEATS)][1:]
    least = [min(column) for column in zip(*times, strict=True)]
    return least[0], least[1] if baseline else None


def seconds(function: Callable) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def random_quaternions(n: int) -> Tensor:
    return nn.functional.normalize(torch.randn(n, 4, dtype=torch.float64), dim=-1)


def copy_bytes_per_s(n: int = 25_000_000) -> float:
    """Bytes read and written per second by torch's copy of 200 MB."""
    source, target = torch.rand(n, dtype=torch.float64), torch.empty(n, dtype=torch.float64)
    least, _ = alternate(lambda: target.copy_(source), None)
    return 2 * 8 * n / least


def main() -> None:
    print(f"{torch.get_num_threads()} threads")
    for result in measure():
        text = f"{result['work']}: {result['ours']:,.0f} {result['unit']}, {result['baseline']}"
        if result["ratio"]:
            text += f" {result['baseline_value']:,.0f}, ratio {result['ratio']:.1f}"
        print(f"{text}; {result['limit_share']:.0%} of {result['limit']} {result['note']}".rstrip())


if __name__ == "__main__":
    main()
