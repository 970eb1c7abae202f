"""Temperatures and bandwidths that are known to be the best, and what they are not fitted to."""

import math

import numpy as np
import pytest
import torch

from tests.unit.inference.known_tasks import (
    HEAVIER,
    TwoWays,
    Writer,
    moved,
    signals_of,
    two_orientations,
)
from workflow.lib.inference import fitted
from workflow.lib.inference.fitted import BANDWIDTHS_DEG, TEMPERATURES, fit, tempered
from workflow.lib.inference.support import KINDS, Settings

N = 120
MODES = two_orientations(N, seed=3)
SETTINGS = Settings(candidates=3, radius_deg=12.0, draws=80, draws_per_view=2, beam_width=2, seed=1)


def labels(share: float) -> torch.Tensor:
    """Of so many signals, exactly, near the first orientation; of the others near the second."""
    first = torch.arange(N) < round(share * N)
    return torch.where(first[:, None], MODES[:, 0], MODES[:, 1])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_is_that_at_which_candidates_are_right_as_often_as_they_claim(temperature):
    first, second = HEAVIER ** (1 / temperature), (1 - HEAVIER) ** (1 / temperature)
    task = TwoWays(MODES)
    found = fit(task, signals_of(N), labels(first / (first + second)), SETTINGS)
    # of 144 draws the weights themselves are off by a twentieth
    assert found.temperature["mixture"] == pytest.approx(temperature, rel=0.2)


def test_one_answer_has_no_temperature():
    class OneWay(TwoWays):
        def draw(self, signals, rolls, count, seeds, temperature):
            return super().draw(signals, rolls[:, :1], 1, seeds, temperature)

        def share(self, temperature):
            return 1.0

    found = fit(OneWay(MODES), signals_of(N), labels(0.8), SETTINGS)
    assert found.temperature == dict.fromkeys(KINDS, 1.0)
    assert set(found.bandwidth_deg.values()) <= set(BANDWIDTHS_DEG)


def test_of_one_answer_the_bandwidth_is_the_error_of_the_label():
    class OneWay(TwoWays):
        def draw(self, signals, rolls, count, seeds, temperature):
            return super().draw(signals, rolls[:, :1], 1, seeds, temperature)

        def share(self, temperature):
            return 1.0

    for spread_deg in (1.0, 3.0, 4.5):
        task = OneWay(MODES, spread_deg=1e-3)
        found = fit(task, signals_of(N), moved(MODES[:, 0], spread_deg, 5), SETTINGS)
        assert found.bandwidth_deg["one_view"] == spread_deg
        assert found.bandwidth_deg["mixture"] == spread_deg


def test_a_writer_is_asked_for_its_temperature_and_its_own_density_needs_no_bandwidth():
    found = fit(Writer(MODES, temperature=1.7), signals_of(N), labels(0.7), SETTINGS)
    assert found.temperature == dict.fromkeys(KINDS, 1.7)
    assert math.isnan(found.bandwidth_deg["one_view"])
    assert found.bandwidth_deg["mixture"] in BANDWIDTHS_DEG


def test_the_signals_are_chosen_by_the_seed_and_chunks_change_nothing(monkeypatch):
    monkeypatch.setitem(fitted.SIGNALS_USED, "answers", 30)
    seen = []

    class Spied(TwoWays):
        def draw(self, signals, *others):
            seen.append(signals[:, 0, 0].tolist())
            return super().draw(signals, *others)

    def chosen(seed: int) -> tuple[set[int], fitted.Fitted]:
        seen.clear()
        settings = Settings(**(vars(SETTINGS) | {"seed": seed}))
        found = fit(Spied(MODES), signals_of(N), labels(0.7), settings)
        return {number for numbers in seen for number in numbers}, found

    numbers, first = chosen(1)
    assert len(numbers) == 30
    assert chosen(2)[0] != numbers
    monkeypatch.setitem(fitted.SIGNALS_PER_BATCH, "cpu", 7)
    assert chosen(1) == (numbers, first)


def test_tempered_probabilities_keep_their_order_and_sum():
    share = torch.tensor([[0.6, 0.3, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    left_out = torch.tensor([0.1, 1.0, 0.0], dtype=torch.float64)
    for temperature in (0.25, 1.0, 4.0):
        found, rest = tempered(share, left_out, temperature)
        np.testing.assert_allclose(found.sum(1) + rest, 1)
        powers = np.array([0.6, 0.3, 0.1]) ** (1 / temperature)
        np.testing.assert_allclose(found[0, :2], powers[:2] / powers.sum())
        assert found[1].tolist() == [0, 0, 0]
        assert found[2].tolist() == [1, 0, 0]
    assert min(TEMPERATURES) == 0.25
    assert max(TEMPERATURES) == 4
