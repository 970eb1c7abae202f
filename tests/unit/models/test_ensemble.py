"""Ensembles of hand-made members, whose medoid is known, and of real ones as files."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from tests.unit.inference.known_tasks import TwoWays, signals_of, two_orientations
from tests.unit.quaternions import quaternion
from workflow.lib.inference.fitted import fit
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.several import several
from workflow.lib.inference.support import Settings
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.ensemble import EnsembleTask
from workflow.lib.models.registry import make_task
from workflow.lib.models.saved import load_task, save_model
from workflow.lib.models.task import Draws, LoopTask, SingleStepTask, Task, WritingTask, all_rolls
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.rolls import AZIMUTHS

N = 3
SIGNALS = signals_of(N)
REGRESSION = {"network": "eulernet", "architecture": {"input": "standardised", "body": "deep"}}
WRITER = {"network": "sequencenet", "architecture": {"layers": 1, "width": 8}}


def about_z(*degrees: float) -> Tensor:
    """Rotations about a fourfold axis: misorientations are differences, up to 45°."""
    return torch.stack([quaternion([0, 0, 1], deg) for deg in degrees])


@dataclass
class Says:
    """The same answer to every view; NaN is none."""

    deg: float
    network: nn.Module = field(default_factory=nn.Identity)

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        valid = torch.full((len(signals),), self.deg == self.deg)
        return about_z(self.deg).expand(len(signals), 4), valid

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        answer, valid = self.predict(signals, torch.zeros(1))
        return answer[:, None].expand(-1, AZIMUTHS, 4), valid[:, None].expand(-1, AZIMUTHS)

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        return Draws(about_z(self.deg).expand(*rolls.shape, count, 4))


def ensemble(*members: Task) -> EnsembleTask:
    task = EnsembleTask()
    task.members = list(members)
    return task


def degrees(answer: Tensor) -> Tensor:
    return misorientation_deg(answer, about_z(0.0).expand_as(answer))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ((0, 4, 20), 4),  # sums of distances: 24, 20, 36
        ((20, 0, 4), 4),
        ((3, 7), 3),  # ties go to the first
        ((5,), 5),
        ((0, float("nan"), 4, 20), 4),  # what is no orientation neither votes nor is chosen
        ((float("nan"), 9), 9),
    ],
)
def test_the_answer_is_the_medoid_of_the_members_valid_ones(members, expected):
    task = ensemble(*map(Says, members))
    for answer, valid in (predict_plain(task, SIGNALS), predict_tta(task, SIGNALS)):
        assert answer.shape == (N, 4)
        assert answer.dtype == torch.float64
        assert valid.all()
        torch.testing.assert_close(
            degrees(answer), torch.full((N,), float(expected)).double(), atol=1e-6, rtol=0
        )


def test_without_a_valid_answer_of_any_member_there_is_none():
    task = ensemble(Says(float("nan")), Says(float("nan")))
    for answer, valid in (predict_plain(task, SIGNALS), predict_tta(task, SIGNALS)):
        assert not valid.any()
        assert answer.isnan().all()


def test_with_augmentation_all_answers_of_all_members_vote():
    """One member's 72 against 144 of two others that agree within 2°."""
    task = ensemble(Says(30.0), Says(10.0), Says(12.0))
    answer, valid = task.predict_rolls(SIGNALS)
    assert answer.shape == (N, 3 * AZIMUTHS, 4)
    assert valid.shape == (N, 3 * AZIMUTHS)
    torch.testing.assert_close(
        degrees(answer)[0, ::AZIMUTHS], torch.tensor([30.0, 10, 12]).double(), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(("count", "each"), [(64, 21), (4, 1), (2, 1)])
def test_draws_are_shared_out_evenly(count, each):
    task = ensemble(Says(0.0), Says(float("nan")), Says(8.0))
    rolls = torch.tensor([[0, 5]]).expand(N, -1)
    draws = task.draw(SIGNALS, rolls, count, torch.arange(N), 1.0)
    assert draws.orientation.shape == (N, 2, 3 * each, 4)
    assert draws.log_probability is None
    valid = draws.orientation.isfinite().all(-1)
    assert valid.sum(-1).eq(2 * each).all()


def test_members_draw_random_numbers_of_their_own():
    torch.manual_seed(0)
    task = EnsembleTask(WRITER | {"members": 2})
    task.network[1].load_state_dict(task.network[0].state_dict())
    task.network.eval()
    signals = torch.randint(256, (N, 6, AZIMUTHS), dtype=torch.uint8)
    draws = task.draw(signals, all_rolls(signals)[:, :1], 8, torch.arange(N), 1.0).orientation
    assert misorientation_deg(draws[:, :, :4], draws[:, :, 4:]).min() > 0.1


def test_distributions_are_those_of_the_members_together():
    """Members that know two ways each, of which one is common: it gets the weight of both."""
    modes, others = two_orientations(8, 40, 1), two_orientations(8, 40, 5)
    shared = torch.stack((others[:, 1], modes[:, 1]), 1)  # heavier elsewhere, and modes' second
    task = ensemble(TwoWays(modes, 1.0), TwoWays(shared, 1.0))
    signals, settings = signals_of(8), Settings(4, 10.0, 40, 4, 4, 1)
    reference = modes[:, 0]
    found = several(task, signals, reference, settings, fit(task, signals, reference, settings))
    mixture = found["mixture"]
    candidates = torch.from_numpy(mixture.before_candidate_orientation)
    for place, weight in ((0, 0.35), (1, 0.3)):  # 0.7 of one member's half; 0.3 of both halves
        near = misorientation_deg(candidates, modes[:, None, place]) < 10
        share = torch.from_numpy(mixture.before_candidate_probability)[near]
        assert len(share) == 8
        torch.testing.assert_close(share, torch.full((8,), weight).double(), atol=0.06, rtol=0)


@pytest.mark.parametrize("of", [REGRESSION, WRITER], ids=lambda of: of["network"])
def test_it_is_saved_and_built_again_from_its_description(of, tmp_path):
    torch.manual_seed(1)
    architecture = {"of": of | {"members": 2}}
    task = make_task("ensemble", architecture)
    paths = tmp_path / "weights.safetensors", tmp_path / "model.json"
    description = {"network": "ensemble", "architecture": architecture}
    save_model(task.network.state_dict(), description, *paths)
    again = load_task(*paths)
    signals = torch.randint(256, (N, 6, AZIMUTHS), dtype=torch.uint8)
    for predict in (predict_plain, predict_tta):
        mine, its = predict(task, signals), predict(again, signals)
        torch.testing.assert_close(mine, its, equal_nan=True)
    alone = [predict_plain(member, signals)[0] for member in again.members]
    assert misorientation_deg(*alone).nan_to_num(1).min() > 1e-3  # two networks, not one twice
    assert all(name[:2] in ("0.", "1.") for name in again.network.state_dict())

    three = description | {"architecture": {"of": of | {"members": 3}}}
    save_model(task.network.state_dict(), three, *paths)
    with pytest.raises(InputError, match=r"weights\.safetensors does not hold the network of"):
        load_task(*paths)


def test_it_is_a_task_that_learns_nothing_and_writes_nothing():
    task = EnsembleTask(WRITER | {"members": 1})
    assert isinstance(task, Task)
    assert not isinstance(task, LoopTask | SingleStepTask | WritingTask)
