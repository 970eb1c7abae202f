"""How long a run takes is told beforehand: the trainings by steps that are timed, and the rest."""

import re

import pytest
import torch

from workflow.lib.runtime import forecast as module
from workflow.lib.runtime.forecast import Training, forecast, makespan

LOOP = {
    "epochs": 1_000, "rolls_per_epoch": 1, "rolls_together": 1, "batch": 20, "optimizer": "adam",
    "learning_rate": 1e-3, "matrix_rate": 0.02, "schedule": "one_cycle", "warm_up": 0.3,
    "clip_norm": None, "precision": "float32",
}  # fmt: skip
EULERNET = {"network": "eulernet", "architecture": {}, "training": LOOP}
WRITER = {"network": "sequencenet", "architecture": {"layers": 1, "width": 16}, "training": LOOP}


def trainings(*settings: dict, checkpoint: str = "none", kept: str = "none") -> list[Training]:
    return [Training(each, 1, checkpoint, kept) for each in settings]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "BUDGET_S", 0.1)


def test_the_last_job_ends_when_free_places_take_the_longest_that_is_left():
    assert makespan([3, 1, 2], 1) == 6
    assert makespan([3, 1, 2], 2) == 3
    assert makespan([3, 1, 2], 8) == 3
    assert makespan([2, 2, 2], 2) == 4


def test_the_line_has_all_and_its_parts(quick):
    line = forecast(trainings(EULERNET, WRITER), 19, 2, 80, 10)
    amount = r"(?:\d+ \w+ ?)+"
    assert re.fullmatch(
        f"About {amount} on this machine: {amount} of training, 2 at a time, and {amount} for the "
        "rest; finished steps are kept if you interrupt it",
        line,
    )


def test_a_resumed_training_has_only_its_rest_to_go(quick, tmp_path):
    torch.save({"rows": [{}] * 1_000}, tmp_path / "checkpoint.pt")
    same = trainings(EULERNET, checkpoint=str(tmp_path / "checkpoint.pt"))
    assert ": 0 s of training, 1 at a time," in forecast(same, 19, 1, 80, 10)


def test_two_seeds_of_a_model_are_timed_once_and_take_twice_as_long(monkeypatch):
    asked = []

    def ask(same, *_):
        asked.append(len(same))
        return {"epoch_s": 1.0, "done": [0, 500], "start_s": 2.0}

    monkeypatch.setattr(module, "_ask", ask)
    line = forecast(trainings(EULERNET, EULERNET), 0, 1, 80, 10)
    assert asked == [2]
    assert line.startswith("About 25 min on this machine: 25 min of training, 1 at a time, and 0 s")
    kept = forecast(trainings(EULERNET, EULERNET, kept="."), 0, 1, 80, 10)  # perhaps it is taken
    assert kept == line.replace("About", "At most")


def test_nothing_is_told_of_what_is_short_or_can_not_be_timed(quick, monkeypatch):
    assert forecast([], 19, 2, 80, 10) is None
    assert forecast(trainings(EULERNET | {"network": "none"}), 19, 2, 80, 10) is None
    monkeypatch.setattr(module, "_ask", None)  # so short that none is asked
    assert forecast(trainings(EULERNET), 19, 2, module.LEAST // 1_000 - 1, 10) is None
