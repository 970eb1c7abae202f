"""From a fold's file to a trained model's files: what the rule `train` does."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import Signals, read_fold
from workflow.lib.inference.predictions import read_arrays
from workflow.lib.models.registry import make_task
from workflow.lib.models.saved import save_model
from workflow.lib.models.task import LoopTask, Task
from workflow.lib.networks import count_parameters
from workflow.lib.runtime.devices import choose_device, device_name, processor_name, use_cpu
from workflow.lib.runtime.files import InputError, atomic, remade_by, write_text
from workflow.lib.runtime.kept import keep, restore
from workflow.lib.runtime.script import logger
from workflow.lib.training.at_once import learn_at_once
from workflow.lib.training.flop import tflop_of_training
from workflow.lib.training.loop import TrainingData, fingerprint, train
from workflow.lib.training.precision import usable_precision
from workflow.lib.training.step import TrainingSettings
from workflow.lib.training.usage import Usage

LOOP_KEYS = {field.name for field in fields(TrainingSettings)} - {"seed"}
"""Keys of the config's `training` that the loop takes; any others are the model class's own."""


def train_model(
    fold: Path,
    tokens: Path | None,
    name: str,
    settings: dict[str, Any],
    seed: int,
    device: str,
    threads: int,
    checkpoint: Path,
    kept: Path,
    weights_path: Path,
    model_path: Path,
    history_path: Path,
    code: str,
) -> None:
    """Train one model on one fold with one seed and write weights, model.json, training.csv.

    settings: `network`, `architecture` and `training` that the config has for the model called
    `name`. tokens: for a model whose architecture has a tokenizer. code: a digest of the source.
    The checkpoint is removed once all three files are written, and a copy of them is in the
    folder `kept`. If that has one of a training on the same data with the same settings and
    code, it is taken and nothing trained.
    """
    use_cpu(threads)
    where = choose_device(device)
    attributes = read_attributes(fold)
    task, data, hyperparameters = prepare(fold, tokens, settings, seed, where)
    label = f"{name} fold {attributes['fold']} seed {seed}"
    outputs = [weights_path, model_path, history_path]
    code = json.dumps([name, seed, settings, code], sort_keys=True)  # all that decides the files
    identity = fingerprint(task, data, hyperparameters, code)
    if restore(kept, identity, outputs):
        _mark_as_kept(model_path)
        logger.info("%s: as it was trained before, nothing it depends on has changed", label)
        return
    # Before the training, which may go on from a checkpoint: of the whole in any case.
    tflop = None if hyperparameters is None else tflop_of_training(task, data, hyperparameters)
    with Usage(where, threads) as usage:
        if hyperparameters is None:
            weights, history = learn_at_once(task, data)
        else:
            weights, history = train(task, data, hyperparameters, checkpoint, label, code)

    description = {
        **_own_options(settings),
        "name": name,
        "network": settings["network"],
        "architecture": settings["architecture"],
        "training": _without_seed(hyperparameters),
        "fold": int(attributes["fold"]),
        "seed": seed,
        "device": device_name(where),
        "processor": processor_name(),
        "threads": threads,
        "torch": torch.__version__,
        "tflop": tflop,
        "usage": usage.summary(),
        "kept": False,
        "n_training": len(data.signals),
        "n_validation": len(data.validation_signals),
        "source": attributes["source"],
        "simulated": bool(attributes["simulated"]),
        **_summary(task, history, hyperparameters),
    }
    save_model(weights, description, weights_path, model_path)
    with atomic(history_path) as part:
        history.to_csv(part, index=False)
    keep(kept, identity, outputs)
    checkpoint.unlink(missing_ok=True)
    logger.info(
        "%s: best after epoch %d, validation median %.2f°",
        label, description["best_epoch"], description["validation_median_deg"],
    )  # fmt: skip


def prepare(
    fold: Path,
    tokens: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
) -> tuple[Task, TrainingData, TrainingSettings | None]:
    """An untrained network, what it learns from, and how; arguments as for `train_model`.

    Of the fold only the parts `train` and `validation` are read, never `test`. There are no
    TrainingSettings for what is learnt without the loop.
    """
    parts = read_fold(fold, ["train", "validation"])
    task, hyperparameters = untrained(settings, seed, device)
    data = _on_device(task, parts["train"], parts["validation"], tokens, device)
    return task, data, hyperparameters


def untrained(
    settings: dict[str, Any], seed: int, device: torch.device
) -> tuple[Task, TrainingSettings | None]:
    """A network as it is before it learns, and how it will, as from `prepare`."""
    torch.manual_seed(seed)
    task = make_task(settings["network"], settings["architecture"], **_own_options(settings))
    task.network.to(device)
    if not isinstance(task, LoopTask):
        return task, None
    loop = {key: value for key, value in settings["training"].items() if key in LOOP_KEYS}
    loop["precision"] = usable_precision(loop["precision"], device)
    return task, TrainingSettings(**loop, seed=seed)


def _own_options(settings: dict[str, Any]) -> dict[str, Any]:
    """What the class itself, and not the loop, takes of the config's `training`."""
    return {key: value for key, value in settings["training"].items() if key not in LOOP_KEYS}


def _without_seed(settings: TrainingSettings | None) -> dict[str, Any]:
    return {} if settings is None else {k: v for k, v in asdict(settings).items() if k != "seed"}


def _mark_as_kept(model_path: Path) -> None:
    """Note in model.json that this run did not spend the time that it tells of."""
    description = json.loads(model_path.read_text(encoding="utf-8")) | {"kept": True}
    write_text(model_path, json.dumps(description, indent=2) + "\n")


def _on_device(
    task: Task, training: Signals, validation: Signals, tokens: Path | None, device: torch.device
) -> TrainingData:
    written = None
    if tokens is not None:
        arrays, _ = read_arrays(tokens, ["tokens"])
        written = torch.from_numpy(arrays["tokens"])
        if len(written) != len(training.signals):
            raise InputError(
                f"{tokens} holds tokens of {len(written)} signals, expected "
                f"{len(training.signals)}; {remade_by(tokens)}"
            )
    return TrainingData(
        signals=torch.from_numpy(training.signals).to(device),
        target=task.target(torch.from_numpy(training.orientation), written).to(device),
        validation_signals=torch.from_numpy(validation.signals).to(device),
        validation_orientation=torch.from_numpy(validation.orientation).to(device),
    )


def _summary(
    task: Task, history: pd.DataFrame, settings: TrainingSettings | None
) -> dict[str, Any]:
    last = settings is not None and settings.kept_epoch == "last"
    best = history.iloc[-1] if last else history.loc[_best_row(history)]
    return {
        "parameters": count_parameters(task.network),
        "best_epoch": int(best["epoch"]),
        "validation_median_deg": float(best["validation_median_deg"]),
        "train_s": float(history["train_s"].sum()),
        "signals_seen": int((history["train_s"] * history["signals_per_s"]).sum().round()),
        "signals_per_s": float(history["signals_per_s"].median()),
    }


def _best_row(history: pd.DataFrame) -> int:
    """The last of the epochs with the smallest validation median, as `train` chooses."""
    smallest = history["validation_median_deg"].min()
    return history.index[history["validation_median_deg"] == smallest][-1]
