"""The config's `several`: its keys are the settings', and bad values are told in a line."""

import copy
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from workflow.lib.inference.support import Settings
from workflow.lib.runtime.config import check_config
from workflow.lib.runtime.files import InputError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
BLOCK = yaml.safe_load(SCHEMA.read_text())["properties"]["several"]
PAPER = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def test_the_keys_are_those_of_the_settings_and_described():
    names = [field.name for field in fields(Settings)]
    assert list(PAPER["several"]) == names
    assert list(BLOCK["properties"]) == BLOCK["required"] == names
    assert all(rules["description"] for rules in BLOCK["properties"].values())
    assert Settings(**PAPER["several"]).candidates >= 2


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("candidates", 1, "at least 2"),
        ("candidates", 2.5, "expected integer"),
        ("radius_deg", 0, "more than 0"),
        ("radius_deg", 31, "at most 30"),
        ("draws", 0, "at least 1"),
        ("draws_per_view", 17, "at most 16"),
        ("beam_width", 0, "at least 1"),
        ("seed", -1, "at least 0"),
    ],
)
def test_a_bad_value_is_told_in_a_line(key, value, expected):
    config = copy.deepcopy(PAPER)
    config["several"][key] = value
    with pytest.raises(InputError, match=rf"several\.{key}: found {value} .*{expected}"):
        check_config(config, SCHEMA)
