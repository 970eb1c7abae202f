"""How long an epoch takes on this machine, from a few steps of a training that is thrown away.

`workflow.lib.runtime.forecast` runs this as a process, several at once where trainings will run
side by side: it asks on standard input and reads the answer on standard output, both JSON.
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from workflow.lib.models.task import LoopTask
from workflow.lib.runtime.devices import use_cpu
from workflow.lib.signals.rolls import AZIMUTHS, ELEVATIONS
from workflow.lib.training.loop import TrainingData, batches_of, read_checkpoint, validation
from workflow.lib.training.step import Stepper
from workflow.lib.training.train import untrained

WARM_UP, MOST = 2, 10_000  # steps: the first ones allocate memory and choose kernels
BATCHES = 4  # of different signals
VALIDATION = 256  # signals


def main() -> None:
    """Answer one question: what it holds are arguments of `epoch_s`, `threads`, `checkpoints`."""
    asked = json.load(sys.stdin)
    use_cpu(asked.pop("threads"))
    checkpoints = [Path(path) for path in asked.pop("checkpoints")]
    begin = time.perf_counter()
    answer = {
        "epoch_s": epoch_s(**asked),
        "done": [len(read_checkpoint(path).get("rows", ())) for path in checkpoints],
    }
    json.dump(answer | {"timed_s": time.perf_counter() - begin}, sys.stdout)


def epoch_s(settings: dict[str, Any], signals: int, validated: int, budget_s: float) -> float:
    """Seconds that an epoch of this model takes on the CPU, with its validation.

    settings: as for `train_model`. signals, validated: how many there are for training and for
    validation. budget_s: so long, or one step, are steps timed.
    """
    task, hyperparameters = untrained(settings, 0, torch.device("cpu"))
    data = _noise(task, min(signals, BATCHES * hyperparameters.batch), min(validated, VALIDATION))
    steps = sum(1 for _ in batches_of(task, data, hyperparameters)) * signals / len(data.signals)
    stepper = Stepper(task, hyperparameters, MOST)
    endless = itertools.chain.from_iterable(
        batches_of(task, data, hyperparameters) for _ in itertools.count()
    )
    for batch in itertools.islice(endless, WARM_UP):
        stepper.step(*batch)
    begin = time.perf_counter()
    for taken in range(1, MOST - WARM_UP):
        stepper.step(*next(endless))
        step_s = (time.perf_counter() - begin) / taken
        if taken * step_s >= budget_s:
            break
    begin = time.perf_counter()
    validation(task, data)
    validation_s = (time.perf_counter() - begin) * validated / len(data.validation_signals)
    return steps * step_s + validation_s


def _noise(task: LoopTask, n: int, m: int) -> TrainingData:
    """Signals without a meaning, which take as long as others: n for training, m for validation."""
    signals = torch.randint(0, 256, (n + m, ELEVATIONS, AZIMUTHS), dtype=torch.uint8)
    orientation = functional.normalize(torch.randn(n + m, 4, dtype=torch.float64), dim=1)
    target = task.target(orientation[:n])
    return TrainingData(signals[:n], target, signals[n:], orientation[n:])


if __name__ == "__main__":
    main()
