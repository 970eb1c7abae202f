"""Speed of tokenizers, misorientation and networks, side by side in one run.

`PYTHONPATH=. python tests/benchmarks/bench_core.py`. Each figure is the best of three, on one
thread; the networks' share of the machine's measured matrix-multiply peak counts only their
multiplications (6 operations per weight and use: forward, and twice that backward).
"""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from orix.quaternion import Orientation, symmetry
from torch import nn

from workflow.lib.orientation import misorientation_deg, misorientation_deg_by_operators
from workflow.lib.precision import usable_precision
from workflow.lib.stepper import Stepper, TrainingSettings
from workflow.lib.tasks import SequenceTask, Task, make_task
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer, encode_all_rolls

BATCH = 64
STEPS = 20
SETTINGS = TrainingSettings(
    epochs=1, rolls_per_epoch=1, batch=BATCH, learning_rate=1e-4, schedule="constant",
    warm_up=0.3, clip_norm=1.0, precision="float32", seed=1,
)  # fmt: skip


def best_s(function: Callable[[], object], repeats: int = 3) -> float:
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def random_quaternions(n: int) -> torch.Tensor:
    return nn.functional.normalize(torch.randn(n, 4, dtype=torch.float64), dim=-1)


def tokenizers(n: int = 1_000_000) -> None:
    q = random_quaternions(n)
    for tokenizer in (DigitTokenizer(), DecimalTokenizer()):
        tokens = tokenizer.encode(q)
        encode_s = best_s(lambda t=tokenizer: t.encode(q))
        decode_s = best_s(lambda t=tokenizer, x=tokens: t.decode(x))
        print(
            f"{tokenizer.name}: {n:,} quaternions, encode {encode_s:.2f} s, decode {decode_s:.2f} s"
        )


def misorientations(n: int = 200_000) -> None:
    """Ours beside the brute form and beside orix, on the same pairs, all in float64."""
    p, q = random_quaternions(n), random_quaternions(n)
    theirs = [Orientation(x.numpy(), symmetry=symmetry.O) for x in (p, q)]
    seconds = {
        "closed form": best_s(lambda: misorientation_deg(p, q)),
        "24 operators": best_s(lambda: misorientation_deg_by_operators(p, q)),
        "orix": best_s(lambda: theirs[0].angle_with(theirs[1], degrees=True)),
    }
    for name, value in seconds.items():
        ratio = value / seconds["closed form"]
        print(f"misorientation of {n:,} pairs, {name}: {value * 1e3:.0f} ms, ratio {ratio:.1f}")


def matmul_peak_gflops(n: int = 512) -> float:
    a = torch.randn(n, n)
    return 2 * n**3 / best_s(lambda: a @ a, repeats=50) / 1e9


def multiplications(task: Task, signals: torch.Tensor, rolls: torch.Tensor, target) -> float:
    """Multiply-adds of one signal's forward pass, counted by hooks on the layers."""
    total = 0

    def count(module: nn.Module, _, output) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output[0].numel() * module.in_features
        elif isinstance(module, nn.LSTM):
            weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
            total += weights * output[0].shape[1]

    hooks = [module.register_forward_hook(count) for module in task.network.modules()]
    task.loss(signals, rolls, target)
    for hook in hooks:
        hook.remove()
    return total


def training(peak_gflops: float) -> None:
    """As the demo trains, in float32 and, where the CPU computes in it, in bfloat16."""
    signals = torch.randint(0, 256, (BATCH, 6, 72)).byte()
    rolls = torch.randint(0, 72, (BATCH,))
    for name, architecture in (("eulernet", {}), ("sequencenet", {"layers": 2})):
        per_s = {}
        for precision in ("float32", usable_precision("bfloat16", signals.device)):
            task = make_task(name, architecture, gain_sd=0.2)
            target = random_quaternions(BATCH)
            if isinstance(task, SequenceTask):
                target = encode_all_rolls(target, task.tokenizer)
            stepper = Stepper(task, replace(SETTINGS, precision=precision), 10 * STEPS)

            def steps(stepper=stepper, target=target) -> None:
                for _ in range(STEPS):
                    stepper.step(signals, rolls, target)

            per_s[precision] = BATCH * STEPS / best_s(steps)
        gflops = 6 * multiplications(task, signals, rolls, target) * per_s["float32"] / 1e9
        print(
            f"{name}: {per_s['float32']:.0f} signals/s in training, batch {BATCH}; {gflops:.0f} of "
            f"{peak_gflops:.0f} GFLOP/s ({100 * gflops / peak_gflops:.0f} % of the matrix peak)"
        )
        if "bfloat16" in per_s:
            ratio = per_s["bfloat16"] / per_s["float32"]
            print(f"{name}: {per_s['bfloat16']:.0f} signals/s in bfloat16, {ratio:.2f} times that")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizers()
    misorientations()
    training(matmul_peak_gflops())
