"""How long a run will take here, told before its first job.

Nothing but the standard library is needed here, because Snakemake may run without PyTorch.
"""

import heapq
import json
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.lib.runtime.duration import in_words
from workflow.lib.runtime.surroundings import this_python

BUDGET_S = 2.0  # of timed steps for each model
LEAST = 20_000  # signals that a training sees; one of fewer is over before it is timed
TIMEOUT_S = 60  # a machine so slow is not kept waiting
OTHER_JOB = 1.0  # CPU time of a demo's other jobs, in times of starting PyTorch; measured


@dataclass(frozen=True)
class Training:
    """One that is to be run: its model's settings, its threads, and files beside the model.

    kept: where a finished copy of it would be, see `workflow.lib.runtime.kept`.
    """

    settings: Mapping[str, Any]
    threads: int
    checkpoint: str
    kept: str


def forecast(
    trainings: Iterable[Training], others: int, cores: int, signals: int, validated: int
) -> str | None:
    """One line; None where the trainings are too short to be timed, or nothing could be timed.

    trainings: those to be run on CPUs, in steps. others: the number of other jobs. cores: what all
    of them share. signals, validated: how many a training learns from and validates with.
    """
    models: dict[str, list[Training]] = {}
    for training in trainings:
        loop = training.settings["training"]
        if loop["epochs"] * loop["rolls_per_epoch"] * signals >= LEAST:
            models.setdefault(json.dumps(training.settings), []).append(training)
    if not models:
        return None
    side_by_side = max(1, cores // max(same[0].threads for same in models.values()))
    seconds, start_s = _timed(list(models.values()), side_by_side, signals, validated)
    if not seconds:
        return None
    trained_s = makespan(seconds, side_by_side)
    others_s = others * OTHER_JOB * start_s
    # Whether a copy is of these settings and data, and is taken, only the job can tell.
    kept = any(Path(training.kept).exists() for same in models.values() for training in same)
    return (
        f"{'At most' if kept else 'About'} {in_words(trained_s + others_s)} on this machine: "
        f"{in_words(trained_s)} of training, {side_by_side} at a time, and {in_words(others_s)} "
        "for the rest; finished steps are kept if you interrupt it"
    )


def makespan(seconds: Iterable[float], places: int) -> float:
    """When the last of some jobs ends if each free place takes the longest that is left."""
    ends = [0.0] * places
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + job)
    return max(ends)


def _timed(
    models: list[list[Training]], side_by_side: int, signals: int, validated: int
) -> tuple[list[float], float]:
    """Seconds that each training has still to go, and those in which Python and PyTorch start.

    No seconds where a process fails: without PyTorch, for one.
    """
    with ThreadPoolExecutor(side_by_side) as pool:
        answers = list(pool.map(lambda same: _ask(same, signals, validated), models))
    if None in answers:
        return [], 0.0
    seconds = []
    for same, answer in zip(models, answers, strict=True):
        epochs = same[0].settings["training"]["epochs"]
        seconds += [max(0, epochs - done) * answer["epoch_s"] for done in answer["done"]]
    return seconds, max(answer["start_s"] for answer in answers)


def _ask(same: list[Training], signals: int, validated: int) -> dict[str, Any] | None:
    """What `workflow.lib.training.pace` answers for trainings of one model; None if it fails."""
    question = {
        "settings": same[0].settings,
        "signals": signals,
        "validated": validated,
        "budget_s": BUDGET_S,
        "threads": same[0].threads,
        "checkpoints": [training.checkpoint for training in same],
    }
    begin = time.monotonic()
    try:
        done = subprocess.run(
            [this_python(), "-m", "workflow.lib.training.pace"],
            input=json.dumps(question), capture_output=True, text=True, check=True,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return answer | {"start_s": time.monotonic() - begin - answer["timed_s"]}
