"""Draws of the classes that don't write: a regression's answers, and the nearest signals."""

import numpy as np
import pytest
import torch

from workflow.lib.models import nearest
from workflow.lib.models.euler import EulerTask
from workflow.lib.models.nearest import NearestTask
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import WritingTask, all_rolls
from workflow.lib.orientation import (
    azimuth_rotation,
    from_euler_zyz,
    misorientation_deg,
    multiply,
)
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

KNOWN, ASKED = 25, 6


def simulated(n: int, specimen: int) -> tuple[torch.Tensor, torch.Tensor]:
    signals, euler_rad = simulate_specimen(n, SPECIMENS[specimen], stream(1, 0, specimen))
    return torch.from_numpy(signals), from_euler_zyz(torch.from_numpy(euler_rad))


SIGNALS = simulated(ASKED, 1)[0]
SEEDS = torch.arange(ASKED)


@pytest.fixture
def neighbour() -> NearestTask:
    task = NearestTask()
    task.learn(*simulated(KNOWN, 0))
    return task


regressions = pytest.mark.parametrize("network", ["eulernet", "rotation6d", "tensor"])


@regressions
@torch.inference_mode()
def test_a_regression_draws_its_answer_to_each_roll_whatever_the_count(network):
    torch.manual_seed(0)
    task = make_task(network, {})
    task.network.eval()
    rolls = torch.tensor([[0, 5, 71]]).expand(ASKED, -1)
    draws = task.draw(SIGNALS, rolls, 9, SEEDS, 2.0)
    assert draws.orientation.shape == (ASKED, 3, 1, 4)
    assert draws.orientation.dtype == torch.float64
    assert draws.log_probability is None
    for i in range(3):
        alone, _ = task.predict(SIGNALS, rolls[:, i])
        torch.testing.assert_close(draws.orientation[:, i, 0], alone, atol=1e-5, rtol=0)
    task.network.eval()
    every = task.draw(SIGNALS, all_rolls(SIGNALS), 1, SEEDS, 1.0).orientation[:, :, 0]
    torch.testing.assert_close(every, task.predict_rolls(SIGNALS)[0])


@regressions
@torch.inference_mode()
def test_an_answer_that_is_none_is_drawn_as_nan(network):
    task = make_task(network, {})
    next(task.network.parameters()).data.fill_(torch.inf)
    draws = task.draw(SIGNALS, all_rolls(SIGNALS), 1, SEEDS, 1.0)
    assert draws.orientation.isnan().all()


def peaks_by_a_loop(signal: np.ndarray, known: np.ndarray) -> list[tuple[float, int, int]]:
    """NumPy's correlation, index and roll of all rolls that beat their neighbours, best first."""
    found = []
    for index, one in enumerate(known):
        row = [
            np.corrcoef(signal.ravel(), np.roll(one, k, axis=1).ravel())[0, 1]
            for k in range(AZIMUTHS)
        ]
        found += [
            (row[k], index, k)
            for k in range(AZIMUTHS)
            if row[k] >= row[k - 1] and row[k] >= row[(k + 1) % AZIMUTHS]
        ]
    return sorted(found, reverse=True)


@pytest.mark.parametrize("blocks", [(8, 1024), (4, 7), (1, 1)])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_the_nearest_pairs_are_those_of_a_loop(neighbour, blocks, count, monkeypatch):
    monkeypatch.setitem(nearest.BLOCKS, "cpu", blocks)
    index, roll, exists = neighbour.network.nearest_pairs(SIGNALS, count)
    assert exists.all()
    for i, signal in enumerate(SIGNALS.numpy()):
        expected = peaks_by_a_loop(signal, neighbour.network.signals.numpy())[:count]
        pairs = list(zip(index[i].tolist(), roll[i].tolist(), strict=True))
        assert pairs == [(known, k) for _, known, k in expected]
    assert count == 1 or any(len(set(row.tolist())) < count for row in index) or count < 6


def test_the_first_of_the_nearest_is_what_is_predicted(neighbour):
    draws = neighbour.draw(SIGNALS, all_rolls(SIGNALS), 8, SEEDS, 1.0)
    assert draws.orientation.shape == (ASKED, 1, 8, 4)
    assert draws.log_probability is None
    answer, _ = neighbour.predict(SIGNALS, torch.zeros(ASKED, dtype=torch.int64))
    torch.testing.assert_close(draws.orientation[:, 0, 0], answer)
    index, roll, _ = neighbour.network.nearest_pairs(SIGNALS, 8)
    turned = multiply(azimuth_rotation(roll), neighbour.network.orientation[index])
    assert misorientation_deg(draws.orientation[:, 0], turned).max() < 1e-6


def test_more_pairs_than_there_are_leave_places_empty(neighbour):
    """A known signal has at most 36 rolls that beat both neighbours."""
    neighbour.learn(*simulated(1, 0))
    draws = neighbour.draw(SIGNALS, all_rolls(SIGNALS), 60, SEEDS, 1.0).orientation[:, 0]
    exists = draws.isfinite().all(-1)
    expected = [
        len(peaks_by_a_loop(signal, neighbour.network.signals.numpy()))
        for signal in SIGNALS.numpy()
    ]
    assert exists.sum(1).tolist() == expected
    assert (exists.int().diff(dim=1) <= 0).all()
    constant = neighbour.draw(torch.full_like(SIGNALS, 7), all_rolls(SIGNALS), 3, SEEDS, 1.0)
    assert constant.orientation.isfinite().all()


def test_neither_of_them_writes(neighbour):
    assert not isinstance(neighbour, WritingTask)
    assert not isinstance(EulerTask(), WritingTask)
