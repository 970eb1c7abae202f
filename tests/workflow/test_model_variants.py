"""Models as configuration: variants, others compared, and a class of one's own."""

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from tests.workflow.own_data import said
from tests.workflow.test_kept_models import run
from tests.workflow.test_reruns import REPORTING, appended, plan

TOY = '''
"""Always the same answer."""

import torch
from torch import nn

from workflow.lib.models.task import Draws
from workflow.lib.signals.rolls import AZIMUTHS


class ConstantTask:
    def __init__(self, component: int, louder: bool = False) -> None:
        self.network = nn.Module()
        self.network.register_buffer("answer", torch.eye(4, dtype=torch.float64)[component])

    def target(self, orientation, tokens=None):
        return orientation

    def learn(self, signals, target):
        pass

    def predict(self, signals, rolls):
        return self.network.answer.expand(len(signals), 4), torch.ones(len(signals), dtype=bool)

    def predict_rolls(self, signals):
        answer, valid = self.predict(signals, None)
        return answer[:, None].expand(-1, AZIMUTHS, 4), valid[:, None].expand(-1, AZIMUTHS)

    def draw(self, signals, rolls, count, seeds, temperature):
        return Draws(self.network.answer.expand(*rolls.shape, 1, 4))
'''
FRAGMENT = """
title: Constant
description: The same orientation for all signals.
kind: regression
loop: false
architecture:
  type: object
  additionalProperties: false
  required: [component]
  properties:
    component: {description: The component that is 1., type: integer, minimum: 0, maximum: 3}
training:
  type: object
  additionalProperties: false
  required: [louder]
  properties:
    louder: {description: Without effect., type: boolean}
"""
TOYS = """
models:
  constant: {network: constant, architecture: {component: 0}, training: {louder: true}}
  other: {like: constant, title: Another constant, architecture: {component: 3}}
"""


@pytest.fixture
def copy(finished, project, tmp_path) -> Path:
    """A copy of the finished project, to be changed."""
    return shutil.copytree(project, tmp_path / "project", symlinks=True)


def planned(text: str, rule: str) -> dict[str, str]:
    """The jobs of a rule in a dry run: inputs by output."""
    jobs = re.findall(rf"^rule {rule}:\n +input: (.*)\n +output: (.*)$", text, re.MULTILINE)
    return {output.split(", ")[0]: inputs for inputs, output in jobs}


def test_a_variant_with_another_tokenizer_is_trained_on_tokens_of_its_own(snakemake):
    changes = """
    run: variants
    folds: [1]
    models:
      text: {like: sequencenet, architecture: {tokenizer: decimal}}
      wide: {like: text, architecture: {width: 80, tokenizer: digit}}
      eulernet: null
    compared: [text, wide]
    """
    told = said(snakemake("-n", changes=changes))
    trained = {
        re.search(r"models/(\w+)/1/1/", output)[1]: re.search(r"tokens/\S+\.h5|$", inputs)[0]
        for output, inputs in planned(told, "train").items()
    }
    assert trained == {
        "sequencenet": "tokens/digit/1.h5", "text": "tokens/decimal/1.h5",
        "wide": "tokens/digit/1.h5", "nearest": "",
    }  # fmt: skip
    assert set(planned(told, "tokenize")) == {
        f"results/variants/tokens/{name}/1.h5" for name in ("decimal", "digit")
    }


def test_models_have_folds_and_seeds_of_their_own_and_an_ensemble_waits_for_all(snakemake):
    changes = """
    run: variants
    seeds: [1, 2, 3]
    seeds_elsewhere: [2]
    models:
      eulernet: {folds: [1], seeds: [3, 1]}
      text: {like: sequencenet, folds: [1], architecture: {tokenizer: decimal}}
      nearest: {seeds: [2]}
      vote: {network: ensemble, seeds: [2], architecture: {of: sequencenet}}
    """
    told = said(snakemake("-n", changes=changes))
    trained = {
        re.search(r"models/(\w+)/(\d)/(\d)/", output).groups() for output in planned(told, "train")
    }
    expected = {("eulernet", "1", seed) for seed in "13"}
    expected |= {(name, "1", seed) for name in ("sequencenet", "text") for seed in "123"}
    expected |= {("sequencenet", "2", "2"), ("nearest", "1", "2"), ("nearest", "2", "2")}
    assert trained == expected
    members = {
        output.split("/models/")[1]: re.findall(r"models/sequencenet/(\S+)/weights", inputs)
        for output, inputs in planned(told, "assemble").items()
    }
    assert members == {
        "vote/1/2/weights.safetensors": ["1/1", "1/2", "1/3"],
        "vote/2/2/weights.safetensors": ["2/2"],
    }
    assert len(planned(told, "predict")) == len(expected) + 2
    assert set(planned(told, "tokenize")) == {
        f"results/variants/tokens/{name}.h5" for name in ("decimal/1", "digit/1", "digit/2")
    }


def test_without_a_writer_nothing_is_tokenized(snakemake):
    changes = "{run: variants, models: {sequencenet: null}, compared: [eulernet, nearest]}"
    done = snakemake("-n", changes=changes)
    assert {"train", "jobs", "paper"} <= plan(done).keys()
    assert "tokenize" not in plan(done)


def test_a_new_model_trains_nothing_else_and_a_title_trains_nothing(finished, snakemake):
    told = said(snakemake("-n", changes="models: {near: {like: nearest}}"))
    names = {re.search(r"models/(\w+)/", output)[1] for output in planned(told, "train")}
    assert names == {"near"}
    done = snakemake("-n", changes="models: {eulernet: {title: A regression}}")
    shown = {"score", "table1", "figure1", "learning_curves", "several", "release"}
    assert plan(done).keys() == shown | REPORTING


def test_an_edited_class_trains_its_models_and_no_others(finished, snakemake, project):
    with appended(project / "workflow/lib/models/nearest.py", "\nBLOCKS = dict(BLOCKS)\n"):
        told = said(snakemake("-n"))
    for rule, folder in (("train", "models"), ("predict", "predictions")):
        names = {re.search(rf"{folder}/(\w+)/", job)[1] for job in planned(told, rule)}
        assert names == {"nearest"}


def test_traces_are_of_what_is_trained_in_steps(snakemake):
    told = said(snakemake("-n", changes="{run: traced, profiler_steps: 3}"))
    names = {re.search(r"traces/(\w+)/", output)[1] for output in planned(told, "profile")}
    assert names == {"eulernet", "sequencenet"}


def test_the_paper_compiles_whichever_two_are_compared(copy):
    """Of classes that its text does not know: numbers they do not have are dashes."""
    changes = "{compared: [nearest, eulernet], models: {eulernet: {title: A regression_1}}}"
    told = run(copy, "--cores", "2", changes=changes)
    assert told.endswith("exit 0"), told[-3000:]
    results = copy / "results/ci"
    assert "rule train:" not in told
    table = pd.read_csv(results / "table1.csv")
    assert table["network"].to_list() == ["Nearest neighbour", "A regression_1", "SequenceNet"]
    comparison = pd.read_csv(results / "comparison.csv")
    assert comparison["comparison"].to_list()[-2:] == ["nearest_gain", "eulernet_gain"]
    pages = PdfReader(results / "paper.pdf").pages
    text = " ".join("\n".join(page.extract_text() for page in pages).split())
    assert text.count("what is called EulerNet is the model Nearest neighbour") == 2
    assert "because not both are trained in epochs" in text
    assert "Nearest neighbour" in PdfReader(results / "figure1.pdf").pages[0].extract_text()


def test_a_class_of_ones_own_is_a_module_an_entry_and_a_fragment(copy):
    library = copy / "workflow/lib/models"
    (library / "constant.py").write_text(TOY)
    (copy / "workflow/schemas/models/constant.yaml").write_text(FRAGMENT)
    registry = (library / "registry.py").read_text()
    entry = 'MODELS = {"constant": ConstantTask, '
    assert registry.count("MODELS = {") == 1
    (library / "registry.py").write_text(
        registry.replace("MODELS = {", entry).replace(
            "from workflow.lib.models.euler",
            "from workflow.lib.models.constant import ConstantTask\nfrom workflow.lib.models.euler",
        )
    )
    whole = run(copy, "-n", changes=TOYS)
    trained = {re.search(r"models/(\w+)/(\d)", job).groups() for job in planned(whole, "train")}
    assert trained == {(name, fold) for name in ("constant", "other") for fold in "12"}

    targets = [f"results/ci/predictions/{name}/1/1.h5" for name in ("constant", "other")]
    told = run(copy, "--cores", "2", "--", *targets, changes=TOYS)
    assert told.endswith("exit 0"), told[-3000:]
    for name, component in (("constant", 0), ("other", 3)):
        with h5py.File(copy / f"results/ci/predictions/{name}/1/1.h5") as file:
            assert file.attrs["network"] == name
            np.testing.assert_array_equal(file["orientation"][0], np.eye(4)[component])
        model = json.loads((copy / f"results/ci/models/{name}/1/1/model.json").read_text())
        assert (model["name"], model["network"]) == (name, "constant")
        assert model["louder"]
    mistake = run(copy, "-n", changes=TOYS.replace("component: 3", "component: 4"))
    assert "config key models.other.architecture.component: found 4 (int), expected at" in mistake
