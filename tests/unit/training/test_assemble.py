"""Trained models become an ensemble whose files are those of a training."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training import test_train
from workflow.lib.data.split import read_fold
from workflow.lib.inference.plain import predict_plain
from workflow.lib.models.saved import load_task
from workflow.lib.orientation import medoid, misorientation_deg
from workflow.lib.report.jobs import network_table, training_table
from workflow.lib.report.learning_curves import read_histories
from workflow.lib.runtime.files import InputError
from workflow.lib.training.assemble import assemble_models
from workflow.lib.training.train import train_model

MEMBERS = 3


fold = test_train.fold
Files = list[Path]  # of a training: weights, model.json, training.csv


def files_in(folder: Path) -> Files:
    return [folder / name for name in ("weights.safetensors", "model.json", "training.csv")]


@pytest.fixture(scope="module")
def trained(fold, tmp_path_factory) -> list[Files]:
    """Of each seed."""
    found = []
    for seed in range(1, MEMBERS + 1):
        folder, model = tmp_path_factory.mktemp(f"seed{seed}"), test_train.model_of("eulernet")
        rest = folder / "checkpoint.pt", folder / "kept"
        found.append(files_in(folder))
        train_model(fold, None, "base", model, seed, "cpu", 1, *rest, *found[-1], code="a")
    return found


def settings_of(members: int, **changes) -> dict:
    of = {key: test_train.model_of("eulernet")[key] for key in ("network", "architecture")}
    of |= {"members": members} | changes
    return {"network": "ensemble", "architecture": {"of": of}, "training": {}}


def assembled(folder: Path, fold: Path, trained: list[Files], settings: dict) -> Files:
    pairs = [(weights, model) for weights, model, _ in trained]
    assemble_models(fold, pairs, "vote", settings, 1, 1, *files_in(folder))
    return files_in(folder)


def test_it_is_its_members_and_says_what_they_took(tmp_path, fold, trained):
    weights, model, history = assembled(tmp_path, fold, trained, settings_of(MEMBERS))
    described = json.loads(model.read_text())
    members = [json.loads(its.read_text()) for _, its, _ in trained]
    for key in ("tflop", "parameters", "train_s", "signals_seen"):
        assert described[key] == pytest.approx(sum(member[key] for member in members))
    assert described["parameters"] == sum(values.numel() for values in load_file(weights).values())
    assert described["members"] == [{"name": "base", "seed": seed} for seed in (1, 2, 3)]
    assert members[0].keys() - described.keys() == {"gain_sd"}  # the class's own
    assert described["usage"].keys() == members[0]["usage"].keys()

    part = read_fold(fold, ["validation"])["validation"]
    signals = torch.from_numpy(part.signals)
    answers = [predict_plain(load_task(*files[:2]), signals)[0] for files in trained]
    errors = misorientation_deg(medoid(torch.stack(answers, 1)), torch.from_numpy(part.orientation))
    assert described["validation_median_deg"] == pytest.approx(errors.median().item(), abs=1e-4)
    torch.testing.assert_close(
        predict_plain(load_task(weights, model), signals)[0], medoid(torch.stack(answers, 1))
    )
    columns = pd.read_csv(trained[0][2]).columns
    assert list(pd.read_csv(history).columns.sort_values()) == list(columns.sort_values())


def test_reports_read_it_as_any_training(tmp_path, fold, trained):
    _, model, history = assembled(tmp_path, fold, trained, settings_of(MEMBERS))
    models = [trained[0][1], model]
    table = network_table(training_table(models)).set_index("network")
    assert table.loc["vote", "tflop"] == pytest.approx(3 * table.loc["base", "tflop"])
    curves, _ = read_histories(models, [trained[0][2], history])
    assert curves["network"].unique().tolist() == ["base"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (settings_of(2), "found 3 members, expected 2"),
        (settings_of(3, architecture={"input": "scaled"}), "another class or architecture than"),
    ],
)
def test_members_that_are_others_are_refused_in_a_line(settings, message, tmp_path, fold, trained):
    with pytest.raises(InputError, match=message) as caught:
        assembled(tmp_path, fold, trained, settings)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
