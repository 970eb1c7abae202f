"""The training loop: it learns, resumes exactly, keeps the best weights, and stops on NaN."""

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch

from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.euler import EulerTask
from workflow.lib.models.registry import make_task
from workflow.lib.orientation import (
    from_euler_zyz,
    misorientation_deg,
    misorientation_deg_by_operators,
)
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.training import loop as training
from workflow.lib.training.loop import TrainingData, train
from workflow.lib.training.step import TrainingError, TrainingSettings

TINY = {"layers": 1, "width": 32}


def settings(**changes) -> TrainingSettings:
    values = {
        "epochs": 4, "rolls_per_epoch": 1, "rolls_together": 1, "batch": 32, "optimizer": "adam",
        "learning_rate": 2e-3, "matrix_rate": 0.02, "schedule": "one_cycle", "warm_up": 0.3,
        "clip_norm": 0.5, "precision": "float32", "seed": 3,
    }  # fmt: skip
    return TrainingSettings(**(values | changes))


def problem(task, n: int = 96, m: int = 32) -> TrainingData:
    signals, euler = simulate_specimen(n + m, SPECIMENS[0], stream(1, 0, 0))
    signals = torch.from_numpy(signals)
    orientation = from_euler_zyz(torch.from_numpy(euler))
    target = task.target(orientation[:n])
    return TrainingData(signals[:n], target, signals[n:], orientation[n:])


def new_task(network: str, size: dict = TINY):
    """EulerNet, or what writes of that size; SequenceNet also with the equivariant encoder."""
    torch.manual_seed(0)
    if network == "eulernet":
        return make_task(network, {})
    if network == "equivariant":
        return make_task("sequencenet", size | {"encoder": network})
    return make_task(network, size)


NETWORKS = ["eulernet", "sequencenet", "equivariant", "attention", "transformer"]
networks = pytest.mark.parametrize("network", NETWORKS)


TOGETHER = {"rolls_per_epoch": 4, "rolls_together": 2, "optimizer": "muon"}


@pytest.mark.parametrize("changes", [{}, TOGETHER], ids=["adam", "muon"])
@networks
def test_an_interrupted_training_ends_bit_for_bit_like_an_undisturbed_one(
    network, changes, tmp_path, monkeypatch
):
    task = new_task(network)
    data = problem(task)
    whole, history = train(task, data, settings(**changes), tmp_path / "undisturbed.pt")

    class PowerCut(Exception):
        pass

    original = training._epoch

    def cut(*arguments):
        if arguments[-1] == 3:
            raise PowerCut
        return original(*arguments)

    checkpoint = tmp_path / "checkpoint.pt"
    monkeypatch.setattr(training, "_epoch", cut)
    with pytest.raises(PowerCut):
        train(new_task(network), data, settings(**changes), checkpoint)
    monkeypatch.setattr(training, "_epoch", original)
    torch.manual_seed(999)  # whatever state the new process is in
    resumed, resumed_history = train(new_task(network), data, settings(**changes), checkpoint)

    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    timeless = ["epoch", "learning_rate", "training_loss", "validation_median_deg"]
    pd.testing.assert_frame_equal(history[timeless], resumed_history[timeless])
    assert history["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("change", [{"learning_rate": 1e-3}, {"seed": 4}, {"epochs": 5}])
def test_a_checkpoint_of_other_settings_is_not_continued(change, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    data = problem(new_task("eulernet"))
    train(new_task("eulernet"), data, settings(epochs=2), checkpoint)
    fresh, _ = train(
        new_task("eulernet"), data, settings(**({"epochs": 2} | change)), tmp_path / "other.pt"
    )
    after, history = train(
        new_task("eulernet"), data, settings(**({"epochs": 2} | change)), checkpoint
    )
    assert len(history) == change.get("epochs", 2)
    assert all(torch.equal(fresh[name], after[name]) for name in fresh)


def test_changed_code_starts_anew(tmp_path, caplog):
    checkpoint, data = tmp_path / "checkpoint.pt", problem(new_task("eulernet"))
    train(new_task("eulernet"), data, settings(epochs=1), checkpoint, code="a")
    with caplog.at_level("INFO"):
        train(new_task("eulernet"), data, settings(epochs=1), checkpoint, code="a")
        assert "starts anew" not in caplog.text
        train(new_task("eulernet"), data, settings(epochs=1), checkpoint, code="b")
        assert "starts anew" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_broken_checkpoint_costs_time_but_nothing_else(damage, tmp_path):
    checkpoint, data = tmp_path / "checkpoint.pt", problem(new_task("eulernet"))
    expected, _ = train(new_task("eulernet"), data, settings(epochs=1), checkpoint)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2] if damage is None else damage)
    again, _ = train(new_task("eulernet"), data, settings(epochs=1), checkpoint)
    assert all(torch.equal(expected[name], again[name]) for name in expected)


def test_a_checkpoint_runs_no_code(tmp_path):

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    checkpoint = tmp_path / "checkpoint.pt"
    torch.save({"fingerprint": Evil()}, checkpoint)
    task = new_task("eulernet")
    train(task, problem(task), settings(epochs=1), checkpoint)
    assert not (tmp_path / "executed").exists()


@networks
def test_it_learns_a_few_signals_by_heart(network, tmp_path, monkeypatch):
    """Unrolled, so that there are just ten of them; validation signals are the same ten."""

    def unrolled(n, repeats, together, _):
        return torch.arange(n).repeat(repeats), torch.zeros(n * repeats, 1, dtype=torch.int64)

    monkeypatch.setattr(training, "_signals_and_rolls", unrolled)
    task = new_task(network, {"layers": 1})
    data = problem(task, n=10, m=1)
    data = replace(
        data,
        validation_signals=data.signals,
        validation_orientation=problem(new_task("eulernet"), n=10, m=1).target,
    )
    changes = {"epochs": 6, "rolls_per_epoch": 72, "learning_rate": 3e-3, "batch": 10}
    _, history = train(task, data, settings(**changes), tmp_path / "checkpoint.pt")
    assert history["validation_median_deg"].iloc[-1] < 5  # chance is 42


@pytest.mark.parametrize(("epochs", "rows", "steps"), [(2.5, 3, 10), (0.3, 1, 1), (0.01, 1, 1)])
def test_the_last_epoch_may_be_a_part_of_one(epochs, rows, steps, tmp_path, monkeypatch):
    """Its steps are counted, in the rate of signals and in the learning rate's course too."""
    taken = []
    original = training.Stepper.step

    def counted(self, *batch):
        taken.append(batch[1].numel())
        return original(self, *batch)

    monkeypatch.setattr(training.Stepper, "step", counted)
    task = new_task("eulernet")
    changes = {"epochs": epochs, "batch": 24, "schedule": "one_cycle", "learning_rate": 1e-3}
    _, history = train(task, problem(task), settings(**changes), tmp_path / "checkpoint.pt")
    assert len(taken) == steps, taken
    assert len(history) == rows
    seen = (history["signals_per_s"] * history["train_s"]).sum()
    assert seen == pytest.approx(sum(taken))
    assert history["learning_rate"].iloc[-1] < 1e-3 / 25  # the cycle is over


def test_the_best_epoch_is_chosen_by_the_validation_median(tmp_path, monkeypatch):
    medians = iter([30.0, 10.0, 20.0, 10.0, 25.0])
    snapshots = {}
    original = training._epoch

    def scripted(task, *rest):
        row = original(task, *rest)
        row["validation_median_deg"] = next(medians)
        snapshots[row["epoch"]] = {k: v.clone() for k, v in task.network.state_dict().items()}
        return row

    monkeypatch.setattr(training, "_epoch", scripted)
    task = new_task("eulernet")
    best, _ = train(task, problem(task), settings(epochs=5), tmp_path / "checkpoint.pt")
    assert all(torch.equal(best[name], snapshots[4][name]) for name in best)
    assert any(not torch.equal(best[name], snapshots[5][name]) for name in best)


def test_a_loss_that_is_not_a_number_stops_with_its_place(tmp_path, monkeypatch):
    task = new_task("eulernet")
    checkpoint, data = tmp_path / "checkpoint.pt", problem(task)
    calls = []
    original = task.loss

    def sometimes_nan(*arguments):
        calls.append(1)
        return original(*arguments) * (math.nan if len(calls) == 5 else 1)

    monkeypatch.setattr(task, "loss", sometimes_nan)
    with pytest.raises(
        TrainingError, match=r"nan in epoch 2, step 2: lower `learning_rate`"
    ) as stop:
        train(task, data, settings(), checkpoint)
    assert str(stop.value).endswith(f"{checkpoint} holds epoch 1")
    assert len(torch.load(checkpoint, weights_only=True)["rows"]) == 1  # the good epoch


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ("thirds", [1, 0.1, 0.1, 0.01, 0.01, 0.01]),  # at each epoch's end
    ],
)
def test_schedules(schedule, rates, tmp_path):
    task = new_task("eulernet")
    changes = {"epochs": 6, "schedule": schedule, "learning_rate": 1e-4}
    _, history = train(task, problem(task), settings(**changes), tmp_path / "checkpoint.pt")
    relative = (history["learning_rate"] / 1e-4).round(6).tolist()
    assert relative == pytest.approx(rates)


@pytest.mark.parametrize("together", [1, 2, 12])
def test_every_signal_appears_with_distinct_rolls(together):
    torch.manual_seed(0)
    for n, rolls_per_epoch in ((5, AZIMUTHS), (1000, 12)):
        index, rolls = training._signals_and_rolls(
            n, rolls_per_epoch, together, torch.device("cpu")
        )
        assert rolls.shape == (len(index), together)
        assert torch.bincount(index).tolist() == [rolls_per_epoch // together] * n
        assert not torch.equal(index, index.sort().values)
        pairs = zip(
            index.repeat_interleave(together).tolist(), rolls.flatten().tolist(), strict=True
        )
        assert len(set(pairs)) == n * rolls_per_epoch


@networks
def test_tta_is_the_medoid_of_all_rolls(network):
    """Against a loop over rolls, with the operators instead of the closed form."""
    task = new_task(network)
    signals = problem(task, n=6, m=1).signals
    answer, valid = predict_tta(task, signals)
    with torch.inference_mode():
        votes = [task.predict(signals, torch.full((6,), k)) for k in range(AZIMUTHS)]
    q = torch.stack([q for q, _ in votes], 1)
    usable = torch.stack([v for _, v in votes], 1)
    assert torch.equal(valid, usable.any(1))
    for i in range(6):
        mine = q[i][usable[i]]
        if len(mine):
            mean = misorientation_deg_by_operators(mine[:, None], mine[None]).mean(-1)
            chosen = misorientation_deg_by_operators(answer[i], mine).mean()
            assert chosen.item() == pytest.approx(mean.min().item(), abs=1e-6)


def test_tta_of_a_perfect_network_does_not_depend_on_the_azimuth():
    """With a network that knows the truth, each roll turned back is the same orientation."""
    task = EulerTask()
    truth = torch.tensor([0.3, 1.1, -0.4])

    def forward(signals):
        first = signals[:, 0].argmax(-1)  # a mark in column 0 shows the roll
        return truth + first[:, None] * torch.tensor([2 * math.pi / 72, 0, 0])

    task.network.forward = forward
    task.network.outputs_of_rolls = lambda signals, rolls: torch.stack(
        [forward(signals.roll(k, -1)) for k in range(AZIMUTHS)], 1
    )
    signals = torch.zeros(2, 6, 72, dtype=torch.uint8)
    signals[:, 0, 0] = 255
    plain, _ = predict_plain(task, signals)
    tta, _ = predict_tta(task, signals)
    assert misorientation_deg(plain, tta).max() < 1e-4
    assert misorientation_deg(plain, from_euler_zyz(truth.double())).max() < 1e-4
