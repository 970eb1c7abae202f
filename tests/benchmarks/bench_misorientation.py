"""Misorientation and medoid beside orix, DAMASK and the 24-operator form, in float64.

DAMASK is measured where it is installed, see requirements.txt beside this file.
"""

import importlib
from collections.abc import Callable

import numpy as np
import torch
from orix import __version__ as orix_version
from orix.quaternion import Orientation, symmetry
from torch import Tensor, nn

from tests.benchmarks.busy import beside_busy_core
from tests.benchmarks.measure import (
    Row,
    Side,
    Sizes,
    alternate,
    bound_by_copying,
    compare,
    copying,
    rate,
)
from workflow.lib.orientation import (
    canonical_sign,
    conjugate,
    medoid,
    misorientation_deg,
    misorientation_deg_by_operators,
)

CPU = torch.device("cpu")
VOTES = 72
BYTES_PER_PAIR = 2 * 32 + 8  # two quaternions are read and an angle written
PAIRS_BY_OPERATORS = 20_000  # at once: all their equivalents take 15 MB a temporary
LARGEST_DIFFERENCE_DEG = 1e-6  # arccos, which the others take, is good to that


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    """A row per baseline; on the CPU, where the others work, whatever the networks' device."""
    n, few = sizes.pairs, sizes.pairs // 10
    p, q = random_quaternions(n), random_quaternions(n)
    rows = [
        _misorientation(f"orix {orix_version}", orix(p, q), n, p, q, sizes),
        _damask(p, q, sizes),
        _misorientation("24 operators", by_operators(p[:few], q[:few]), few, p, q, sizes),
    ]
    rows[-1].note = f"the operators on {few:,} pairs"
    busy = beside_busy_core(_comparing(p, q), CPU, sizes.repeats)
    for row in rows:
        if row.ours is not None:
            row.beside_busy_core = busy
    return [*rows, _medoid(max(1, n // 1000), sizes)]


def _misorientation(
    name: str, baseline: Callable, pairs: int, p: Tensor, q: Tensor, sizes: Sizes
) -> Row:
    rates = alternate(
        {
            "ours": _comparing(p, q),
            "baseline": lambda: rate(baseline, pairs),
            "copy": copying(CPU, sizes.copied_mb),
        },
        sizes.repeats,
    )
    row = compare(f"misorientation, {len(p):,} pairs", "pairs/s", rates, "ours", name)
    return bound_by_copying(row, rates, BYTES_PER_PAIR)


def _comparing(p: Tensor, q: Tensor) -> Side:
    return lambda: rate(lambda: misorientation_deg(p, q), len(p), least_s=0.2)


def _damask(p: Tensor, q: Tensor, sizes: Sizes) -> Row:
    try:
        package = importlib.import_module("damask")
    except ImportError:
        work = f"misorientation, {len(p):,} pairs"
        return Row(work, "pairs/s", baseline="DAMASK", note="not measured: it is not installed")
    name = f"DAMASK {package.__version__}"
    return _misorientation(name, damask(package, p, q), len(p), p, q, sizes)


def _medoid(n: int, sizes: Sizes) -> Row:
    """n medoids of 72 random votes; the baseline makes at most 20 of them."""
    votes = random_quaternions(n * VOTES).reshape(n, VOTES, 4)
    few = votes[:20]
    if not torch.equal(medoid(few), medoids_by_loop(few)):
        raise RuntimeError("the medoids of the baseline are others")

    def ours() -> float:
        return rate(lambda: medoid(votes), n, least_s=0.2)

    rates = alternate(
        {
            "ours": ours,
            "baseline": lambda: rate(lambda: medoids_by_loop(few), len(few)),
        },
        sizes.repeats,
    )
    work, note = f"medoid, {n:,} signals × {VOTES} votes", f"the loop over {len(few)} signals"
    row = compare(work, "signals/s", rates, "ours", "24 operators, a loop over signals", note)
    row.beside_busy_core = beside_busy_core(ours, CPU, sizes.repeats)
    return row


def orix(p: Tensor, q: Tensor) -> Callable[[], np.ndarray]:
    """orix takes specimen to crystal, hence the conjugates."""
    left, right = (Orientation(conjugate(x).numpy(), symmetry=symmetry.O) for x in (p, q))
    return checked(lambda: left.angle_with(right, degrees=True), p, q)


def damask(package, p: Tensor, q: Tensor) -> Callable[[], np.ndarray]:
    """DAMASK takes specimen to crystal, and its quaternions are the conjugates of others'."""
    left, right = (
        package.Orientation(package.Rotation.from_quaternion(x.numpy()), family="cubic")
        for x in (canonical_sign(p), canonical_sign(q))
    )
    return checked(lambda: np.degrees(left.disorientation_angle(right)), p, q)


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


def random_quaternions(n: int) -> Tensor:
    return nn.functional.normalize(torch.randn(n, 4, dtype=torch.float64), dim=-1)
