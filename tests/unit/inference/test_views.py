"""Fewer views than 72 against answers that are known for each roll, and against all 72."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from tests.unit.inference.known_tasks import TwoWays, Writer, signals_of, two_orientations
from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.inference import views as module
from workflow.lib.inference.fitted import Fitted
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.several import several
from workflow.lib.inference.support import KINDS, Settings
from workflow.lib.inference.tta import predict_tta
from workflow.lib.inference.views import (
    DECISIONS,
    VIEWS,
    answers_in,
    costs_ms,
    decide_from_views,
    draws_of,
    errors_deg,
    fitted_temperature,
    rolls_of,
)
from workflow.lib.models.nearest import NearestTask
from workflow.lib.models.registry import make_task
from workflow.lib.models.task import Draws, all_rolls
from workflow.lib.orientation import CUBIC_SYMMETRY, misorientation_deg, multiply
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.rolls import AZIMUTHS

SETTINGS = Settings(candidates=4, radius_deg=12.0, draws=6, draws_per_view=2, beam_width=2, seed=1)
N = 5
MIDDLE = random_quaternions(N, seed=4)
SIGNALS = torch.randint(0, 256, (N, 6, AZIMUTHS), generator=torch.Generator().manual_seed(0)).byte()
AXIS = (1, 2, 3)
# Degrees by which each roll's answer is off, about one axis: none the same, all within 18
OFF_DEG = np.random.default_rng(2).permutation(np.linspace(-9, 9, AZIMUTHS))
MEDOID, MEAN, LEAST = range(len(DECISIONS))


@dataclass
class PerRoll:
    """One answer to each roll: MIDDLE turned by OFF_DEG, in an equivalent of each roll's own.

    members: how often all rolls are answered. clock: rolls that were asked for one by one.
    """

    members: int = 1
    lost: tuple[int, ...] = ()  # rolls without an answer
    clock: list[int] = field(default_factory=list)
    network: nn.Module = field(default_factory=nn.Identity)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        answer = self._of(all_rolls(signals)).repeat(1, self.members, 1)
        return answer, answer.isfinite().all(-1)

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        self.clock.append(rolls.numel() * count)
        return Draws(self._of(rolls)[:, :, None].repeat(1, 1, self.members, 1))

    def _of(self, rolls: Tensor) -> Tensor:
        turns = torch.stack([quaternion(AXIS, off) for off in OFF_DEG])
        turns[list(self.lost)] = torch.nan
        operators = CUBIC_SYMMETRY[torch.arange(AZIMUTHS) % 24].double()
        answer = multiply(turns, MIDDLE[:, None])
        return multiply(answer, operators)[torch.arange(len(rolls))[:, None], rolls]


def decided(task, settings: Settings = SETTINGS, signals: Tensor = SIGNALS) -> Tensor:
    return decide_from_views(task, signals, settings, 1.0)


def apart_deg(answer: Tensor, other: Tensor) -> float:
    return misorientation_deg(answer, other).max().item()


def test_views_are_evenly_spaced_from_the_signal_as_it_is():
    assert list(VIEWS) == [v for v in range(1, 73) if 72 % v == 0]
    for views in VIEWS:
        assert rolls_of(views).tolist() == [k * 72 // views for k in range(views)]


def test_the_medoid_of_rotations_about_one_axis_is_their_median():
    errors = errors_deg(decided(PerRoll()), MIDDLE)
    for place, views in enumerate(VIEWS):
        off = OFF_DEG[rolls_of(views)]
        if views % 2:
            expected = abs(np.median(off))
            np.testing.assert_allclose(errors[:, place, MEDOID], expected, atol=1e-9)
            # what is between the answers is no better than the middle one
            np.testing.assert_allclose(errors[:, place, LEAST], expected, atol=0.01)
        else:  # one of the two in the middle: both are as good
            middle = np.sort(off)[views // 2 - 1 : views // 2 + 1]
            nearest = np.abs(errors[:, place, MEDOID, None] - abs(middle)).min(-1)
            np.testing.assert_allclose(nearest, 0, atol=1e-9)


def test_the_mean_is_that_of_scipy_whichever_equivalents_are_answered():
    found = decided(PerRoll())
    for place, views in enumerate(VIEWS):
        vectors = np.outer(np.radians(OFF_DEG[rolls_of(views).tolist()]), AXIS) / np.sqrt(14)
        turns = Rotation.from_rotvec(vectors)
        mean = torch.from_numpy(turns.mean().as_quat(scalar_first=True))
        assert apart_deg(found[:, place, MEAN], multiply(mean, MIDDLE)) < 1e-6


def test_no_answer_has_no_vote_and_counts_as_the_worst_where_there_is_no_other():
    lost = (0, 36, 24)
    found = decided(PerRoll(lost=lost))
    errors = errors_deg(found, MIDDLE)
    assert torch.isnan(found[:, : VIEWS.index(2) + 1]).all()
    np.testing.assert_allclose(errors[:, : VIEWS.index(2) + 1], 62.799, atol=0.001)
    np.testing.assert_allclose(errors[:, VIEWS.index(3)], abs(OFF_DEG[48]), atol=0.01)
    nine = [OFF_DEG[roll] for roll in rolls_of(9).tolist() if roll not in lost]
    assert len(nine) == 7
    np.testing.assert_allclose(errors[:, VIEWS.index(9), MEDOID], abs(np.median(nine)), atol=1e-9)


def test_members_of_an_ensemble_answer_the_same_views():
    one, three = decided(PerRoll()), decided(PerRoll(members=3))
    odd = [place for place, views in enumerate(VIEWS) if views % 2]
    assert apart_deg(one[:, odd, MEDOID], three[:, odd, MEDOID]) < 1e-9
    assert apart_deg(one[:, :, MEAN], three[:, :, MEAN]) < 1e-6


def new_task(network: str):
    """Untrained. A writer's writing is made to vary, and read as if all symbols were digits."""
    torch.manual_seed(5)
    if network == "nearest":
        return NearestTask()
    writes = network != "eulernet"
    task = make_task(network, {"layers": 1, "width": 32} if writes else {})
    if writes:
        for layer in (task.network.encoder[-1], task.network.logits):
            layer.weight.data *= 20
        decode = task.tokenizer.decode

        def lenient(tokens):
            digits = tokens.where(tokens < 10, 5)
            digits[:, 0], digits[:, -1] = task.tokenizer.start, task.tokenizer.end
            return decode(digits)

        task.tokenizer.decode = lenient
    task.network.eval()
    return task


@pytest.mark.parametrize("network", ["eulernet", "sequencenet"])
def test_all_views_are_those_of_tta_and_one_is_the_plain_answer(network):
    task = new_task(network)
    found = decided(task)
    assert found.dtype == torch.float64
    assert apart_deg(found[:, -1, MEDOID], predict_tta(task, SIGNALS)[0]) < 1e-9
    plain, _ = predict_plain(task, SIGNALS)
    single = (MEDOID, MEAN, LEAST) if network == "eulernet" else (MEDOID, MEAN)
    for decision in single:
        assert apart_deg(found[:, 0, decision], plain) < 0.01
    assert apart_deg(found[:, 0, MEDOID], found[:, -1, MEDOID]) > 1


@pytest.mark.parametrize("views", [1, 9, 72])
@pytest.mark.parametrize("network", ["eulernet", "sequencenet"])
def test_what_is_timed_are_the_answers_in_these_rolls(network, views):
    task = new_task(network)
    rolls = rolls_of(views).expand(N, -1)
    with torch.inference_mode():
        answer, valid = answers_in(task, SIGNALS, rolls, torch.arange(N))
        expected, usable = task.predict_rolls(SIGNALS)
    assert torch.equal(valid, usable[:, rolls_of(views)])
    torch.testing.assert_close(answer, expected[:, rolls_of(views)], atol=1e-5, rtol=0)


@pytest.mark.parametrize("task_class", [TwoWays, Writer])
def test_the_least_expected_of_72_views_is_that_of_the_mixture(task_class):
    task, signals = task_class(two_orientations(12)), signals_of(12)
    settings = Settings(4, 12.0, draws=60, draws_per_view=2, beam_width=2, seed=3)
    plain = Fitted(dict.fromkeys(KINDS, 1.0), dict.fromkeys(KINDS, 2.0))
    mixture = several(task, signals, task.modes[:, 0], settings, plain)["mixture"]
    found = decided(task, settings, signals)
    # of other draws, by how these tasks make them; 0.7 of them are near one of two, 40° apart
    expected = torch.from_numpy(mixture.least_expected_orientation)
    assert apart_deg(found[:, -1, LEAST], expected) < 3
    assert apart_deg(found[:, -1, MEDOID], torch.from_numpy(mixture.medoid_orientation)) < 1e-9


def test_the_least_expected_of_a_writer_is_that_of_its_own_draws():
    """SequenceNet's follow from seed and roll, so that views are drawn alike in any company."""
    task = new_task("sequencenet")
    settings = Settings(4, 12.0, draws=2, draws_per_view=2, beam_width=2, seed=3)
    plain = Fitted(dict.fromkeys(KINDS, 1.0), dict.fromkeys(KINDS, 2.0))
    mixture = several(task, SIGNALS, MIDDLE, settings, plain)["mixture"]
    expected = torch.from_numpy(mixture.least_expected_orientation)
    assert apart_deg(decided(task, settings)[:, -1, LEAST], expected) < 0.01


def test_few_views_are_drawn_as_often_as_one():
    assert [draws_of(views, SETTINGS) for views in VIEWS] == [6, 3, 2, 2] + [2] * 8
    many = Settings(4, 12.0, draws=64, draws_per_view=4, beam_width=2, seed=1)
    assert [draws_of(views, many) for views in VIEWS] == [64, 32, 22, 16, 11, 8, 8, 6, 4, 4, 4, 4]


def test_a_temperature_is_the_writers():
    task = Writer(two_orientations(3), temperature=0.5)
    assert fitted_temperature(task, signals_of(3), task.modes[:, 0]) == 0.5
    assert fitted_temperature(TwoWays(task.modes), signals_of(3), task.modes[:, 0]) == 1


def test_a_model_to_which_rolls_make_no_difference_is_refused():
    task = new_task("nearest")
    task.learn(SIGNALS, MIDDLE)
    with pytest.raises(InputError, match=r"config key views\.models: found a model that answers"):
        decided(task)


def test_costs_are_those_of_the_views_alone(monkeypatch):
    """By a clock that a task advances by a second for each answer; decisions take it no time."""
    task = PerRoll()
    monkeypatch.setattr(module.time, "thread_time", lambda: float(sum(task.clock)))
    found = costs_ms(task, SIGNALS, SETTINGS, 1.0)
    assert found.shape == (len(VIEWS), len(DECISIONS))
    np.testing.assert_allclose(found[:, MEDOID], 1e3 * np.array(VIEWS))
    np.testing.assert_allclose(found[:, MEAN], 1e3 * np.array(VIEWS))
    drawn = [views * draws_of(views, SETTINGS) for views in VIEWS]
    np.testing.assert_allclose(found[:, LEAST], 1e3 * np.array(drawn))


def test_costs_are_positive_and_leave_the_threads_as_they_were():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = costs_ms(new_task("sequencenet"), SIGNALS, SETTINGS, 1.0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert (found > 0).all()
    assert (found[:, MEAN] > found[:, MEDOID]).all()
    assert found[-1, MEDOID] > found[0, MEDOID]
