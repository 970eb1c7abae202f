"""Several answers against distributions that are known beforehand."""

import functools
from dataclasses import fields

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
from workflow.lib.inference import several as module
from workflow.lib.inference import support
from workflow.lib.inference.fitted import Fitted
from workflow.lib.inference.predictions import Distribution
from workflow.lib.inference.several import several
from workflow.lib.inference.support import KINDS, Settings
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Task, WritingTask
from workflow.lib.orientation import cluster, misorientation_deg

SETTINGS = Settings(
    candidates=4, radius_deg=12.0, draws=100, draws_per_view=2, beam_width=2, seed=1
)
N = 40
MODES = two_orientations(N)
SIGNALS = signals_of(N)
TASKS = {"answers": TwoWays(MODES), "writes": Writer(MODES)}
every_task = pytest.mark.parametrize("name", TASKS)
PLAIN = Fitted(dict.fromkeys(KINDS, 1.0), dict.fromkeys(KINDS, 2.0))


def answers(task, fitted: Fitted = PLAIN, reference=MODES[:, 0], n: int = N):
    return several(task, SIGNALS[:n], reference[:n], SETTINGS, fitted, "test")


@functools.cache
def known(name: str) -> dict[str, Distribution]:
    return answers(TASKS[name])


def apart_deg(answer: np.ndarray, other: torch.Tensor) -> np.ndarray:
    return misorientation_deg(torch.from_numpy(answer), other).numpy()


def test_the_tasks_are_what_they_pretend_to_be():
    assert isinstance(Writer(MODES), Task)
    assert isinstance(Writer(MODES), WritingTask)
    assert isinstance(TwoWays(MODES), Task)
    assert not isinstance(TwoWays(MODES), WritingTask)


@pytest.mark.parametrize("kind", ["one_view", "mixture"])
@every_task
def test_candidates_are_the_two_orientations_with_their_probabilities(name, kind):
    found = known(name)[kind]
    assert apart_deg(found.candidate_orientation[:, :2], MODES).max() < 2.5
    draws = SETTINGS.draws if kind == "one_view" else 72 * SETTINGS.draws_per_view
    deviation = (HEAVIER * (1 - HEAVIER) / draws) ** 0.5
    off = found.candidate_probability[:, :2] - [HEAVIER, 1 - HEAVIER]
    assert abs(off[:, 0].mean()) < 4 * deviation / N**0.5
    assert off[:, 0].std() == pytest.approx(deviation, rel=0.4)
    total = found.candidate_probability.sum(1) + found.left_out_probability
    np.testing.assert_allclose(total, 1)
    assert (found.candidate_orientation[..., 0] >= 0)[found.candidate_probability > 0].all()


def test_the_product_of_views_that_agree_is_sure_of_the_heavier():
    found = known("answers")["product"]
    assert (found.candidate_probability[:, 0] > 0.99).all()
    assert apart_deg(found.candidate_orientation[:, 0], MODES[:, 0]).max() < 2


@pytest.mark.parametrize("kind", KINDS)
def test_decisions(kind):
    found = known("writes")[kind]
    assert apart_deg(found.most_probable_orientation, MODES[:, 0]).max() < 1e-5
    assert apart_deg(found.medoid_orientation, MODES[:, 0]).max() < 1e-5
    heaviest = torch.from_numpy(found.candidate_orientation[:, 0])
    assert apart_deg(found.heaviest_orientation, heaviest).max() < 1e-6
    # 0.7 of the weight is more than half: nothing between the two expects less
    assert apart_deg(found.least_expected_orientation, MODES[:, 0]).max() < 4
    dense = known("answers")[kind].most_probable_orientation
    assert np.median(apart_deg(dense, MODES[:, 0])) < 1.5


def test_a_writers_own_density_is_exact_and_its_levels_are_true():
    """Of references from the distribution itself, a share p is within the set that claims p."""
    task = Writer(MODES)
    first = torch.from_numpy(np.random.default_rng(3).random(N) < HEAVIER)
    reference = moved(torch.where(first[:, None], MODES[:, 0], MODES[:, 1]), 2.0, 4)
    found = answers(task, reference=reference)
    expected = task.log_density(SIGNALS, support.no_rolls(SIGNALS), reference[:, None], 1.0)
    np.testing.assert_allclose(found["one_view"].log_density, expected[:, 0, 0])
    level = found["one_view"].level
    for claimed in (0.2, 0.5, 0.8):
        allowed = 3 * (claimed * (1 - claimed) / N) ** 0.5
        assert (level <= claimed).mean() == pytest.approx(claimed, abs=allowed)
    assert found["mixture"].log_density.mean() == pytest.approx(expected.mean().item(), abs=0.4)


def test_a_writers_temperature_is_that_of_its_draws_and_before_is_without():
    cool = Fitted(dict.fromkeys(KINDS, 0.5), PLAIN.bandwidth_deg)
    found, plain = answers(Writer(MODES), cool), known("writes")
    for kind in KINDS:
        for name in ("candidate_orientation", "candidate_probability", "left_out_probability"):
            before = getattr(found[kind], f"before_{name}")
            np.testing.assert_array_equal(before, getattr(plain[kind], name))
        np.testing.assert_array_equal(found[kind].before_level, plain[kind].level)
        np.testing.assert_array_equal(found[kind].before_log_density, plain[kind].log_density)
        assert found[kind].temperature == 0.5
    expected = HEAVIER**2 / (HEAVIER**2 + (1 - HEAVIER) ** 2)
    assert found["mixture"].candidate_probability[:, 0].mean() == pytest.approx(expected, abs=0.02)


def test_the_temperature_of_others_is_that_of_their_candidates():
    cool = Fitted(dict.fromkeys(KINDS, 0.5), PLAIN.bandwidth_deg)
    found = answers(TwoWays(MODES), cool)["mixture"]
    before = np.column_stack(
        (found.before_candidate_probability, found.before_left_out_probability)
    )
    after = np.column_stack((found.candidate_probability, found.left_out_probability))
    np.testing.assert_allclose(after, before**2 / (before**2).sum(1, keepdims=True))
    np.testing.assert_array_equal(found.before_log_density, found.log_density)


def test_a_regression_has_one_answer_of_one_view_and_72_of_all():
    torch.manual_seed(2)
    task = make_task("eulernet", {})
    signals = torch.randint(0, 256, (5, 6, 72), generator=torch.Generator().manual_seed(1)).byte()
    reference = MODES[:5, 0]
    found = several(task, signals, reference, SETTINGS, PLAIN)
    plain = found["one_view"]
    answer, _ = task.predict(signals, torch.zeros(5, dtype=torch.int64))
    for name in ("most_probable", "heaviest", "least_expected", "medoid"):
        assert apart_deg(getattr(plain, f"{name}_orientation"), answer.detach()).max() < 1e-4
    np.testing.assert_allclose(plain.candidate_probability, [[1, 0, 0, 0]] * 5)
    assert np.isnan(plain.candidate_orientation[:, 1:]).all()
    np.testing.assert_allclose(plain.left_out_probability, 0, atol=1e-12)
    votes, _ = task.predict_rolls(signals)
    weights = torch.full((5, 72), 1 / 72, dtype=torch.float64)
    expected = cluster(votes.detach(), weights, SETTINGS.radius_deg, SETTINGS.candidates)
    np.testing.assert_allclose(found["mixture"].candidate_probability, expected.probability)


def test_where_nothing_is_valid_nothing_is_claimed():
    for task in (TwoWays(MODES, wordless=3), Writer(MODES, wordless=3)):
        found = answers(task, n=6)
        for kind, one in found.items():
            for field in fields(Distribution):
                if field.name.endswith("candidate_orientation"):
                    assert np.isnan(getattr(one, field.name)[3]).all()
            assert one.candidate_probability[3].tolist() == [0] * 4
            assert one.left_out_probability[3] == pytest.approx(1)
            for name in ("heaviest", "least_expected", "medoid"):
                assert np.isnan(getattr(one, f"{name}_orientation")[3]).all()
            if not isinstance(task, WritingTask) or kind != "one_view":
                assert one.log_density[3] == pytest.approx(0)
                assert one.level[3] == 1
            others = [0, 1, 2, 4, 5]
            assert np.isfinite(one.heaviest_orientation[others]).all()
            assert np.isfinite(one.log_density[others]).all()


@every_task
@pytest.mark.parametrize(("size", "threads"), [(4, 1), (4, 3), (1, 2)])
def test_neither_chunks_nor_threads_change_anything(name, size, threads, monkeypatch):
    """Threads change no bit; products of other sizes may round otherwise."""
    task = TASKS[name]
    monkeypatch.setitem(module.SIGNALS_PER_BATCH, "cpu", 4)
    expected = answers(task, n=9)
    monkeypatch.setitem(module.SIGNALS_PER_BATCH, "cpu", size)
    torch.set_num_threads(threads)
    found = answers(task, n=9)
    torch.set_num_threads(1)
    for kind in KINDS:
        for field in fields(Distribution):
            one, other = (getattr(each[kind], field.name) for each in (found, expected))
            allowed = 0 if size == 4 else 2e-6
            np.testing.assert_allclose(one, other, atol=allowed, rtol=0, err_msg=field.name)
