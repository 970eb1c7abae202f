"""Regressions from SequenceNet's encoder: of six numbers, and of the cubic tensor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions, unit_quaternions
from workflow.lib.inference.plain import predict_plain
from workflow.lib.models.registry import make_task
from workflow.lib.models.rotation6d import Rotation6DTask, matrix_of, quaternion_of
from workflow.lib.models.tensor import TensorTask
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    azimuth_rotation,
    canonical_sign,
    disorientation_loss,
    from_euler_zyz,
    misorientation_deg,
    multiply,
    to_matrix,
)
from workflow.lib.orientation.harmonics import cubic_embedding
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.training.precision import arithmetic
from workflow.lib.training.step import Stepper, TrainingSettings

HALF_TURNS = [quaternion(axis, 180) for axis in np.vstack((np.eye(3), [[1, 1, 0], [1, -2, 3]]))]
SETTINGS = TrainingSettings(
    epochs=1, rolls_per_epoch=24, rolls_together=24, batch=384, optimizer="muon",
    learning_rate=3e-3, matrix_rate=0.025, schedule="one_cycle", warm_up=0.05, clip_norm=None,
    precision="bfloat16", seed=1,
)  # fmt: skip
every_one = pytest.mark.parametrize("network", ["rotation6d", "tensor"])


def simulated(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    signals, euler_rad = simulate_specimen(n, SPECIMENS[0], stream(1, 0, 0))
    return torch.from_numpy(signals), from_euler_zyz(torch.from_numpy(euler_rad))


def two_columns(q: torch.Tensor) -> torch.Tensor:
    """Six numbers of which the first three are the first column."""
    return to_matrix(q)[..., :2].mT.flatten(-2)


def numbers_of(network: str, q: torch.Tensor) -> torch.Tensor:
    return two_columns(q) if network == "rotation6d" else cubic_embedding(q)


def test_gram_and_schmidts_method_is_numpys():
    """QR, once its signs are those of the vectors."""
    numbers = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)).double()
    for six, ours in zip(numbers.numpy(), matrix_of(numbers).numpy(), strict=True):
        q, r = np.linalg.qr(six.reshape(2, 3).T)
        first_two = q * np.sign(np.diag(r))
        np.testing.assert_allclose(ours[:, :2], first_two, atol=1e-12)
        np.testing.assert_allclose(ours[:, 2], np.cross(*first_two.T), atol=1e-12)


@given(unit_quaternions)
def test_quaternions_of_matrices_are_scipys(q):
    matrix = Rotation.from_quat(q.numpy(), scalar_first=True).as_matrix()
    ours = quaternion_of(torch.from_numpy(matrix))
    assert abs((ours * q).sum().item()) == pytest.approx(1, abs=1e-12)


def test_the_loss_of_six_numbers_is_eq_3_with_matrices():
    numbers = torch.randn(200, 6, generator=torch.Generator().manual_seed(1)).double()
    truth = random_quaternions(200, 1)
    g1, g2, s = (
        matrix.numpy()
        for matrix in (matrix_of(numbers), to_matrix(truth), to_matrix(CUBIC_SYMMETRY))
    )
    traces = np.einsum("nij,sjk,nik->ns", g1, s, g2)
    ours = Rotation6DTask().losses(numbers, truth)
    np.testing.assert_allclose(ours, np.sqrt((3 - traces).min(-1)), atol=1e-6)
    by_quaternions = disorientation_loss(quaternion_of(matrix_of(numbers)), truth)
    torch.testing.assert_close(ours, by_quaternions)


def test_the_loss_of_six_numbers_has_a_finite_gradient_everywhere():
    """Where it vanishes, at half turns, and where six numbers are no rotation."""
    turns = two_columns(torch.stack([quaternion((0, 0, 1), 0), *HALF_TURNS]))
    none = torch.tensor([[0.0] * 6, [1, 2, 3, 0, 0, 0], [1, 2, 3, 2, 4, 6], [0, 0, 0, 1, 2, 3]])
    for dtype in (torch.float32, torch.float64):
        numbers = torch.cat((turns, turns, none)).to(dtype).requires_grad_()
        identity = quaternion((0, 0, 1), 0)
        truth = torch.stack([identity, *HALF_TURNS, *[identity] * 10]).to(dtype)
        Rotation6DTask().losses(numbers, truth).sum().backward()
        assert numbers.grad.isfinite().all()
    somewhere = torch.randn(20, 6, generator=torch.Generator().manual_seed(2)).double()
    somewhere.requires_grad_()
    truth = random_quaternions(20, 3)
    assert torch.autograd.gradcheck(lambda x: Rotation6DTask().losses(x, truth), (somewhere,))


@pytest.mark.parametrize(
    "six", [[0.0] * 6, [1, 2, 3, 0, 0, 0], [1, 2, 3, -2, -4, -6], [torch.nan] * 6]
)
def test_six_numbers_that_are_no_rotation_are_no_answer(six):
    answer = Rotation6DTask().read(torch.tensor([six, [1.0, 0, 0, 5, 1e-3, 0]]))
    assert answer[0].isnan().all()
    torch.testing.assert_close(answer[1], torch.tensor([1.0, 0, 0, 0]).double())


def test_the_loss_of_a_tensor_is_the_squared_distance_of_embeddings():
    q1, q2 = random_quaternions(30, 4), random_quaternions(30, 5)
    assert TensorTask().losses(cubic_embedding(q1), q1).abs().max() < 1e-24
    apart = TensorTask().losses(cubic_embedding(q1), q2)
    torch.testing.assert_close(apart, 2 - 2 * (cubic_embedding(q1) * cubic_embedding(q2)).sum(-1))


@every_one
def test_numbers_of_an_orientation_are_read_as_it(network):
    q = torch.cat((random_quaternions(500, 6), torch.stack(HALF_TURNS)))
    task = make_task(network, {})
    answer = task.read(3 * numbers_of(network, q).float())
    assert answer.dtype == torch.float64
    assert misorientation_deg(answer, q).max() < 0.01
    torch.testing.assert_close(answer, canonical_sign(answer))


@every_one
def test_equivalent_orientations_are_the_same_to_the_loss(network):
    task = make_task(network, {})
    numbers = torch.randn(24, task.outputs, generator=torch.Generator().manual_seed(7)).double()
    numbers[:] = numbers[0]
    losses = task.losses(numbers, multiply(random_quaternions(1, 8), CUBIC_SYMMETRY))
    assert losses.std() < 1e-12
    assert task.losses(numbers, multiply(CUBIC_SYMMETRY, random_quaternions(1, 8))).std() > 0.01


@every_one
def test_a_roll_turns_what_is_to_be_learnt_and_back_what_is_answered(network, monkeypatch):
    """A network that knows the truth of each roll has no loss, and answers the unrolled truth."""
    task = make_task(network, {})
    signals, truth = simulated(4)
    rolls = torch.tensor([[0, 1, 71], [5, 9, 36], [0, 18, 2], [40, 41, 42]])

    def knowing(_, rolls):
        turned = multiply(azimuth_rotation(rolls), truth[:, None])
        return numbers_of(network, turned).float()

    monkeypatch.setattr(task.network, "outputs_of_rolls", knowing)
    assert task.loss(signals, rolls, task.target(truth)) < 1e-5
    drawn = task.draw(signals, rolls, 7, torch.arange(4), 1.0)
    assert drawn.orientation.shape == (4, 3, 1, 4)
    assert misorientation_deg(drawn.orientation[:, :, 0], truth[:, None]).max() < 0.01
    answer, valid = task.predict_rolls(signals)
    assert answer.shape == (4, 72, 4)
    assert valid.all()
    assert misorientation_deg(answer, truth[:, None]).max() < 0.01


@every_one
def test_the_loss_itself_is_not_rounded(network):
    """bfloat16 is for the network: what is compared with the truth is in float32."""
    torch.manual_seed(0)
    task = make_task(network, {"encoder": "equivariant"})
    signals, truth = simulated(4)
    rolls = torch.arange(24).expand(4, -1)
    with arithmetic("bfloat16", signals.device):
        loss = task.loss(signals, rolls, truth)
        numbers = task.network.outputs_of_rolls(signals.float(), rolls)
    assert loss.dtype == numbers.dtype == torch.float32
    exact = task.loss(signals, rolls, truth)
    assert loss != exact
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)


@every_one
def test_it_learns(network):
    """As in the evidence, but 120 steps of 192 pairs. Chance is 42°."""
    torch.manual_seed(0)
    signals, truth = simulated(400)
    task = make_task(network, {"encoder": "equivariant"})
    stepper = Stepper(task, replace(SETTINGS, batch=192), steps=120)
    for _ in range(120):
        some = torch.randint(0, 300, (8,))
        rolls = torch.rand(8, 72).argsort(1)[:, :24]
        loss = stepper.step(signals[some], rolls, truth[some])
        assert loss.isfinite()
        assert all(p.grad.isfinite().all() for p in task.network.parameters())
    answer, valid = predict_plain(task, signals[300:])
    assert valid.all()
    assert misorientation_deg(answer, truth[300:]).median() < 25
