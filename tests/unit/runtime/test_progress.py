"""A job tells how far it is, also where its output is no terminal and a step takes long."""

import re
import subprocess
import sys
import time

import pytest

from workflow.lib.runtime import progress as module
from workflow.lib.runtime.duration import in_words
from workflow.lib.runtime.progress import Progress, tracked

SCRIPT = """
import sys, time
from workflow.lib.runtime import progress
from workflow.lib.runtime.script import run

def main():
    with progress.Progress("eulernet fold 1 seed 2", 4, "step") as told:
        told.add()
        told.note("epoch 1 of 4: loss 0.5000")
        time.sleep(1)

progress.PERIOD_S = 0.4
run(main, sys.argv[1])
"""


@pytest.fixture
def lines(caplog):
    """Calls give the lines so far."""
    caplog.set_level("INFO", "drm")
    return lambda: [record.getMessage() for record in caplog.records]


def test_both_the_log_and_the_caller_get_a_line_although_no_step_ends(tmp_path):
    log = tmp_path / "job.log"
    command = [sys.executable, "-c", SCRIPT, str(log)]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    line = r"eulernet fold 1 seed 2: 1 of 4 steps, \d s left; epoch 1 of 4: loss 0\.5000"
    assert len(said.splitlines()) == 2
    assert all(re.fullmatch(line, found) for found in said.splitlines())
    assert log.read_text() == said


def test_a_line_is_due_half_a_minute_after_the_last(lines, monkeypatch):
    assert module.PERIOD_S <= 30
    monkeypatch.setattr(module, "PERIOD_S", 0.5)
    with Progress("work", None, "block") as progress:
        time.sleep(0.3)
        progress.tell()
        time.sleep(0.3)
        assert lines() == ["work: 0 blocks"]
        time.sleep(0.4)
    assert lines() == ["work: 0 blocks"] * 2


def test_the_rest_is_estimated_by_what_was_done_here(lines, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Progress("resumed", 1_000, "step", done=900) as progress:
        now[0] += 2
        progress.add(10)
        progress.tell()  # ten steps took two seconds, ninety are left
        progress.add(90)
        progress.tell()
    assert lines() == ["resumed: 910 of 1,000 steps, 20 s left", "resumed: 1,000 of 1,000 steps"]


def test_bytes_are_written_as_people_do(lines):
    with Progress("downloading", 3_500_000_000, "B", done=1_200_000_000) as progress:
        progress.tell()
    assert lines() == ["downloading: 1.20GB of 3.50GB"]


def test_the_items_of_a_loop_are_counted_and_nothing_is_told_of_a_short_one(lines):
    assert list(tracked("abc", "letters", "letter")) == ["a", "b", "c"]
    assert list(tracked(iter("abc"), "letters", "letter", 3)) == ["a", "b", "c"]
    assert lines() == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"), (7.4, "7 s"), (52, "50 s"), (59, "1 min"), (262, "4 min 20 s"),
        (3_900, "1 h 5 min"), (7_200, "2 h"), (200_000, "2 d 8 h"),
    ],
)  # fmt: skip
def test_durations_are_as_exact_as_estimates_are(seconds, words):
    assert in_words(seconds) == words
