"""A training from its fold to its files: each class, and what makes another training of it."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from workflow.lib.data.dataset import orientation_from_euler
from workflow.lib.data.split import PARTS
from workflow.lib.models.registry import MODELS
from workflow.lib.models.saved import load_task
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import new_hdf5
from workflow.lib.runtime.variants import read_classes, settings
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.lib.training import loop
from workflow.lib.training.profile import profile_training
from workflow.lib.training.train import train_model

ROOT = Path(__file__).parents[3]
CLASSES = read_classes(ROOT / "workflow/schemas")
PAPER = yaml.safe_load((ROOT / "config/config.yaml").read_text())["models"]
SMALL = {"epochs": 1, "rolls_per_epoch": 1, "batch": 8, "learning_rate": 1e-3}
N = 24
LEARNING = [n for n in MODELS if "of" not in CLASSES[n]["architecture"]["properties"]]


@pytest.fixture(scope="module")
def fold(tmp_path_factory) -> Path:
    """Signals of one specimen as a fold of which each part has the same ones."""
    path = tmp_path_factory.mktemp("fold") / "1.h5"
    signals, euler_rad = simulate_specimen(N, SPECIMENS[0], stream(1, 0, 0))
    with new_hdf5(path) as file:
        for part in PARTS:
            group = file.create_group(part)
            group["signals"], group["orientation"] = signals, orientation_from_euler(euler_rad)
            group["specimen"] = np.ones(N, np.uint8)
        file.attrs.update(source="s", sha256="0", convention="c", simulated=True, fold=1)
    return path


def model_of(network: str) -> dict:
    """The paper's; of a class that it has not, with its own defaults and SequenceNet's training."""
    learnt_in_steps = CLASSES[network]["loop"]
    training = PAPER["sequencenet"]["training"] if learnt_in_steps else {}
    model = PAPER.get(network, {"network": network, "architecture": {}, "training": training})
    changes = SMALL if learnt_in_steps else {}
    return settings(model | {"training": model["training"] | changes})


class Training:
    """Trains into a folder, and tells whether it was really trained."""

    def __init__(self, folder: Path, fold: Path, log: pytest.LogCaptureFixture) -> None:
        self.folder, self.fold, self.log = folder, fold, log
        self.weights, self.model, self.history = (
            folder / name for name in ("weights.safetensors", "model.json", "training.csv")
        )

    def __call__(self, model: dict, name: str = "mine", seed: int = 1, code: str = "a") -> bool:
        self.log.clear()
        with self.log.at_level(logging.INFO):
            train_model(
                self.fold, None, name, model, seed, "cpu", 1, self.folder / "checkpoint.pt",
                self.folder / "kept", self.weights, self.model, self.history, code,
            )  # fmt: skip
        return "as it was trained before" not in self.log.text


@pytest.fixture
def training(tmp_path, fold, caplog) -> Training:
    return Training(tmp_path, fold, caplog)


@pytest.mark.parametrize("network", LEARNING)
def test_every_class_is_trained_described_and_loaded(network, training):
    assert training(model_of(network))
    model = json.loads(training.model.read_text())
    assert (model["name"], model["network"]) == ("mine", network)
    assert model["architecture"] == model_of(network)["architecture"]
    assert model["best_epoch"] == 1
    assert model["signals_seen"] == model["n_training"] == N
    described = {"fold", "seed", "usage", "kept", "device", "processor", "parameters", "train_s"}
    assert described <= set(model)
    assert ((model["tflop"] or 0) > 0) == CLASSES[network]["loop"]
    history = pd.read_csv(training.history)
    assert len(history) == 1
    assert history["training_loss"].notna().all() == CLASSES[network]["loop"]
    assert history["validation_median_deg"].item() == model["validation_median_deg"]
    task = load_task(training.weights, training.model)
    state = task.network.state_dict()
    assert {name: values.shape for name, values in load_file(training.weights).items()} == {
        name: values.shape for name, values in state.items()
    }


def test_the_nearest_neighbour_knows_what_it_has_seen(training):
    """Validated here on its own training signals: each finds itself."""
    training(model_of("nearest"))
    assert json.loads(training.model.read_text())["validation_median_deg"] < 1e-4
    weights = load_file(training.weights)
    assert weights["signals"].dtype == torch.uint8
    assert len(misorientation_deg(weights["orientation"], weights["orientation"])) == N


def test_a_training_that_is_interrupted_or_kept_has_the_same_arithmetic(
    fold, tmp_path, caplog, monkeypatch
):
    """That of all its epochs, although only the last one is left to do, or none."""

    class PowerCut(Exception):
        pass

    def cut(*arguments):
        if arguments[-1] == 3:
            raise PowerCut
        return original(*arguments)

    original = loop._epoch
    model = change(model_of("eulernet"), "training", "epochs", 3)
    undisturbed, resumed = (Training(tmp_path / name, fold, caplog) for name in "ab")
    assert undisturbed(model)
    monkeypatch.setattr(loop, "_epoch", cut)
    with pytest.raises(PowerCut):
        resumed(model)
    monkeypatch.setattr(loop, "_epoch", original)
    assert resumed(model)
    assert "resumes after epoch 2 of 3" in caplog.text
    assert not undisturbed(model)
    told = [json.loads(training.model.read_text()) for training in (undisturbed, resumed)]
    assert told[0]["tflop"] == told[1]["tflop"]
    assert [model["kept"] for model in told] == [True, False]
    assert resumed.weights.read_bytes() == undisturbed.weights.read_bytes()


def change(model: dict, part: str, key: str, value: object) -> dict:
    return model | {part: model[part] | {key: value}}


def test_a_kept_copy_is_of_this_training_and_no_other(training):
    """Whatever of the class, its settings, the seed, the name or the code is another."""
    model = model_of("eulernet")
    assert training(model)
    before = training.weights.read_bytes()
    assert not training(model)
    assert training.weights.read_bytes() == before
    assert json.loads(training.model.read_text())["kept"]
    others = [
        {"model": model_of("nearest")},
        {"model": change(model, "architecture", "input", "standardised")},
        {"model": change(model, "training", "batch", 12)},
        {"model": change(model, "training", "gain_sd", 0.1)},
        {"model": model, "seed": 2},
        {"model": model, "name": "another"},
        {"model": model, "code": "b"},
    ]
    for other in others:
        assert training(**other), other
        assert not training(**other)
    assert training(model)


def test_what_has_no_steps_can_not_be_traced(fold, tmp_path):
    with pytest.raises(InputError, match="known is learnt at once, without steps that could be"):
        profile_training(
            fold, None, "known", model_of("nearest"), 1, "cpu", 1, 3,
            tmp_path / "trace.json", tmp_path / "trace.txt",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
