"""The training of what is learnt from all signals at once, without a loop."""

import math
import time

import pandas as pd
from torch import Tensor

from workflow.lib.models.task import SingleStepTask
from workflow.lib.training.loop import TrainingData, synchronise, validation


def learn_at_once(
    task: SingleStepTask, data: TrainingData
) -> tuple[dict[str, Tensor], pd.DataFrame]:
    """Make `task.network` and return its weights, on the CPU, and a history of one row.

    The columns are those of `workflow.lib.training.loop.train`; there is neither a learning
    rate nor a loss (NaN).
    """
    device = data.signals.device
    synchronise(device)
    begin = time.perf_counter()
    task.learn(data.signals, data.target)
    synchronise(device)
    seconds = time.perf_counter() - begin
    row = {
        "epoch": 1,
        "learning_rate": math.nan,
        "training_loss": math.nan,
        **validation(task, data),
        "train_s": seconds,
        "signals_per_s": len(data.signals) / seconds,
        "micro_batch": len(data.signals),
    }
    weights = {name: values.cpu().clone() for name, values in task.network.state_dict().items()}
    return weights, pd.DataFrame([row])
