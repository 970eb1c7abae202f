"""Where the time of a training goes: a trace of a few steps, by PyTorch's own profiler."""

import itertools
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile, schedule

from workflow.lib.runtime.devices import choose_device, use_cpu
from workflow.lib.runtime.files import InputError, atomic, write_text
from workflow.lib.training.loop import batches_of
from workflow.lib.training.step import Stepper
from workflow.lib.training.train import prepare

WARM_UP = 5  # steps before the trace: the first ones allocate memory and choose kernels
ROWS = 30  # of the summary


def profile_training(
    fold: Path,
    tokens: Path | None,
    name: str,
    settings: dict[str, Any],
    seed: int,
    device: str,
    threads: int,
    steps: int,
    trace_path: Path,
    summary_path: Path,
) -> None:
    """Trace `steps` steps of a training that is thrown away; for the rest see `train_model`.

    The trace (JSON) opens in ui.perfetto.dev; the summary lists the costliest operations.
    """
    use_cpu(threads)
    where = choose_device(device)
    task, data, hyperparameters = prepare(fold, tokens, settings, seed, where)
    if hyperparameters is None:
        raise InputError(f"{name} is learnt at once, without steps that could be traced")
    stepper = Stepper(task, hyperparameters, WARM_UP + steps)
    epochs = itertools.chain.from_iterable(
        batches_of(task, data, hyperparameters) for _ in itertools.count()
    )
    activities = [ProfilerActivity.CPU]
    if where.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    plan = schedule(wait=WARM_UP - 1, warmup=1, active=steps, repeat=1)
    with profile(activities=activities, schedule=plan) as profiler:
        for batch in itertools.islice(epochs, WARM_UP + steps):
            stepper.step(*batch)
            profiler.step()
    with atomic(trace_path) as part:
        profiler.export_chrome_trace(str(part))
    order = "self_device_time_total" if where.type == "cuda" else "self_cpu_time_total"
    write_text(summary_path, profiler.key_averages().table(sort_by=order, row_limit=ROWS) + "\n")
