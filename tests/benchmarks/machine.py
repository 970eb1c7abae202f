"""What the benchmarks ran on: processor, GPU, versions, commit, and what it can do at most."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.measure import Sizes, alternate, copying, matrix_product
from workflow.lib.report.provenance import short_commit
from workflow.lib.runtime.checkout import code_version
from workflow.lib.runtime.devices import processor_name


def describe(device: torch.device, sizes: Sizes) -> dict[str, Any]:
    """All of it, ready for JSON; `peaks` are the best of `sizes.repeats`."""
    peaks = alternate(
        {
            "float32": matrix_product("float32", device, sizes.matrix_edge),
            "bfloat16": matrix_product("bfloat16", device, sizes.matrix_edge),
            "copy": copying(device, sizes.copied_mb),
        },
        sizes.repeats,
    )
    return {
        "date_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": processor_name(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "matrix_edge": sizes.matrix_edge,
        "peak_gflops": {name: max(peaks[name]) / 1e9 for name in ("float32", "bfloat16")},
        "copy_gb_per_s": max(peaks["copy"]) / 1e9,
    }


def caption(machine: dict[str, Any]) -> str:
    """The description as a sentence for above the table."""
    place = machine["gpu"] or f"{machine['cpu']}, {machine['threads']} threads"
    edge, peaks = machine["matrix_edge"], machine["peak_gflops"]
    return (
        f"Measured on {machine['date_utc'][:10]}, commit {machine['commit']}, on "
        f"{place}, PyTorch {machine['torch']}. {edge}³ matrix products: {peaks['float32']:,.0f} "
        f"GFLOP/s in float32, {peaks['bfloat16']:,.0f} in bfloat16; copying: "
        f"{machine['copy_gb_per_s']:,.0f} GB/s read and written."
    )


def commit() -> str:
    """The commit of this checkout, with `-dirty` if its code differs; unknown, and why, else."""
    version = code_version(Path(__file__).resolve().parents[2])
    return short_commit(version["commit"]) + "-dirty" * version["uncommitted_changes"]
