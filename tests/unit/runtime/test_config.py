"""Every mistake in the configuration is one line that names the key."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from workflow.lib.runtime.config import SIMULATED_SPECIMENS, check_config
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.variants import read_classes, resolve_models, settings
from workflow.lib.simulation.reflectance import SPECIMENS

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
PAPER = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def merged(base: dict, changes: dict) -> dict:
    """As Snakemake merges --configfile into the default."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if nested else value
    return result


@pytest.mark.parametrize("name", ["config", "demo", "ci", "tune", "evidence"])
def test_the_configs_are_valid(name):
    changes = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    check_config(merged(PAPER, changes), SCHEMA)


def test_the_search_is_on_the_demos_signals_and_as_they_are_trained_there():
    demo, search = (
        merged(PAPER, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
        for name in ("demo", "tune")
    )
    assert {key for key in PAPER if demo[key] != search[key]} == {"run", "seeds", "models"}


def test_the_demo_has_settings_that_were_searched_for():
    """Those of the last candidate of each network."""
    models = {}
    for name in ("demo", "tune"):
        config = merged(PAPER, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
        resolve_models(config)
        models[name] = config["models"]
    for model in models["demo"].values():
        candidates = [m for m in models["tune"].values() if m["network"] == model["network"]]
        assert settings(model) == settings(candidates[-1])


TRAINING = "models: {eulernet: {training: {%s}}}"
ENSEMBLE = "models: {vote: {network: ensemble, seeds: [1], architecture: {of: %s}}}"
MISTAKES = [
    ("epoch: 3", "config key top level: unknown epoch; known are run, data"),
    (TRAINING % "epocs: 3", "config key models.eulernet.training: unknown epocs"),
    (
        TRAINING % "learning_rate: 1e-3",
        r"learning_rate: found '1e-3' \(str\), expected number; YAML reads it as text: write",
    ),
    (TRAINING % "epochs: 0", "models.eulernet.training.epochs: found 0 .*more than 0"),
    (TRAINING % "batch: '64'", r"batch: found '64' \(str\), expected integer"),
    (TRAINING % "schedule: cosine", "schedule: found 'cosine' .*one of .*one_cycle"),
    (TRAINING % "rolls_per_epoch: 73", "rolls_per_epoch: found 73 .*at most 72"),
    (TRAINING % "rolls_per_epoch: 9, rolls_together: 2", "rolls_per_epoch: found 9, .* is 2"),
    (TRAINING % "rolls_per_epoch: 9, rolls_together: 9", "batch: found 50, .*multiple .* is 9"),
    ("validation: {share: 1}", "validation.share: found 1 .*less than 1"),
    ("validation: {share: 0.0}", "validation.share: found 0.0 .*more than 0"),
    ("device: gpu", "device: found 'gpu' .*one of"),
    ("folds: []", "config key folds"),
    ("folds: [1, 11]", "folds: found fold 11, expected at most 10"),
    ("folds: [2, 3]", r"table_fold: found 1, expected one of folds \[2, 3\]"),
    ("seeds_elsewhere: [4]", r"seeds_elsewhere: found 4, expected some of seeds, .* \[1, 2, 3\]"),
    ("seeds_elsewhere: []", r"seeds_elsewhere: .*non-empty|seeds_elsewhere: .*too short"),
    ("models: {eulernet: {folds: [1, 11]}}", "models.eulernet.folds: found 11, expected some of f"),
    ("models: {eulernet: {seeds: [0]}}", "models.eulernet.seeds: found 0, expected some of seeds"),
    (
        "models: {eulernet: {folds: [2, 3]}}",
        r"eulernet.folds: found \[2, 3\], expected table_fold 1",
    ),
    (
        "{seeds_elsewhere: [1], models: {eulernet: {seeds: [2]}}}",
        r"models.eulernet.seeds: found none of seeds_elsewhere \[1\], expected one of them for fo",
    ),
    (
        "models: {vote: {network: ensemble}}",
        "models.vote.architecture: 'of' is a required property",
    ),
    (
        ENSEMBLE % "nobody",
        "models.vote.architecture.of: found 'nobody', expected a model that is trained in step",
    ),
    (ENSEMBLE % "vote", "models.vote.architecture.of: found 'vote', expected a model that is trai"),
    (
        "{seeds: [1], models: {sequencenet: {folds: [1]}, "
        "vote: {network: ensemble, architecture: {of: sequencenet}}}}",
        r"models.vote.folds: found fold 2, on which sequencenet is not trained, .* \[1\]",
    ),
    (
        "models: {vote: {network: ensemble, architecture: {of: sequencenet}}}",
        r"models.vote.seeds: found \[1, 2, 3\], expected one, because all seeds of sequencenet",
    ),
    ("evidence: {source: paper}", r"evidence.source: found 'paper' .*one of \['record', 'run'\]"),
    ("seeds: 1", r"seeds: found 1 \(int\), expected array"),
    ("run: ../up", "config key run"),
    (
        "data: {source: archive}",
        "data.archive: found None, expected the path of a folder",
    ),
    ("data: {source: archive, archive: /nowhere}", "data.archive: found '/nowhere'"),
    ("data: {source: web}", "data.source: found 'web' .*one of"),
    ("{specimens: 9, folds: [1], data: {source: simulated}}", "specimens: found 9, expected 10"),
    ("models: null", r"models: found None \(NoneType\), expected object"),
    (
        "models: {Wide: {like: eulernet}}",
        r"models: found 'Wide' .*expected text that matches \^\[a-z",
    ),
    ("models: {1: {like: eulernet}}", r"config key models: found 1 \(int\), expected string"),
    ("models: {wide: {likes: eulernet}}", "models.wide: unknown likes; known are network, like"),
    (
        "models: {wide: {}}",
        "models.wide: found no network, expected one of .*eulernet, .*nearest, .*sequ",
    ),
    (
        "models: {wide: {network: vgg}}",
        "models.wide: found network 'vgg', expected one of .*eulernet",
    ),
    (
        "models: {wide: {like: vgg}}",
        "models.wide.like: found 'vgg', expected one of eulernet, sequ",
    ),
    (
        "models: {wide: {like: wide}}",
        r"models.wide.like: found 'wide', which makes a ring \(wide → wide\), expected a model",
    ),
    (
        "models: {a: {like: b}, b: {like: c}, c: {like: a}}",
        r"config key models.c.like: found 'a', which makes a ring \(a → b → c → a\)",
    ),
    (
        "models: {wide: {like: sequencenet, architecture: {widht: 64}}}",
        "models.wide.architecture: unknown widht; known are tokenizer, cell",
    ),
    (
        "models: {wide: {like: sequencenet, architecture: {input: scaled}}}",
        "models.wide.architecture: unknown input; known are tokenizer, cell",
    ),
    (
        "models: {wide: {like: sequencenet, architecture: {width: 0}}}",
        "models.wide.architecture.width: found 0 .*at least 1",
    ),
    (
        "models: {wide: {network: sequencenet}}",
        "models.wide.architecture: 'tokenizer' is a required property",
    ),
    (
        "models: {sequencenet: {training: {gain_sd: 0.1}}}",
        "models.sequencenet.training: unknown gain_sd; known are epochs",
    ),
    (
        "models: {nearest: {network: nearest, training: {epochs: 3}}}",
        "models.nearest.training: unknown epochs; known are none",
    ),
    (
        "models: {nearest: {like: eulernet, network: nearest}}",
        "models.nearest.architecture: unknown input, encoder, body; known are none",
    ),
    (
        "models: {a: {like: eulernet, title: SequenceNet}}",
        "models.a.title: found 'SequenceNet', which is that of sequencenet, expected one",
    ),
    ("models: {a: {like: eulernet, title: '$x$'}}", "models.a.title: found .*expected text that"),
    (
        "compared: [eulernet, vgg]",
        "compared: found 'vgg', expected two of the models eulernet, seq",
    ),
    ("compared: [eulernet]", r"config key compared: found \['eulernet'\] .*too short"),
    (
        "models: {sequencenet: null}",
        "compared: found 'sequencenet', expected two of the models eul",
    ),
    (
        "networks: {eulernet: {training: {epochs: 3}}}",
        "config key networks: is called models now: write `models:` in its place, and leave out",
    ),
]


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        check_config(merged(PAPER, yaml.safe_load(changes)), SCHEMA)
    assert "\n" not in str(caught.value)


def test_the_simulator_has_as_many_specimens_as_the_check_says():
    assert len(SPECIMENS) == SIMULATED_SPECIMENS


def test_a_missing_key_is_named():
    config = copy.deepcopy(PAPER)
    del config["validation"]["seed"]
    with pytest.raises(InputError, match="config key validation: 'seed' is a required property"):
        check_config(config, SCHEMA)


def keys(config: dict, prefix: str = "") -> list[str]:
    names = []
    for key, value in config.items():
        if isinstance(value, dict):
            names += keys(value, f"{prefix}{key}.")
        else:
            names.append(prefix + key)
    return names


def test_the_readme_has_a_row_per_key():
    readme = (ROOT / "config/README.md").read_text()
    names = {re.sub(r"^models\.\w+", "models.*", name) for name in keys(PAPER)}
    names |= {f"models.*.{key}" for key in ("like", "title", "folds", "seeds")}
    for network in read_classes(SCHEMA.parent).values():
        names |= {f"models.*.architecture.{key}" for key in network["architecture"]["properties"]}
    scan = yaml.safe_load(SCHEMA.read_text())["$defs"]["scan"]["properties"]
    names |= {f"maps.scans.*.{key}" for key in scan.keys() - {"ebsd"}}
    names |= {f"maps.scans.*.ebsd.{key}" for key in scan["ebsd"]["properties"]}
    rows = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    assert rows == names
