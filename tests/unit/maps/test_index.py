"""Signals become pixels: who is indexed, and that neither pieces nor threads change anything."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.quaternions import random_quaternions
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.maps import index
from workflow.lib.maps.index import Indexer
from workflow.lib.maps.signal_space import SignalSpace, fit_signal_space
from workflow.lib.models.registry import make_task
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

CPU = torch.device("cpu")


def simulated(n: int, specimen: int) -> Tensor:
    return torch.from_numpy(
        simulate_specimen(n, SPECIMENS[specimen - 1], stream(1, 1, specimen))[0]
    )


@pytest.fixture(scope="module")
def space() -> SignalSpace:
    return fit_signal_space(simulated(200, 1).numpy(), simulated(50, 2).numpy(), 16, 0.01)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def equal(one: index.Pixels, other: index.Pixels) -> bool:
    names = ("orientation", "confidence", "anomaly", "is_indexed")
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "is_indexed")
        for name in names
    )


@pytest.mark.parametrize("name", ["eulernet", "rotation6d"])
def test_orientations_are_the_networks_and_anomalies_the_spaces(name, space):
    torch.manual_seed(1)
    task, signals = make_task(name, {}), simulated(20, 3)
    found = Indexer(task, space, 1, CPU, 1).index(signals)
    orientation, valid = predict_plain(task, signals)
    assert valid.all()
    np.testing.assert_array_equal(found.orientation, orientation)
    np.testing.assert_allclose(found.anomaly, space.score(signals), rtol=1e-6)
    assert [found.orientation.dtype, found.confidence.dtype, found.anomaly.dtype] == [
        np.float64, np.float32, np.float32,
    ]  # fmt: skip
    assert np.isnan(found.confidence).all()  # of writers see test_confidence
    with_tta = Indexer(task, space, 72, CPU, 1).index(signals[:3])
    np.testing.assert_array_equal(with_tta.orientation, predict_tta(task, signals[:3])[0])
    assert ((with_tta.confidence > 0) & (with_tta.confidence <= 1)).all()


@dataclass
class ByNumber:
    """A signal's last value is its number; the answer to number 0 is none."""

    orientations: Tensor
    network: nn.Module = field(default_factory=nn.Identity)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        number = signals[:, -1, -1].long()
        answer = self.orientations[number]
        return answer, number > 0  # an answer that is none need not be NaN


def test_indexed_is_what_has_an_answer_and_is_no_anomaly(space):
    signals = simulated(40, 3)
    signals[:, -1, -1] = torch.arange(40)
    signals[7] = torch.randint(6, signals[7].shape, generator=torch.Generator().manual_seed(1))
    signals[7, -1, -1] = 7
    strict = replace(space, threshold=float(space.score(signals).sort().values[-2]))
    orientations = random_quaternions(40, 1)
    found = Indexer(ByNumber(orientations), strict, 1, CPU, 1).index(signals)
    assert found.anomaly.argmax() == 7
    assert np.flatnonzero(~found.is_indexed).tolist() == [0, 7]
    np.testing.assert_array_equal(found.orientation[7], orientations[7])  # given all the same
    assert np.isnan(found.orientation[0]).all()


@pytest.mark.parametrize(("views", "threads"), [(1, 2), (4, 2), (72, 1)])
def test_neither_pieces_nor_threads_change_pixels(views, threads, space, monkeypatch):
    task = ByNumber(random_quaternions(256, 2))
    task.predict_rolls = lambda signals: tuple(
        part.unflatten(0, (-1, 72))
        for part in task.predict(signals.repeat_interleave(72, 0), torch.empty(0))
    )
    signals = simulated(600, 4)
    whole = Indexer(task, space, views, CPU, 1).index(signals)
    monkeypatch.setitem(index.SIGNALS_AT_ONCE, "cpu", 37)
    assert equal(Indexer(task, space, views, CPU, threads).index(signals), whole)


def test_no_more_than_a_piece_is_on_the_device_at_once(space, monkeypatch):
    seen = []

    class Watched(ByNumber):
        def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
            seen.append(len(signals))
            return super().predict(signals, rolls)

    task = Watched(random_quaternions(256, 2))
    for views in (1, 12):
        seen.clear()
        Indexer(task, space, views, CPU, 1).index(simulated(600, 4))
        assert max(seen) <= 256
        assert sum(seen) == 600 * views


def test_no_signals_are_no_pixels(space):
    found = Indexer(ByNumber(random_quaternions(2)), space, 1, CPU, 1).index(simulated(1, 1)[:0])
    assert found.orientation.shape == (0, 4)
    assert found.is_indexed.shape == (0,)
