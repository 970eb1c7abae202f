"""The evidence's config: valid, fair, and its small twin with the same rows."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.unit.runtime.test_config import PAPER, SCHEMA, merged
from workflow.lib.runtime.config import check_config
from workflow.lib.runtime.trainings import folds_of, seeds_of, trainings
from workflow.lib.runtime.variants import settings

CONFIG = Path(__file__).parents[3] / "config"


def checked(*names: str) -> dict:
    config = PAPER
    for name in names:
        config = merged(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    check_config(config, SCHEMA)
    return config


@pytest.fixture(scope="module")
def evidence() -> dict:
    return checked("evidence")


def test_the_networks_compared_are_trained_as_in_the_demo(evidence):
    demo = checked("demo")
    for name in demo["models"]:
        assert settings(evidence["models"][name]) == settings(demo["models"][name])
        assert folds_of(evidence, name) == list(range(1, 11))
        assert [len(seeds_of(evidence, name, fold)) for fold in (1, 2, 10)] == [3, 1, 1]
    for key in ("data", "validation", "posterior"):
        assert evidence[key] == demo[key]
    larger = {"scan_shape": evidence["simulation"]["scan_shape"]}  # of what is mapped, not learnt
    assert evidence["simulation"] == demo["simulation"] | larger


def test_budgets_are_the_same_model_with_so_many_epochs(evidence):
    models = evidence["models"]
    for base in evidence["compared"]:
        for name, factor in (("quarter", 0.25), ("half", 0.5), ("double", 2)):
            found = settings(models[f"{base}_{name}"])
            epochs = factor * models[base]["training"]["epochs"]
            changes = {"training": models[base]["training"] | {"epochs": epochs}}
            assert found == settings(models[base]) | changes


def test_the_small_evidence_has_models_of_each_kind_and_its_own_run(evidence):
    small = checked("evidence", "evidence_small")
    assert small["models"].keys() <= evidence["models"].keys()
    classes = [{model["network"] for model in of["models"].values()} for of in (small, evidence)]
    assert classes[0] == classes[1]
    assert small["run"] != evidence["run"]
    for name, model in small["models"].items():
        training, whole = model["training"], evidence["models"][name]["training"]
        assert "epochs" not in training or training["batch"] < whole["batch"]


def test_what_is_on_record_is_what_the_config_makes(evidence):
    table = pd.read_csv(CONFIG.parent / "paper/record/trainings.csv")
    on_record = table[["network", "fold", "seed"]].itertuples(index=False, name=None)
    assert set(on_record) == set(trainings(evidence))
