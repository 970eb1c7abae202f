"""Predictions, plainly and with 72-fold test-time augmentation (TTA), against a stepwise loop."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tests.benchmarks.baselines import evaluation as stepwise
from tests.benchmarks.baselines.networks import (
    LENGTH,
    PlainEulerNet,
    PlainSequenceNet,
    copy_weights,
    multiplications,
)
from tests.benchmarks.busy import beside_busy_core
from tests.benchmarks.measure import (
    Row,
    Side,
    Sizes,
    agreement,
    alternate,
    bound_by_products,
    compare,
    matrix_product,
    rate,
)
from tests.benchmarks.problem import ROLLS, measured_again, published, simulated, teach
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task

SMALL = {"one layer": 1, "two layers": 2}  # decoders beside the equivariant encoder
OPERATIONS = 2  # per weight and use: a multiplication and an addition

Predict = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Contender:
    """What is measured against a baseline.

    operations: in matrix products for one signal; None where the baseline has other weights.
    """

    work: str
    task: Task
    predict: Predict
    operations: float | None


@dataclass(frozen=True)
class Baseline:
    """A straightforward way from signals (n, 6, 72) to quaternions (n, 4)."""

    name: str
    predict: Callable[[np.ndarray], np.ndarray]


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    return [*_sequence_rows(device, sizes), *_euler_rows(device, sizes)]


def _sequence_rows(device: torch.device, sizes: Sizes) -> list[Row]:
    learnt = simulated(1, specimen=1)
    task = teach(published("sequencenet")[0], learnt, device, sizes.lessons)
    plain = PlainSequenceNet().to(device).eval()
    copy_weights(plain, task.network)
    zero = torch.zeros(1, device=device).long()
    signal = torch.zeros(1, 6, 72, device=device)
    operations = OPERATIONS * multiplications(plain, signal, zero, zero.expand(1, LENGTH - 1))
    answer = stepwise.sequence_answers(plain)
    name = "nn.LSTM stepwise, batch 64"

    baseline = Baseline(name, lambda signals: stepwise.predict_plain(answer, signals))
    contender = Contender("predict, SequenceNet", task, predict_plain, operations)
    signals = measured_again(learnt, sizes.plain_signals)
    rows = _rows([contender], baseline, signals, len(signals), device, sizes)

    contenders = [Contender("TTA, SequenceNet", task, predict_tta, ROLLS * operations)]
    for phrase, layers in SMALL.items():
        small = make_task("sequencenet", {"encoder": "equivariant", "layers": layers})
        teach(small, learnt, device, sizes.lessons)
        work = f"TTA, equivariant encoder, {phrase}"
        contenders.append(Contender(work, small, predict_tta, None))
    baseline = Baseline(name, lambda signals: stepwise.predict_tta(answer, signals))
    signals = measured_again(learnt, sizes.tta_signals)
    return rows + _rows(contenders, baseline, signals, sizes.baseline_signals, device, sizes)


def _euler_rows(device: torch.device, sizes: Sizes) -> list[Row]:
    learnt = simulated(1, specimen=1)
    task = teach(published("eulernet")[0], learnt, device, sizes.lessons)
    plain = PlainEulerNet().to(device).eval()
    copy_weights(plain, task.network)
    operations = ROLLS * OPERATIONS * multiplications(plain, torch.zeros(1, 6, 72, device=device))
    answer = stepwise.euler_answers(plain)
    baseline = Baseline(
        "roll by roll, batch 64", lambda signals: stepwise.predict_tta(answer, signals)
    )
    contender = Contender("TTA, EulerNet", task, predict_tta, operations)
    signals = measured_again(learnt, sizes.tta_signals)
    return _rows([contender], baseline, signals, sizes.baseline_signals, device, sizes)


def _rows(
    contenders: list[Contender], baseline: Baseline, test: np.ndarray, n_baseline: int,
    device: torch.device, sizes: Sizes,
) -> list[Row]:  # fmt: skip
    """A row per contender, all measured in turns with one baseline; predictions are float32."""
    signals, few = torch.from_numpy(test).to(device), test[:n_baseline]
    sides: dict[str, Side] = {item.work: _side(item, signals) for item in contenders}
    sides["baseline"] = lambda: rate(lambda: baseline.predict(few), len(few))
    sides["float32 product"] = matrix_product("float32", device, sizes.matrix_edge)
    rates = alternate(sides, sizes.repeats)

    expected = torch.from_numpy(baseline.predict(few))
    rows = []
    for item in contenders:
        row = compare(item.work, "signals/s", rates, item.work, baseline.name)
        row.beside_busy_core = beside_busy_core(sides[item.work], device, sizes.repeats)
        answer, valid = item.predict(item.task, signals[: len(few)])
        row.note = f"{100 * valid.double().mean():.0f} % valid"
        if item.operations is not None:
            row = bound_by_products(row, rates, "float32", item.operations)
            row.note += f", {agreement(answer, expected)} of the baseline's, with the same weights"
        rows.append(row)
    return rows


def _side(contender: Contender, signals: Tensor) -> Side:
    return lambda: rate(lambda: contender.predict(contender.task, signals), len(signals))
