"""A step in parts is the step of the whole batch; in bfloat16 it is nearly the same."""

from dataclasses import replace

import pytest
import torch

from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.registry import MODELS, make_task
from workflow.lib.models.task import LoopTask
from workflow.lib.orientation import from_euler_zyz
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.tokens import encode_all_rolls
from workflow.lib.training.loop import TrainingData, train
from workflow.lib.training.precision import arithmetic, usable_precision
from workflow.lib.training.step import Stepper, TrainingError, TrainingSettings

SETTINGS = TrainingSettings(
    epochs=2, rolls_per_epoch=1, rolls_together=1, batch=20, optimizer="adam",
    learning_rate=1e-3, matrix_rate=0.02, schedule="one_cycle", warm_up=0.3, clip_norm=0.5,
    precision="float32", seed=1,
)  # fmt: skip
ARCHITECTURES = {
    "eulernet": {"input": "standardised"},  # without the random gain
    "rotation6d": {},
    "tensor": {},
    "decimal": {"tokenizer": "decimal", "layers": 1, "width": 16, "dropout": 0.0},
    "digit": {"tokenizer": "digit", "layers": 1, "width": 16, "dropout": 0.0},
}
networks = pytest.mark.parametrize("name", ARCHITECTURES)


def class_of(name: str) -> str:
    return name if name in MODELS else "sequencenet"


def new_task(name: str) -> LoopTask:
    torch.manual_seed(0)
    return make_task(class_of(name), ARCHITECTURES[name])


def batch_of(task: LoopTask, n: int = 20) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    signals, euler = simulate_specimen(n, SPECIMENS[0], stream(1, 0, 0))
    target = from_euler_zyz(torch.from_numpy(euler))
    if hasattr(task, "tokenizer"):
        target = encode_all_rolls(target, task.tokenizer)
    return torch.from_numpy(signals), torch.arange(n)[:, None] % 72, target


@pytest.mark.parametrize(("steps", "warm_up"), [(1, 0.5), (3, 0.25), (4, 0.2), (9, 0.1)])
def test_a_warm_up_of_no_steps_begins_at_the_peak(steps, warm_up):
    """Few signals make few steps, and the rise may end where it begins."""
    stepper = Stepper(new_task("eulernet"), replace(SETTINGS, warm_up=warm_up), steps)
    assert stepper.learning_rate == pytest.approx(SETTINGS.learning_rate)
    for _ in range(steps):
        stepper.step(*batch_of(stepper.task, 2))
    assert stepper.learning_rate < SETTINGS.learning_rate / 1000


class Memory:
    """A stand-in for a GPU's: an attempt with more than `capacity` signals raises its error."""

    def __init__(self, monkeypatch, capacity: int) -> None:
        self.capacity, self.monkeypatch = capacity, monkeypatch

    def limit(self, task: LoopTask, method: str) -> LoopTask:
        original = getattr(task, method)

        def limited(signals, *rest):
            if len(signals) > self.capacity:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return original(signals, *rest)

        self.monkeypatch.setattr(task, method, limited)
        return task


@networks
@pytest.mark.parametrize(("capacity", "parts_of"), [(10, 10), (6, 5), (1, 1)])
def test_a_step_in_parts_is_the_step_of_the_whole(name, capacity, parts_of, monkeypatch, caplog):
    """Lengths differ between decimal strings, so parts of equal size do not count equally."""
    whole = Stepper(new_task(name), SETTINGS, steps=10)
    limited = Memory(monkeypatch, capacity).limit(new_task(name), "loss")
    parts = Stepper(limited, SETTINGS, steps=10)
    batch = batch_of(whole.task)
    assert parts.step(*batch).item() == pytest.approx(whole.step(*batch).item(), rel=1e-6)
    assert parts.micro_batch == parts_of
    assert f"in parts of {parts_of} signals" in caplog.text
    for ours, theirs in zip(
        parts.task.network.parameters(), whole.task.network.parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("encoder", ["published", "equivariant"])
@networks
def test_rolls_together_are_learnt_like_the_same_rolls_one_by_one(name, encoder):
    """The step on 20 signals in 3 rolls each, and on their 60 pairs."""
    architecture = ARCHITECTURES[name] | {"encoder": encoder}
    steppers = []
    for _ in range(2):
        torch.manual_seed(0)
        settings = replace(SETTINGS, batch=60, clip_norm=None)
        steppers.append(Stepper(make_task(class_of(name), architecture), settings, steps=1))
    signals, _, target = batch_of(steppers[0].task)
    rolls = torch.rand(20, 72).argsort(1)[:, :3]
    together = steppers[0].step(signals, rolls, target)
    apart = steppers[1].step(
        signals.repeat_interleave(3, 0), rolls.flatten()[:, None], target.repeat_interleave(3, 0)
    )
    assert together.item() == pytest.approx(apart.item(), rel=1e-5)
    for ours, theirs in zip(*(s.task.network.parameters() for s in steppers), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-6)


def test_unequal_parts_do_not_count_equally():
    """20 = 7 + 7 + 6, where the mean of means would be wrong."""
    whole, parts = (Stepper(new_task("eulernet"), SETTINGS, steps=1) for _ in range(2))
    parts.micro_batch = 7
    batch = batch_of(whole.task)
    assert parts.step(*batch).item() == pytest.approx(whole.step(*batch).item(), rel=1e-6)


def test_a_card_too_small_for_one_signal_is_one_clear_line(monkeypatch):
    stepper = Stepper(Memory(monkeypatch, 0).limit(new_task("digit"), "loss"), SETTINGS, steps=1)
    with pytest.raises(TrainingError, match="does not hold the network and one signal: free"):
        stepper.step(*batch_of(stepper.task))


def test_a_resumed_training_goes_on_in_parts(tmp_path, monkeypatch):
    task = Memory(monkeypatch, 6).limit(new_task("eulernet"), "loss")
    signals, _, target = batch_of(task)
    data = TrainingData(signals, target, signals, target)
    _, history = train(task, data, SETTINGS, tmp_path / "checkpoint.pt")
    assert history["micro_batch"].tolist() == [5, 5]
    again = Stepper(new_task("eulernet"), SETTINGS, steps=2)
    again.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    assert again.micro_batch == 5


@pytest.mark.parametrize(
    ("predict", "method"), [(predict_plain, "predict"), (predict_tta, "predict_rolls")]
)
def test_predictions_in_halves_are_the_same(predict, method, monkeypatch):
    task = new_task("eulernet")
    signals = batch_of(task)[0]
    expected = predict(task, signals)
    halves = predict(Memory(monkeypatch, 6).limit(task, method), signals)
    torch.testing.assert_close(halves, expected, atol=1e-6, rtol=0)
    with pytest.raises(torch.OutOfMemoryError):
        predict(Memory(monkeypatch, 0).limit(task, method), signals)


@networks
def test_bfloat16_learns_nearly_the_same(name):
    """Its gradient points where that of float32 does; the weights stay float32."""
    gradients = {}
    for precision in ("float32", "bfloat16"):
        stepper = Stepper(new_task(name), replace(SETTINGS, precision=precision), steps=1)
        loss = stepper.step(*batch_of(stepper.task))
        parameters = list(stepper.task.network.parameters())
        assert {loss.dtype, *(p.dtype for p in parameters)} == {torch.float32}
        gradients[precision] = torch.cat([p.grad.flatten() for p in parameters])
    ours, theirs = gradients["bfloat16"], gradients["float32"]
    assert not torch.equal(ours, theirs)
    assert torch.cosine_similarity(ours, theirs, dim=0) > 0.99


def test_eulernet_says_its_angles_in_float32():
    """bfloat16 has steps of 0.9° at 3 rad; answers of a batch would share few values."""
    task = new_task("eulernet")
    signals = batch_of(task)[0].float()
    with torch.inference_mode(), arithmetic("bfloat16", signals.device):
        angles = task.network(signals)
    assert angles.dtype == torch.float32
    assert not torch.equal(angles, angles.bfloat16().float())


@pytest.mark.parametrize(
    ("capabilities", "used"), [({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")]
)
def test_bfloat16_is_not_emulated(capabilities, used, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert usable_precision("bfloat16", torch.device("cpu")) == used
    assert usable_precision("float32", torch.device("cpu")) == "float32"
