"""What bfloat16 would do to the predictions of the demo's SequenceNet, and why it is not used.

`python tests/benchmarks/bench_precision.py`, after `make demo`. The same weights predict the test
specimen in float32 and in bfloat16, plainly and with TTA, on all cores.
"""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tests.benchmarks.measure import SAME_DEG
from workflow.lib import networks
from workflow.lib.data.split import read_fold
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.saved import load_task
from workflow.lib.models.task import Task
from workflow.lib.orientation import misorientation_deg
from workflow.lib.training.precision import arithmetic

RUN = Path("results/demo")
MODEL = RUN / "models/sequencenet/1/1"


def predicted(predict: Callable, task: Task, signals: Tensor, name: str) -> tuple[Tensor, float]:
    """Orientations (n, 4) in that arithmetic, and the seconds they took."""
    begin = time.perf_counter()
    with arithmetic(name, signals.device):
        answer, _ = predict(task, signals)
    return answer, time.perf_counter() - begin


def main() -> None:
    networks.FEWEST_BY_HAND = 1 << 62  # PyTorch's LSTM, which decodes in bfloat16
    task = load_task(MODEL / "weights.safetensors", MODEL / "model.json")
    test = read_fold(RUN / "folds/1.h5", ["test"])["test"]
    signals, reference = torch.from_numpy(test.signals), torch.from_numpy(test.orientation)
    for name, predict in (("plain", predict_plain), ("TTA", predict_tta)):
        exact, exact_s = predicted(predict, task, signals, "float32")
        rounded, rounded_s = predicted(predict, task, signals, "bfloat16")
        near = (misorientation_deg(rounded, exact) < SAME_DEG).double().mean()
        medians = [misorientation_deg(q, reference).nanmedian() for q in (exact, rounded)]
        print(
            f"{name}: {100 * near:.1f} % of {len(signals)} predictions in bfloat16 are within "
            f"{SAME_DEG}° of those in float32; medians {medians[0]:.2f}° in float32, "
            f"{medians[1]:.2f}° in bfloat16, which is {exact_s / rounded_s:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
