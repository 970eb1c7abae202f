"""Predictions, plainly and with 72-fold test-time augmentation (TTA), against a stepwise loop."""

import inspect
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
from tests.benchmarks.measure import (
    Row,
    Side,
    Sizes,
    agreement,
    alternate,
    bound_by_products,
    compare,
    matrix_product,
    precisions,
    rate,
)
from tests.benchmarks.problem import ROLLS, measured_again, published, simulated, teach
from workflow.lib.inference import predict_plain, predict_tta
from workflow.lib.tasks import Task, make_task

SMALL = {"encoder": "equivariant", "layers": 1}
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
    name = "nn.LSTM stepwise, batch 64, float32"

    baseline = Baseline(name, lambda signals: stepwise.predict_plain(answer, signals))
    contender = Contender("predict, SequenceNet", task, predict_plain, operations)
    signals = measured_again(learnt, sizes.plain_signals)
    rows = _rows([contender], baseline, signals, len(signals), device, sizes)

    contenders = [Contender("TTA, SequenceNet", task, predict_tta, ROLLS * operations)]
    work, missing = "TTA, equivariant encoder, one layer", []
    try:
        small = make_task("sequencenet", SMALL, gain_sd=0.0)
    except (TypeError, ValueError) as error:
        missing = [Row(work, "signals/s", note=f"not measured, there is no such network: {error}")]
    else:
        teach(small, learnt, device, sizes.lessons)
        contenders.append(Contender(work, small, predict_tta, None))
    baseline = Baseline(name, lambda signals: stepwise.predict_tta(answer, signals))
    signals = measured_again(learnt, sizes.tta_signals)
    rows += _rows(contenders, baseline, signals, sizes.baseline_signals, device, sizes)
    return rows + missing


def _euler_rows(device: torch.device, sizes: Sizes) -> list[Row]:
    learnt = simulated(1, specimen=1)
    task = teach(published("eulernet")[0], learnt, device, sizes.lessons)
    plain = PlainEulerNet().to(device).eval()
    copy_weights(plain, task.network)
    operations = ROLLS * OPERATIONS * multiplications(plain, torch.zeros(1, 6, 72, device=device))
    answer = stepwise.euler_answers(plain)
    baseline = Baseline(
        "roll by roll, batch 64, float32", lambda signals: stepwise.predict_tta(answer, signals)
    )
    contender = Contender("TTA, EulerNet", task, predict_tta, operations)
    signals = measured_again(learnt, sizes.tta_signals)
    return _rows([contender], baseline, signals, sizes.baseline_signals, device, sizes)


def _rows(
    contenders: list[Contender], baseline: Baseline, test: np.ndarray, n_baseline: int,
    device: torch.device, sizes: Sizes,
) -> list[Row]:  # fmt: skip
    """A row per contender and precision, all measured in turns with one baseline."""
    signals, few = torch.from_numpy(test).to(device), test[:n_baseline]
    names = _precisions(contenders[0].predict, device)
    sides: dict[str, Side] = {}
    for contender in contenders:
        for name in names:
            sides[f"{contender.work}, {name}"] = _side(contender, signals, name)
    sides["baseline"] = lambda: rate(lambda: baseline.predict(few), len(few))
    for name in names:
        sides[f"{name} product"] = matrix_product(name, device, sizes.matrix_edge)
    rates = alternate(sides, sizes.repeats)

    expected = torch.from_numpy(baseline.predict(few))
    rows = []
    for contender in contenders:
        for name in names:
            work = f"{contender.work}, {name}"
            row = compare(work, "signals/s", rates, work, baseline.name)
            row.note = _accuracy(contender, signals[: len(few)], name, expected)
            if contender.operations is not None:
                row = bound_by_products(row, rates, name, contender.operations)
            rows.append(row)
    return rows


def _side(contender: Contender, signals: Tensor, precision: str) -> Side:
    return lambda: rate(lambda: _predict(contender, signals, precision), len(signals))


def _accuracy(contender: Contender, signals: Tensor, precision: str, baseline: Tensor) -> str:
    """How many answers are valid, and how many as in float32 on the same weights."""
    answer, valid = _predict(contender, signals, precision)
    if contender.operations is None:
        reference, name = _predict(contender, signals, "float32")[0], "its own in float32"
    else:
        reference, name = baseline, "the baseline's, with the same weights"
    return f"{agreement(answer, reference)} of {name}; {100 * valid.double().mean():.0f} % valid"


def _precisions(predict: Predict, device: torch.device) -> list[str]:
    known = "precision" in inspect.signature(predict).parameters
    return precisions(device) if known else ["float32"]


def _predict(contender: Contender, signals: Tensor, precision: str) -> tuple[Tensor, Tensor]:
    known = "precision" in inspect.signature(contender.predict).parameters
    return contender.predict(contender.task, signals, **({"precision": precision} if known else {}))
