"""Which trainings there are: of models with folds and seeds of their own, and of ensembles."""

import itertools
from pathlib import Path

import pytest
import yaml

from workflow.lib.runtime.trainings import made_of, seeds_of, settings_of, trainings
from workflow.lib.runtime.variants import (
    MOST_ROWS,
    read_classes,
    resolve_models,
    settings,
    shown_in_paper,
    titles,
)

CLASSES = read_classes(Path(__file__).parents[3] / "workflow/schemas")
CONFIG = """
folds: [1, 2, 3]
seeds: [1, 2, 3]
seeds_elsewhere: [1]
table_fold: 2
models:
  whole: {network: sequencenet, architecture: {width: 8}, training: {batch: 64}}
  small: {network: eulernet, folds: [2], seeds: [3, 1]}
  like: {like: small}
  every: {like: small, folds: null, seeds: null}
  vote: {network: ensemble, seeds: [1], architecture: {of: whole}}
"""


def made(text: str = CONFIG, **changes) -> dict:
    config = yaml.safe_load(text) | changes
    resolve_models(config)
    return config


def test_without_any_of_its_own_every_model_has_all_folds_and_seeds():
    config = made("{models: {b: {network: eulernet}, a: {network: nearest}}, table_fold: 1}")
    config |= {"folds": [3, 1], "seeds": [2, 5], "seeds_elsewhere": None}
    assert trainings(config) == list(itertools.product("ba", [3, 1], [2, 5]))


def test_each_model_has_its_folds_and_seeds_and_fewer_seeds_elsewhere():
    config = made()
    assert trainings(config, ["whole"]) == [
        ("whole", 1, 1), ("whole", 2, 1), ("whole", 2, 2), ("whole", 2, 3), ("whole", 3, 1),
    ]  # fmt: skip
    assert trainings(config, ["small"]) == [("small", 2, 3), ("small", 2, 1)]
    assert [found[1:] for found in trainings(config, ["like"])] == [(2, 3), (2, 1)]
    assert len(trainings(config, ["every"])) == 5
    assert trainings(config, ["vote", "small"], [3, 2]) == [
        ("vote", 3, 1), ("vote", 2, 1), ("small", 2, 3), ("small", 2, 1),
    ]  # fmt: skip


def test_folds_and_seeds_do_not_decide_what_is_trained():
    models = made()["models"]
    assert settings(models["small"]) == settings(models["every"])
    assert settings(models["small"]).keys() == {"network", "architecture", "training"}


def test_an_ensemble_is_told_what_its_members_are_and_how_many():
    config = made()
    assert made_of(config) == {"vote": "whole"}
    member = {"network": "sequencenet", "architecture": {"width": 8}}
    for fold, members in ((1, 1), (2, 3)):
        assert seeds_of(config, "whole", fold) == list(range(1, members + 1))
        assert settings_of(config, "vote", fold) == {
            "network": "ensemble",
            "architecture": {"of": member | {"members": members}},
            "training": {},
        }
        assert settings_of(config, "whole", fold) == settings(config["models"]["whole"])
    assert config["models"]["vote"]["architecture"] == {"of": "whole"}  # untouched


@pytest.mark.parametrize("number", [MOST_ROWS, MOST_ROWS + 1])
def test_of_many_models_the_papers_tables_show_those_compared_and_the_neighbours(number):
    others = ", ".join(f"m{i}: {{network: eulernet}}" for i in range(number - 3))
    known = "a: {network: eulernet}, b: {network: sequencenet}, nearest: {network: nearest}"
    config = made(f"{{models: {{{others}, {known}}}, compared: [b, a]}}")
    shown = shown_in_paper(config, CLASSES)
    every = titles(config, CLASSES)
    assert len(every) == number
    if number == MOST_ROWS:
        assert shown == every
    else:
        assert list(shown.items()) == [("b", "b"), ("a", "a"), ("nearest", "Nearest neighbour")]
