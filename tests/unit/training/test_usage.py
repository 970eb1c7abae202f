"""What a training took of the machine."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import torch

from workflow.lib.training import usage
from workflow.lib.training.usage import Usage

ROOT = Path(__file__).parents[3]


def test_a_busy_process_has_a_busy_cpu_and_an_idle_one_has_not():
    with Usage(torch.device("cpu"), threads=1) as busy:
        while time.process_time() - busy._begin_cpu_s < 0.2:
            math.sqrt(2.0)
    with Usage(torch.device("cpu"), threads=1) as idle:
        time.sleep(0.5)
    # on a crowded machine a busy process waits too, so only the order is certain
    work, rest = (u.summary()["device_utilisation_percent"] for u in (busy, idle))
    assert 0 <= rest < 10
    assert rest < work <= 105


def test_the_peak_of_memory_holds_what_was_once_there():
    """In a process of its own: a peak is never forgotten."""
    code = """
import json, numpy, torch
from workflow.lib.training.usage import Usage
with Usage(torch.device("cpu"), 1) as usage:
    numpy.ones(400_000_000, dtype=numpy.uint8)
print(json.dumps(usage.summary()))
"""
    # By a shell in between: the peak of a process begins with the memory of the one it is made by,
    # and that of the tests may be large.
    by_shell = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    done = subprocess.run(by_shell, cwd=ROOT, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    assert 400 < summary["peak_host_memory_mb"] < 1500
    assert summary["device"] == "CPU"
    assert summary["peak_device_memory_mb"] is None


def test_a_gpu_that_does_not_answer_costs_a_figure_and_no_training(monkeypatch, caplog):
    """Its sampling ends with a warning; what was seen so far counts."""
    monkeypatch.setattr(usage, "PERIOD_S", 0.01)
    answers = iter([40, 60])

    def utilization(device):
        try:
            return next(answers)
        except StopIteration:
            raise RuntimeError("driver not loaded") from None

    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    watch = Usage(torch.device("cuda"), threads=1)
    watch._sample()  # ends by itself
    assert watch._utilisation_percent() == 50
    assert "driver not loaded" in caplog.text
