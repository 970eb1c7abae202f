"""One training loop for all networks that learn step by step.

The data stay on the device as uint8. Everything random in an epoch follows from the seed
and the epoch's number, so a checkpoint after an epoch resumes exactly where it was.
The best weights are those with the smallest median misorientation on the validation signals,
or the last ones, as the settings have it; test data never come near this module.
"""

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from workflow.lib.inference.plain import predict_plain
from workflow.lib.models.task import LoopTask, Task
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, misorientation_deg
from workflow.lib.runtime.files import atomic
from workflow.lib.runtime.progress import Progress
from workflow.lib.runtime.script import logger
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.training.step import Stepper, TrainingError, TrainingSettings


@dataclass(frozen=True)
class TrainingData:
    """What a training reads, on its device: signals uint8 (n, 6, 72), targets as the task's.

    validation_orientation: (m, 4) float64.
    """

    signals: Tensor
    target: Tensor
    validation_signals: Tensor
    validation_orientation: Tensor


def train(
    task: LoopTask,
    data: TrainingData,
    settings: TrainingSettings,
    checkpoint: Path,
    label: str = "",
    code: str = "",
) -> tuple[dict[str, Tensor], pd.DataFrame]:
    """Train `task.network` and return its best weights and a row per epoch.

    After every epoch all that is needed to go on is in `checkpoint`; a call with the same
    settings, data and `code` (what else decides the result) continues from there, one with
    others starts anew: see `fingerprint`. The caller removes the file once the result is safe.
    How far it is, and how long it will take, is told as `Progress` does.

    Columns: epoch, learning_rate (at its end), training_loss, validation_median_deg,
    validation_mean_deg, train_s, signals_per_s, micro_batch (see `Stepper`).
    Raises TrainingError when the loss is not finite or the device's memory too small,
    naming epoch, step and the last good checkpoint.
    """
    pairs = len(data.signals) * settings.rolls_per_epoch
    batches = -(-pairs // settings.batch)
    steps = max(1, round(settings.epochs * batches))
    epochs = -(-steps // batches)
    stepper = Stepper(task, settings, steps)
    identity = fingerprint(task, data, settings, code)
    rows, best = _resume(checkpoint, identity, stepper)
    if rows:
        logger.info("%s: resumes after epoch %d of %d", label, len(rows), epochs)

    done = min(steps, len(rows) * batches)
    with Progress(label, steps, "step", done) as progress:
        for epoch in range(len(rows) + 1, epochs + 1):
            left = steps - (epoch - 1) * batches
            try:
                row = _epoch(task, data, settings, stepper, progress, min(left, batches), epoch)
            except TrainingError as error:
                kept = f"; {checkpoint} holds epoch {len(rows)}" if rows else ""
                raise TrainingError(f"{label}: {error}{kept}") from error
            rows.append(row)
            least = min(r["validation_median_deg"] for r in rows)
            if settings.kept_epoch == "last" or row["validation_median_deg"] <= least:
                best = {k: v.detach().cpu().clone() for k, v in task.network.state_dict().items()}
            _save(checkpoint, identity, stepper, rows, best)
            progress.note(
                f"epoch {epoch} of {epochs}: loss {row['training_loss']:.4f}, "
                f"validation median {row['validation_median_deg']:.2f}°"
            )
            if epoch % max(1, epochs // 10) == 0:
                progress.tell()
    return best, pd.DataFrame(rows)


def _epoch(
    task: LoopTask,
    data: TrainingData,
    settings: TrainingSettings,
    stepper: Stepper,
    progress: Progress,
    steps: int,
    epoch: int,
) -> dict[str, float]:
    device = data.signals.device
    torch.manual_seed(settings.seed * 1_000_003 + epoch)
    synchronise(device)
    begin = time.perf_counter()
    losses, shown = [], 0
    for signals, rolls, target in itertools.islice(batches_of(task, data, settings), steps):
        losses.append(stepper.step(signals, rolls, target))
        shown += rolls.numel()
        progress.add()
    losses = torch.stack(losses)
    synchronise(device)
    seconds = time.perf_counter() - begin
    if not losses.isfinite().all():  # looked at once an epoch: asking earlier stalls a GPU
        step = int((~losses.isfinite()).nonzero()[0]) + 1
        raise TrainingError(
            f"the loss became {losses[step - 1].item()} in epoch {epoch}, step {step}: lower "
            "`learning_rate` or set `clip_norm`"
        )
    return {
        "epoch": epoch,
        "learning_rate": stepper.learning_rate,
        "training_loss": losses.mean().item(),
        **validation(task, data),
        "train_s": seconds,
        "signals_per_s": shown / seconds,
        "micro_batch": stepper.micro_batch,
    }


def validation(task: Task, data: TrainingData) -> dict[str, float]:
    """Median and mean misorientation on the validation signals in degrees, as columns."""
    answer, valid = predict_plain(task, data.validation_signals)
    errors = misorientation_deg(answer, data.validation_orientation)
    errors = torch.where(valid, errors, MAX_MISORIENTATION_DEG)  # as in the evaluation
    return {
        "validation_median_deg": errors.median().item(),
        "validation_mean_deg": errors.mean().item(),
    }


def batches_of(
    task: LoopTask, data: TrainingData, settings: TrainingSettings
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """An epoch's batches for `Stepper.step`, in random order; the network learns, not predicts."""
    task.network.train()
    n, together = len(data.signals), settings.rolls_together
    pairs = _signals_and_rolls(n, settings.rolls_per_epoch, together, data.signals.device)
    signals = settings.batch // together
    for index, rolls in zip(*(part.split(signals) for part in pairs), strict=True):
        yield data.signals[index], rolls, data.target[index]


def _signals_and_rolls(
    n: int, rolls_per_epoch: int, together: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Every signal with that many different rolls, in random order.

    Signals (m,) and their rolls (m, together), where m · together = n · rolls_per_epoch.
    """
    rolls = torch.rand(n, AZIMUTHS, device=device).argsort(1)[:, :rolls_per_epoch]
    times = rolls_per_epoch // together
    order = torch.randperm(n * times, device=device)
    return order // times, rolls.reshape(-1, together)[order]


def fingerprint(
    task: Task, data: TrainingData, settings: TrainingSettings | None, code: str
) -> str:
    """Tells whether two trainings are the same: of settings, network, data and code.

    Taken before the first step, as the network's text and not its weights count.
    """
    identity = [settings and asdict(settings), repr(task.network), code]
    digest = hashlib.sha256(json.dumps(identity).encode())
    for tensor in vars(data).values():
        digest.update(tensor.cpu().contiguous().numpy())
    return digest.hexdigest()


def _save(checkpoint: Path, identity: str, stepper: Stepper, rows, best) -> None:
    state = {"fingerprint": identity, "rows": rows, "best": best, **stepper.state_dict()}
    with atomic(checkpoint) as part, open(part, "wb") as stream:
        torch.save(state, stream)  # given a path, torch does not say why it could not write


def read_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """What is in a checkpoint, `rows` among it; nothing where there is none that can be read."""
    if not checkpoint.exists():
        return {}
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, OSError, UnpicklingError) as error:
        logger.info("%s can't be read (%s): starts anew", checkpoint, type(error).__name__)
        return {}


def _resume(checkpoint: Path, identity: str, stepper: Stepper) -> tuple[list[dict], dict]:
    """Rows and best weights so far; the stepper is brought to where they were."""
    state = read_checkpoint(checkpoint)
    if state.get("fingerprint") == identity:
        stepper.load_state_dict(state)
        return state["rows"], state["best"]
    if state:
        logger.info("%s is of other settings or data: starts anew", checkpoint)
    return [], {}


def synchronise(device: torch.device) -> None:
    """Wait for a GPU, so that a clock tells what it took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
