"""Tokenizers, simulator and ingest, against loops and against reading without any check."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from tests.benchmarks.baselines import data as plain
from tests.benchmarks.baselines import tokens as loops
from tests.benchmarks.busy import beside_busy_core
from tests.benchmarks.measure import (
    Row,
    Sizes,
    alternate,
    bound_by_copying,
    compare,
    copying,
    rate,
)
from workflow.lib.data.dataset import ingest
from workflow.lib.data.scans import ingest_scans
from workflow.lib.simulation.archive import write_archive
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer, Tokenizer

CPU = torch.device("cpu")
SPECIMEN = SPECIMENS[7]  # without a fibre, as the loop simulates
SETS = 2 * len(SPECIMENS)


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    """These work on the CPU, whatever the device of the networks."""
    rows = [
        _tokenizer(DigitTokenizer(), loops.encode_digits, loops.decode_digits, sizes),
        _tokenizer(DecimalTokenizer(), loops.encode_decimals, loops.decode_decimals, sizes),
        _simulator(sizes),
    ]
    with TemporaryDirectory() as folder:
        rows.append(_ingest(Path(folder), sizes))
    return rows


def _tokenizer(tokenizer: Tokenizer, encode, decode, sizes: Sizes) -> Row:
    generator = torch.Generator().manual_seed(1)
    q = torch.randn(sizes.quaternions, 4, dtype=torch.float64, generator=generator)
    q = nn.functional.normalize(q, dim=-1)
    few = q[: sizes.looped_quaternions]
    tokens = tokenizer.encode(few)
    assert encode(few.tolist()) == tokens.tolist(), "the loop writes other tokens"
    read = torch.tensor(decode(tokens.tolist()), dtype=torch.float64)
    assert torch.allclose(tokenizer.decode(tokens)[0], read, atol=1e-12), "the loop reads otherwise"

    def ours() -> float:
        return rate(lambda: tokenizer.decode(tokenizer.encode(q)), len(q))

    rates = alternate(
        {
            "ours": ours,
            "baseline": lambda: rate(lambda: decode(encode(few.tolist())), len(few)),
            "copy": copying(CPU, sizes.copied_mb),
        },
        sizes.repeats,
    )
    row = compare(
        f"{tokenizer.name} tokens, both ways", "quaternions/s", rates, "ours", "Python loop",
        f"{len(q):,} at once; the loop was measured on {len(few):,}, where its tokens are the same",
    )  # fmt: skip
    row.beside_busy_core = beside_busy_core(ours, CPU, sizes.repeats)
    # a quaternion of 8-byte numbers is read and its tokens are written, and the way back
    return bound_by_copying(row, rates, 2 * (q[0].nbytes + tokens[0].nbytes))


def _simulator(sizes: Sizes) -> Row:
    n, few = sizes.simulated, sizes.looped_signals
    rates = alternate(
        {
            "ours": lambda: rate(lambda: simulate_specimen(n, SPECIMEN, stream(1, 1, 8)), n),
            "baseline": lambda: rate(
                lambda: plain.simulate(few, SPECIMEN, np.random.default_rng(1)), few
            ),
        },
        sizes.repeats,
    )
    note = f"{n:,} at once, on one thread; the loop was measured on {few:,}"
    return compare("simulator", "signals/s", rates, "ours", "NumPy, signal by signal", note)


def _ingest(folder: Path, sizes: Sizes) -> Row:
    """Also checks that both write the same signals."""
    archive, dataset, scans = folder / "archive", folder / "dataset.h5", folder / "scans.h5"
    theirs = folder / "plain.h5", folder / "plain_scans.h5"
    n, edge = sizes.specimen_signals, sizes.scan_edge
    write_archive(archive, seed=1, n_training=n, n_evaluation=n, scan_shape=(edge, edge))

    def ours() -> None:
        ingest(archive, dataset, "simulated")
        ingest_scans(archive, scans, "simulated")

    signals = SETS * n + 2 * edge**2
    rates = alternate(
        {
            "ours": lambda: rate(ours, signals),
            "baseline": lambda: rate(lambda: plain.ingest(archive, *theirs), signals),
        },
        sizes.repeats,
    )
    note = (
        "ours reads without unpickling, verifies, hashes and survives a full disk: a ratio below "
        f"1 is the price of that; {SETS} sets of {n:,} signals and two scans of {edge}² pixels"
    )
    return compare("ingest", "signals/s", rates, "ours", "np.load with pickle, h5py", note)
