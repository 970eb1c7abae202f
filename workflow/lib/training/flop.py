"""How much arithmetic a training takes, counted in its own steps.

Counted are the matrix products and convolutions of forward pass, backward pass and optimiser, a
multiplication and an addition as two operations. The rest of a step is small beside them and is
not counted, and neither is the validation after an epoch. Shared work counts once: the input part
of the first layer that `networks.lstm` looks up in a table, for instance.
"""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from workflow.lib.models.task import LoopTask
from workflow.lib.training.loop import TrainingData, batches_of
from workflow.lib.training.step import Stepper, TrainingSettings


def tflop_of_training(task: LoopTask, data: TrainingData, settings: TrainingSettings) -> float:
    """Floating-point operations of all steps of a training in 10^12, without training.

    One batch of each size is learnt by a copy on the CPU, so that the number is the same on all
    devices. `task` and the stream of random numbers stay as they are.
    """
    with torch.random.fork_rng(devices=[]):
        learner = deepcopy(task)
        learner.network.to("cpu")
        on_cpu = replace(data, signals=data.signals.cpu(), target=data.target.cpu())
        examples, steps = {}, Counter()  # by the shapes of what a batch holds
        for batch in batches_of(learner, on_cpu, settings):
            shapes = tuple(part.shape for part in batch)
            examples.setdefault(shapes, batch)
            steps[shapes] += 1
        # In float32, as bfloat16 is as much arithmetic but slow where a CPU emulates it.
        stepper = Stepper(learner, replace(settings, precision="float32"), len(examples))
        flop = sum(steps[shapes] * _flop(stepper, batch) for shapes, batch in examples.items())
    return settings.epochs * flop / 1e12


def _flop(stepper: Stepper, batch: Sequence[Tensor]) -> int:
    """Operations of a step, which is taken. What PyTorch counts itself, and what it leaves out."""
    aten = torch.ops.aten
    others = {
        aten.addmm_: _addmm_flop,
        aten.mkldnn_rnn_layer: _lstm_flop,
        aten.mkldnn_rnn_layer_backward: _lstm_backward_flop,
    }
    with FlopCounterMode(display=False, custom_mapping=others) as counter:
        stepper.step(*batch)
    return counter.get_total_flops()


def _addmm_flop(_sum: Sequence[int], a: Sequence[int], b: Sequence[int], **more) -> int:
    """From shapes: a (n, k) times b (k, m)."""
    return 2 * a[0] * a[1] * b[1]


def _lstm_flop(
    inputs: Sequence[int], weight_ih: Sequence[int], weight_hh: Sequence[int], *rest, **more
) -> int:
    """Of one layer of nn.LSTM, from shapes: inputs (t, n, i), weights (4w, i) and (4w, w)."""
    steps, n, _ = inputs
    rows, width = weight_hh
    return 2 * steps * n * rows * (weight_ih[1] + width)


def _lstm_backward_flop(*shapes, **more) -> int:
    """Twice the forward pass: for the gradient of what goes in, and for that of the weights."""
    return 2 * _lstm_flop(*shapes)
