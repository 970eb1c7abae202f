"""The classes that learn a density, at once: what it integrates to, its symmetry, its draws."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.models.grid import GridTask
from workflow.lib.models.mixture import FLOOR, OF_EACH, MixtureTask, far_apart, mixture_of
from workflow.lib.models.task import Task, WritingTask
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    azimuth_rotation,
    from_euler_zyz,
    misorientation_deg,
    multiply,
)
from workflow.lib.signals.rolls import roll_azimuth
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.training.precision import arithmetic
from workflow.lib.training.step import Stepper, TrainingSettings

N = 4
ROLLS = torch.tensor([[0, 3, 71]]).expand(N, -1)
SEEDS = torch.arange(20, 20 + N)


def simulated(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    signals, euler_rad = simulate_specimen(n, SPECIMENS[0], stream(1, 0, 0))
    return torch.from_numpy(signals), from_euler_zyz(torch.from_numpy(euler_rad))


SIGNALS, TRUTH = simulated(N)


def new_task(name: str, steeper: float = 30):
    """Untrained, but as outspoken as a trained one: densities of up to about a hundred."""
    torch.manual_seed(0)
    if name == "mixture":
        task = MixtureTask("published", components=4)
        task.network.output.weight.data *= steeper / 6
        task.network.output.bias.data.view(-1, OF_EACH)[:, 4] = math.log(0.15)
    else:
        task = GridTask("published", points=2048, points_per_step=256)
        task.network.signals.output.weight.data *= steeper
    task.network.eval()
    return task


both = pytest.mark.parametrize("name", ["mixture", "grid"])


@both
def test_densities_integrate_to_one_and_are_not_flat(name):
    at = random_quaternions(8000, 5)
    density = new_task(name).log_density(SIGNALS, ROLLS[:, :2], at.expand(N, -1, -1)).exp()
    error = 4 * density.std(-1) / len(at) ** 0.5
    assert ((density.mean(-1) - 1).abs() < error + 0.01).all()
    assert (density.amax(-1) > 5).all()


@both
def test_equivalent_orientations_have_one_density_and_one_loss(name):
    task, at = new_task(name), random_quaternions(N * 3, 6).view(N, 3, 4)
    density = task.log_density(SIGNALS, ROLLS, at)
    losses = []
    for operator in CUBIC_SYMMETRY:
        equivalent = multiply(at, operator)
        torch.testing.assert_close(
            task.log_density(SIGNALS, ROLLS, equivalent), density, rtol=0, atol=2e-3
        )
        torch.manual_seed(4)  # of the grid's turn
        losses.append(task.loss(SIGNALS, ROLLS, -multiply(TRUTH, operator)).item())
    assert max(losses) - min(losses) < 1e-3


@both
def test_the_loss_is_minus_the_log_density_at_the_rolled_truth(name):
    """The grid's up to what its random sum is off; with all points, by little."""
    task = new_task(name, steeper=10)
    if name == "grid":
        task.points_per_step = 20_000
    expected = -task.log_density(SIGNALS, ROLLS, TRUTH[:, None]).mean().item()
    tolerance = 0.02 if name == "grid" else 1e-5
    assert task.loss(SIGNALS, ROLLS, TRUTH).item() == pytest.approx(expected, abs=tolerance)


@both
def test_what_is_asked_about_is_turned_as_the_signal_is(name):
    """Seen directly: the rolled signal as it is, and scipy's turn of what is asked about."""
    task, at = new_task(name), random_quaternions(N * 5, 7).view(N, 5, 4)
    density = task.log_density(SIGNALS, ROLLS, at)
    none = torch.zeros(N, 1, dtype=torch.int64)
    for view, roll in enumerate(ROLLS[0].tolist()):
        turn = Rotation.from_euler("z", 5 * roll, degrees=True)
        turned = turn * Rotation.from_quat(at.reshape(-1, 4).numpy(), scalar_first=True)
        turned = torch.from_numpy(turned.as_quat(scalar_first=True)).view_as(at)
        rolled = roll_azimuth(SIGNALS, ROLLS[:, view])
        again = task.log_density(rolled, none, turned)[:, 0]
        torch.testing.assert_close(again, density[:, view], rtol=0, atol=5e-3)


@both
@torch.inference_mode()
def test_all_rolls_at_once_are_answered_as_one_by_one(name):
    task = new_task(name)
    answer, valid = task.predict_rolls(SIGNALS)
    assert answer.dtype == torch.float64
    assert valid.all()
    for k in (0, 1, 35, 71):
        alone, valid_alone = task.predict(SIGNALS, torch.full((N,), k))
        assert misorientation_deg(answer[:, k], alone).max() < 0.05
        assert valid_alone.all()
        rolled, _ = task.predict(roll_azimuth(SIGNALS, torch.full((N,), k)), torch.zeros(N).long())
        turned = multiply(azimuth_rotation(k), alone)
        assert misorientation_deg(turned, rolled).max() < 0.05


@both
@torch.inference_mode()
def test_the_answer_is_where_the_density_is_high(name):
    task = new_task(name)
    answer, _ = task.predict(SIGNALS, ROLLS[:, 0])
    at = torch.cat((answer[:, None], random_quaternions(3000, 8).expand(N, -1, -1)), 1)
    density = task.log_density(SIGNALS, ROLLS[:, :1], at)[:, 0]
    if name == "grid":
        assert (density[:, 0] >= density[:, 1:].amax(1) - 1e-3).all()
    else:  # no narrow peak of little weight
        assert (density[:, :1] > density[:, 1:]).double().mean() > 0.9


def fourth_degree(q: torch.Tensor) -> np.ndarray:
    """Functions of an orientation that cubic symmetry leaves, (…, 81), by scipy and NumPy."""
    axes = Rotation.from_quat(q.reshape(-1, 4).numpy(), scalar_first=True).as_matrix()
    return np.einsum("nia,nja,nka,nla->nijkl", *[axes] * 4).reshape(*q.shape[:-1], 81)


@both
def test_draws_follow_the_density(name):
    task, count = new_task(name), 6000
    draws = task.draw(SIGNALS[:2], ROLLS[:2], count, SEEDS[:2], 1.0)
    assert draws.orientation.shape == (2, 3, count, 4)
    assert draws.orientation.dtype == torch.float64
    assert draws.log_probability is None
    assert (draws.orientation.norm(dim=-1) - 1).abs().max() < 1e-9
    at = random_quaternions(10_000, 9)
    known = fourth_degree(at)
    density = task.log_density(SIGNALS[:2], ROLLS[:2], at.expand(2, -1, -1)).exp().numpy()
    drawn = fourth_degree(draws.orientation)
    for signal in range(2):
        for view in range(3):
            share = density[signal, view] / density[signal, view].sum()
            expected = share @ known
            spread = np.sqrt((share[:, None] ** 2 * (known - expected) ** 2).sum(0))
            spread = np.hypot(spread, drawn[signal, view].std(0) / count**0.5)
            off = np.abs(drawn[signal, view].mean(0) - expected)
            assert (off < 5 * spread + 0.01).all()
            assert off.max() < 0.2 * np.abs(expected - known.mean(0)).max()


@both
def test_a_signals_draws_depend_on_its_seed_and_roll_only(name):
    task = new_task(name)
    draws = task.draw(SIGNALS, ROLLS, 5, SEEDS, 1.0).orientation
    alone = task.draw(SIGNALS[2:3], ROLLS[2:3, 1:2], 5, SEEDS[2:3], 3.0).orientation
    torch.testing.assert_close(alone[0, 0], draws[2, 1], rtol=0, atol=1e-4)
    fewer = task.draw(SIGNALS, ROLLS, 2, SEEDS, 1.0).orientation
    torch.testing.assert_close(fewer, draws[:, :, :2], rtol=0, atol=1e-4)
    others = task.draw(SIGNALS, ROLLS, 5, SEEDS + 1, 1.0).orientation
    assert misorientation_deg(others, draws).mean() > 1
    between = misorientation_deg(draws[:, :, :1], draws[:, :, 1:])
    assert between.mean() > 1


@both
def test_gradients_in_bfloat16_are_finite_and_the_loss_nearly_that_of_float32(name):
    losses = []
    for precision in ("float32", "bfloat16"):
        task = new_task(name, steeper=10)
        torch.manual_seed(1)
        with arithmetic(precision, SIGNALS.device):
            loss = task.loss(SIGNALS, ROLLS, TRUTH)
        loss.backward()
        assert loss.dtype == torch.float32
        for parameter in task.network.parameters():
            assert parameter.grad.isfinite().all()
            assert parameter.grad.abs().max() > 0
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], abs=0.1)
    assert losses[0] != losses[1]


SETTINGS = TrainingSettings(
    epochs=1, rolls_per_epoch=8, rolls_together=8, batch=128, optimizer="muon",
    learning_rate=3e-3, matrix_rate=0.025, schedule="one_cycle", warm_up=0.1, clip_norm=None,
    precision="float32", seed=1,
)  # fmt: skip


@both
def test_it_learns(name):
    torch.manual_seed(0)
    task = {"mixture": MixtureTask, "grid": GridTask}[name]("equivariant")
    signals, truth = simulated(16)
    rolls = torch.arange(0, 72, 9).expand(16, -1)
    stepper, losses = Stepper(task, SETTINGS, 60), []
    for _ in range(60):
        losses.append(stepper.step(signals, rolls, truth).item())
    assert losses[-1] < losses[0] - 2
    with torch.inference_mode():
        answer, _ = task.predict(signals, rolls[:, 0])
    assert misorientation_deg(answer, truth).median() < 15


@both
@torch.inference_mode()
def test_broken_weights_give_no_answer_and_no_draws(name):
    task = new_task(name)
    for parameter in task.network.parameters():
        parameter.fill_(torch.nan)
    _, valid = task.predict(SIGNALS, ROLLS[:, 0])
    assert not valid.any()
    assert task.draw(SIGNALS, ROLLS, 2, SEEDS, 1.0).orientation.isnan().all()


@both
def test_it_does_not_write(name):
    assert isinstance(new_task(name), Task)
    assert not isinstance(new_task(name), WritingTask)


def test_components_begin_apart_and_alike_in_weight_and_width():
    assert misorientation_deg(*far_apart(2).double()).item() > 55
    means = far_apart(8)
    between = misorientation_deg(means[:, None].double(), means.double())
    assert between[~torch.eye(8, dtype=torch.bool)].min() > 30
    mixture = mixture_of(MixtureTask(components=8).network.output.bias)
    assert mixture.log_weight.exp().sum().item() == pytest.approx(1)
    assert mixture.log_weight[-1].item() == pytest.approx(math.log(FLOOR))
    assert mixture.concentration[:-1].unique().numel() == 1
    assert mixture.concentration[-1] == 0


def answer_of(components: list[tuple[torch.Tensor, float, float]]) -> torch.Tensor:
    """Of a network that says the same of all signals: (orientation, width in degrees, weight)."""
    task = MixtureTask(components=len(components))
    task.network.output.weight.data.zero_()
    bias = task.network.output.bias.data.view(-1, OF_EACH)
    for row, (q, width_deg, weight) in zip(bias, components, strict=True):
        row[:4] = 3 * q  # of any length
        row[4], row[5] = math.log(math.radians(width_deg)), math.log(weight)
    with torch.inference_mode():
        return task.predict(SIGNALS, ROLLS[:, 0])[0]


@pytest.mark.parametrize(
    "others",
    [
        [(60.0, 2.0, 0.1)],
        [(50.0, 0.3, 0.1)],  # 30 times as dense
        [(1.0, 2.0, 0.3), (40.0, 2.0, 0.35)],  # neither of the pair is the heaviest
    ],
    ids=["lighter", "narrow", "pair"],
)
def test_the_answer_is_the_mean_around_which_most_is(others):
    truth = random_quaternions(1, 3)[0]
    total = sum(weight for _, _, weight in others)
    components = [(truth, 2.0, 1 - total)]
    for angle_deg, width_deg, weight in others:
        components.insert(0, (multiply(truth, quaternion([1, 2, 3], angle_deg)), width_deg, weight))
    assert misorientation_deg(answer_of(components), truth).max() < 1.1


def test_the_search_ends_at_the_peak_wherever_it_lies_between_the_points():
    """With scores that are known: minus the squared angle to an orientation of each signal."""
    task, peaks = GridTask(points=4096), random_quaternions(200, 11)

    def score(at: torch.Tensor) -> torch.Tensor:
        return -misorientation_deg(at[..., None, :].double(), peaks).square().float()

    task.network.keys = score
    found = task._densest(torch.eye(200))
    assert misorientation_deg(found, peaks).max() < 0.25
    assert (found.norm(dim=-1) - 1).abs().max() < 1e-12
