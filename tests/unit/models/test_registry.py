"""Every model class: its module, its entry, its schema fragment; and nobody else knows names."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import yaml

from workflow.lib.models.registry import MODELS, make_task
from workflow.lib.models.saved import load_task, save_model
from workflow.lib.models.task import LoopTask, SingleStepTask, Task
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.variants import read_classes
from workflow.lib.signals.rolls import AZIMUTHS
from workflow.lib.training.step import TrainingSettings

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "workflow/schemas"
CLASSES = read_classes(SCHEMAS)
LOOP = yaml.safe_load((SCHEMAS / "training.yaml").read_text())

KINDS = {"regression", "density", "writer", "neighbour", "ensemble"}
"""What a fragment may say; workflow/schemas/models/README.md tells what they are."""

every_class = pytest.mark.parametrize("network", MODELS)


def test_every_class_has_a_fragment_and_every_fragment_a_class():
    assert set(CLASSES) == set(MODELS)
    assert len({fragment["title"] for fragment in CLASSES.values()}) == len(CLASSES)


@every_class
def test_a_fragment_describes_all_its_keys_and_refuses_others(network):
    fragment = yaml.safe_load((SCHEMAS / f"models/{network}.yaml").read_text())
    assert set(fragment) == {"title", "description", "kind", "loop", "architecture", "training"}
    assert fragment["kind"] in KINDS
    for part in ("architecture", "training"):
        schema = CLASSES[network][part]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert set(schema.get("required", [])) == set(schema["properties"])
        assert all(rules["description"] for rules in schema["properties"].values())


def test_the_loops_keys_are_those_of_its_settings():
    names = {field.name for field in fields(TrainingSettings)} - {"seed"}
    assert set(LOOP["properties"]) == set(LOOP["required"]) == names


@every_class
def test_a_class_takes_the_keys_of_its_fragment(network):
    """And none else; predictions are made without those of `training`, which have defaults."""
    architecture = CLASSES[network]["architecture"]["properties"]
    training = set(CLASSES[network]["training"]["properties"])
    own = training - set(LOOP["properties"]) if CLASSES[network]["loop"] else training
    parameters = dict(inspect.signature(MODELS[network]).parameters)
    if "architecture" in parameters:  # passed on to the network
        del parameters["architecture"]
        parameters |= _parameters_of_network(network)
    assert set(parameters) == set(architecture) | own
    assert all(parameters[name].default is not inspect.Parameter.empty for name in own)


def _parameters_of_network(network: str) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(type(make_task(network, {}).network)).parameters)
    return {name: value for name, value in found.items() if name != "tokenizer"}


@every_class
def test_a_class_offers_what_its_fragment_says(network):
    task = make_task(network, {})
    assert isinstance(task, Task)
    assert isinstance(task, LoopTask) == CLASSES[network]["loop"]
    made_of_others = "of" in CLASSES[network]["architecture"]["properties"]  # it learns nothing
    assert isinstance(task, SingleStepTask) == (not CLASSES[network]["loop"] and not made_of_others)
    orientation = torch.nn.functional.normalize(torch.randn(2, 4).double(), dim=1)
    target = task.target(orientation)
    assert len(target) == 2
    writes = "tokenizer" in CLASSES[network]["architecture"]["properties"]
    assert (target.shape[1:2] == (AZIMUTHS,)) == writes
    assert torch.equal(task.target(orientation, target), target)  # tokens at hand are taken


def test_an_unknown_class_is_told_in_a_line_that_names_the_file(tmp_path):
    paths = tmp_path / "weights.safetensors", tmp_path / "model.json"
    save_model({}, {"network": "vgg", "architecture": {}}, *paths)
    line = rf"{paths[1]}: network 'vgg': expected one of .*--force and the target {paths[1]}"
    with pytest.raises(InputError, match=line):
        load_task(*paths)


def sources() -> list[Path]:
    """All code that must not ask which network it has."""
    library = ROOT / "workflow/lib"
    return [
        path
        for pattern in ("workflow/**/*.py", "workflow/**/*.smk", "Snakefile")
        for path in sorted(ROOT.glob(pattern))
        if library / "models" not in path.parents
    ]


def quoted_names(text: str) -> list[str]:
    text = text.replace('interpolation="nearest"', "")  # of Matplotlib
    names = [name for name in MODELS if name not in KINDS]  # kinds are there to be asked for
    return re.findall(rf"""["']({"|".join(names)})["']""", text)


def test_no_rule_script_or_other_module_knows_a_class_by_its_name():
    """But the prose of the paper: its macros begin with the names of the two published ones."""
    told = {path: quoted_names(path.read_text()) for path in sources()}
    numbers = ROOT / "workflow/lib/report/numbers.py"
    assert told.pop(numbers) == ["eulernet", "sequencenet"]  # in PROSE, and nowhere else
    (prose,) = [
        node
        for node in ast.parse(numbers.read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "PROSE"
    ]
    assert list(ast.literal_eval(prose.value)) == ["eulernet", "sequencenet"]
    assert {path.name for path in told} >= {"Snakefile", "train.smk", "train.py", "scores.py"}
    assert {path: names for path, names in told.items() if names} == {}


def test_a_comparison_with_a_name_is_noticed():
    assert quoted_names('if wildcards.network == "sequencenet":') == ["sequencenet"]
