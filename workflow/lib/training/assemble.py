"""From trained models to the ensemble of them: what the rule `assemble` does."""

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from workflow.lib.data.dataset import read_attributes
from workflow.lib.models.saved import load_task, save_model
from workflow.lib.runtime.devices import use_cpu
from workflow.lib.runtime.files import InputError, atomic, remade_by
from workflow.lib.runtime.script import logger
from workflow.lib.training.loop import validation
from workflow.lib.training.train import prepare


def assemble_models(
    fold: Path,
    members: Sequence[tuple[Path, Path]],
    name: str,
    settings: dict[str, Any],
    seed: int,
    threads: int,
    weights_path: Path,
    model_path: Path,
    history_path: Path,
) -> None:
    """Write the ensemble of trained models, with the files that a training has.

    members: weights and model.json of each. settings: as for `train_model`; `architecture.of` says
    what the members are. Nothing is trained: model.json has the members' arithmetic, parameters,
    time and signals in sum, and the median of the ensemble on the fold's validation signals.
    Raises InputError for members that are others than the settings say.
    """
    use_cpu(threads)
    task, data, _ = prepare(fold, None, settings, seed, torch.device("cpu"))
    of, described = settings["architecture"]["of"], [_described(path) for _, path in members]
    _check_members(of, described, [path for _, path in members])
    networks = [load_task(*paths).network.state_dict() for paths in members]
    task.network.load_state_dict(
        {
            f"{place}.{key}": value
            for place, own in enumerate(networks)
            for key, value in own.items()
        }
    )
    taken = _taken(described)
    history = pd.DataFrame([_row(taken) | validation(task, data)])
    attributes = read_attributes(fold)
    description = {
        "name": name,
        "network": settings["network"],
        "architecture": settings["architecture"],
        "training": {},
        "fold": int(attributes["fold"]),
        "seed": seed,
        "members": [{key: one[key] for key in ("name", "seed")} for one in described],
        **taken,
        "kept": False,
        "n_training": len(data.signals),
        "n_validation": len(data.validation_signals),
        "source": attributes["source"],
        "simulated": bool(attributes["simulated"]),
        "best_epoch": 1,
        "validation_median_deg": float(history["validation_median_deg"].iloc[0]),
    }
    save_model(task.network.state_dict(), description, weights_path, model_path)
    with atomic(history_path) as part:
        history.to_csv(part, index=False)
    logger.info(
        "%s fold %s: %d members, validation median %.2f°",
        name, attributes["fold"], len(members), description["validation_median_deg"],
    )  # fmt: skip


def _described(path: Path) -> dict[str, Any]:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _check_members(
    of: dict[str, Any], described: Sequence[dict[str, Any]], paths: Sequence[Path]
) -> None:
    if len(described) != of["members"]:
        raise InputError(
            f"{paths[0]} and others: found {len(described)} members, expected {of['members']}"
        )
    for one, path in zip(described, paths, strict=True):
        if any(one[key] != of[key] for key in ("network", "architecture")):
            raise InputError(
                f"{path}: found a {one['network']} with another class or architecture than the "
                f"config has for members of the ensemble; {remade_by(path)}"
            )


def _taken(described: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the members took, in sum, under the keys of a training's model.json."""
    total = {
        key: sum(one[key] for one in described)
        for key in ("parameters", "tflop", "train_s", "signals_seen")
    }
    usages = [one["usage"] for one in described]
    of_device = [one["peak_device_memory_mb"] for one in usages]
    in_use = [one["device_utilisation_percent"] for one in usages]
    return {
        **{key: _all_of(described, key) for key in ("device", "processor", "torch")},
        "threads": max(one["threads"] for one in described),
        **total,
        "signals_per_s": total["signals_seen"] / total["train_s"],
        "usage": {
            "device": _all_of(usages, "device"),
            "peak_host_memory_mb": max(one["peak_host_memory_mb"] for one in usages),
            "peak_device_memory_mb": max(filter(None, of_device), default=None),
            "device_utilisation_percent": _mean([share for share in in_use if share is not None]),
        },
    }


def _all_of(rows: Sequence[dict[str, Any]], key: str) -> str:
    return ", ".join(sorted({row[key] for row in rows}))


def _mean(values: Sequence[float]) -> float | None:
    return round(statistics.mean(values), 1) if values else None


def _row(taken: dict[str, Any]) -> dict[str, float]:
    """The columns of `training.csv` that are not those of the validation."""
    return {
        "epoch": 1,
        "learning_rate": math.nan,
        "training_loss": math.nan,
        "train_s": taken["train_s"],
        "signals_per_s": taken["signals_per_s"],
        "micro_batch": 0,
    }
