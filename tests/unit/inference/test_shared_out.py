"""Kernels beside a busy core: none divides an operation, so none waits for a thread's turn there.

And what they compute does not depend on how many threads share it out.
"""

import threading
from collections.abc import Callable

import pytest
import torch

from tests.unit.quaternions import random_quaternions
from workflow.lib.inference import plain, tta
from workflow.lib.models import nearest
from workflow.lib.models.registry import make_task
from workflow.lib.networks import azimuth, lstm, sequencenet
from workflow.lib.orientation import (
    cluster,
    kernel_log_density,
    least_expected,
    medoid,
    misorientation,
    misorientation_deg,
    pairs,
)
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.tokens import TOKENIZERS, decimal, digit
from workflow.lib.tokens.tokenizer import _CHUNK

Q = random_quaternions(150_000, 1)
VOTES = Q[: 60 * AZIMUTHS].reshape(60, AZIMUTHS, 4)
WEIGHTS = torch.full((60, AZIMUTHS), 1 / AZIMUTHS, dtype=torch.float64)
SIGNALS = torch.randint(
    0, 256, (11, 6, AZIMUTHS), generator=torch.Generator().manual_seed(0)
).byte()


def tokens_both_ways(name: str) -> list[torch.Tensor]:
    tokenizer = TOKENIZERS[name]()
    tokens = tokenizer.encode(Q[: 3 * _CHUNK])
    return [tokens, *tokenizer.decode(tokens)]


def predictions(predict: Callable, name: str, **architecture) -> list[torch.Tensor]:
    torch.manual_seed(5)
    task = make_task(name, architecture)
    if name == "nearest":
        task.learn(SIGNALS.roll(2, 0), Q[: len(SIGNALS)])
    return list(predict(task, SIGNALS))


SMALL = {"layers": 1, "width": 16}
# A kernel, and where its arithmetic is done
KERNELS = {
    "misorientation": (lambda: [misorientation_deg(Q, Q.flip(0))], misorientation, "_difference"),
    "medoid": (lambda: [medoid(VOTES)], misorientation, "_difference"),
    "clusters": (
        lambda: list(vars(cluster(VOTES, WEIGHTS, 20.0, 4)).values()), pairs, "_cosines",
    ),
    "least expected": (
        lambda: [least_expected(VOTES, WEIGHTS)], misorientation, "_difference",
    ),
    "kernel density": (
        lambda: [kernel_log_density(VOTES, VOTES, WEIGHTS, 3.0)], pairs, "_cosines",
    ),
    "digit tokens, written": (lambda: tokens_both_ways("digit"), digit, "digits"),
    "digit tokens, read": (lambda: tokens_both_ways("digit"), digit, "integer"),
    "decimal tokens, written": (lambda: tokens_both_ways("decimal"), decimal, "digits"),
    "decimal tokens, read": (lambda: tokens_both_ways("decimal"), decimal, "integer"),
    "LSTM": (
        lambda: predictions(plain.predict_plain, "sequencenet", **SMALL), lstm.Stepwise, "step",
    ),
    "LSTM, TTA": (
        lambda: predictions(tta.predict_tta, "sequencenet", **SMALL), lstm.Stepwise, "step",
    ),
    "à trous": (
        lambda: predictions(tta.predict_tta, "eulernet"), azimuth, "circular_features",
    ),
    "EulerNet": (lambda: predictions(plain.predict_plain, "eulernet"), torch.nn.Conv2d, "forward"),
    "nearest": (
        lambda: predictions(plain.predict_plain, "nearest"), nearest.KnownSignals, "_nearest",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def several_chunks(monkeypatch):
    monkeypatch.setitem(pairs._PAIRS, "cpu", 10_000)
    monkeypatch.setitem(plain.SIGNALS_PER_BATCH, "cpu", 4)
    monkeypatch.setitem(tta.SIGNALS_PER_BATCH, "cpu", 4)
    monkeypatch.setattr(sequencenet, "FEWEST_BY_HAND", 1)


def computed(kernel: Callable, threads: int) -> list[torch.Tensor]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return kernel()
    finally:
        assert torch.get_num_threads() == threads
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", KERNELS)
def test_two_threads_compute_at_once_and_neither_divides_its_operations(name, monkeypatch):
    kernel, owner, inner = KERNELS[name]
    original, seen, barrier = getattr(owner, inner), {}, threading.Barrier(2)

    def spied(*arguments, **options):
        me = threading.get_ident()
        if me != threading.main_thread().ident and me not in seen and len(seen) < 2:
            seen[me] = torch.get_num_threads()
            barrier.wait(timeout=60)  # goes on only if another thread is at work as well
        assert torch.get_num_threads() == 1
        return original(*arguments, **options)

    monkeypatch.setattr(owner, inner, spied)
    computed(kernel, threads=2)
    assert set(seen.values()) == {1}
    assert len(seen) >= 2


@pytest.mark.parametrize("name", KERNELS)
def test_any_number_of_threads_computes_the_same_bits(name):
    kernel = KERNELS[name][0]
    expected = computed(kernel, threads=1)
    for threads in (2, 3):
        for one, other in zip(expected, computed(kernel, threads), strict=True):
            torch.testing.assert_close(other, one, rtol=0, atol=0, equal_nan=True)
