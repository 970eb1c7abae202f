"""The nearest neighbour against a loop over all pairs and rolls, and its weights as files."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models import nearest
from workflow.lib.models.nearest import NearestTask
from workflow.lib.models.saved import load_task, save_model
from workflow.lib.orientation import (
    azimuth_rotation,
    from_euler_zyz,
    misorientation_deg,
    multiply,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

KNOWN, ASKED = 40, 11


def simulated(n: int, specimen: int) -> tuple[torch.Tensor, torch.Tensor]:
    signals, euler_rad = simulate_specimen(n, SPECIMENS[specimen], stream(1, 0, specimen))
    return torch.from_numpy(signals), from_euler_zyz(torch.from_numpy(euler_rad))


@pytest.fixture
def task() -> NearestTask:
    task = NearestTask()
    signals, orientation = simulated(KNOWN, 0)
    task.learn(signals, task.target(orientation))
    return task


def by_a_loop(signals: np.ndarray, known: np.ndarray) -> tuple[list[int], list[int]]:
    """Index and roll of the highest of NumPy's correlation coefficients."""
    found = []
    for signal in signals:
        table = [
            [np.corrcoef(signal.ravel(), np.roll(one, k, axis=1).ravel())[0, 1] for one in known]
            for k in range(AZIMUTHS)
        ]
        found.append(np.unravel_index(np.argmax(table), (AZIMUTHS, len(known))))
    rolls, index = zip(*found, strict=True)
    return list(index), list(rolls)


@pytest.mark.parametrize("blocks", [(8, 1024), (4, 7), (1, 1)])
def test_it_finds_what_a_loop_over_all_pairs_and_rolls_finds(task, blocks, monkeypatch):
    monkeypatch.setitem(nearest.BLOCKS, "cpu", blocks)
    signals, _ = simulated(ASKED, 1)
    index, roll = task.network(signals)
    expected = by_a_loop(signals.numpy(), task.network.signals.numpy())
    assert (index.tolist(), roll.tolist()) == expected
    assert len(set(index.tolist())) > 3
    assert len(set(roll.tolist())) > 3


@pytest.mark.parametrize("rolls", [0, 1, 35, 71])
def test_a_known_signal_that_was_rolled_is_answered_by_its_label_turned_as_much(task, rolls):
    """Also when its brightness is another: only correlation counts."""
    turned = roll_azimuth(task.network.signals, torch.full((KNOWN,), rolls)) // 2
    answer, valid = predict_plain(task, turned)
    expected = multiply(azimuth_rotation(rolls).double(), task.network.orientation)
    assert misorientation_deg(answer, expected).max() < 1e-4
    assert valid.all()


def test_all_rolls_at_once_are_answered_as_one_by_one(task):
    signals, _ = simulated(ASKED, 1)
    answer, valid = task.predict_rolls(signals)
    for k in range(AZIMUTHS):
        alone, valid_alone = task.predict(signals, torch.full((ASKED,), k))
        assert misorientation_deg(answer[:, k], alone).max() < 1e-4
        assert torch.equal(valid[:, k], valid_alone)
    torch.testing.assert_close(predict_tta(task, signals)[0], predict_plain(task, signals)[0])


def test_a_constant_signal_is_answered_and_breaks_nothing(task):
    answer, valid = predict_plain(task, torch.full((1, 6, AZIMUTHS), 7, dtype=torch.uint8))
    assert valid.all()
    assert answer.isfinite().all()


def test_its_weights_are_the_signals_and_load_whatever_their_number(task, tmp_path):
    paths = tmp_path / "weights.safetensors", tmp_path / "model.json"
    save_model(task.network.state_dict(), {"network": "nearest", "architecture": {}}, *paths)
    again = load_task(*paths)
    signals, _ = simulated(ASKED, 1)
    assert torch.equal(predict_plain(again, signals)[0], predict_plain(task, signals)[0])
    assert set(task.network.state_dict()) == {"signals", "orientation"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"signals": torch.zeros(3, 6, 71, dtype=torch.uint8)}, r"signals are uint8 \(3, 6, 71\)"),
        ({"signals": torch.zeros(3, 6, 72)}, r"signals are float32 \(3, 6, 72\), expected uint8"),
        ({"signals": torch.zeros(0, 6, 72, dtype=torch.uint8)}, r"signals are uint8 \(0, 6, 72\)"),
        ({"orientation": torch.zeros(2, 4).double()}, r"are float64 \(2, 4\), expected .*\(3, 4\)"),
        (
            {"orientation": torch.zeros(3, 4)},
            r"orientations are float32 \(3, 4\), expected float64",
        ),
        ({"more": torch.zeros(1)}, "does not hold the network of"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_weights_that_are_something_else_are_refused_in_a_line(change, found, tmp_path):
    paths = tmp_path / "weights.safetensors", tmp_path / "model.json"
    good = {
        "signals": torch.zeros(3, 6, 72, dtype=torch.uint8),
        "orientation": torch.zeros(3, 4).double(),
    }
    save_model(good, {"network": "nearest", "architecture": {}}, *paths)
    save_file(good | change, paths[0])
    with pytest.raises(InputError, match=found) as error:
        load_task(*paths)
    assert "\n" not in str(error.value)
    assert str(paths[0]) in str(error.value)
