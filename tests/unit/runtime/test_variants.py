"""Models that are like others: what they become, and what they are called."""

from pathlib import Path

import pytest
import yaml

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.variants import (
    candidates,
    check_candidates,
    read_classes,
    released,
    resolve_models,
    settings,
    titles,
    viewed,
)

CLASSES = read_classes(Path(__file__).parents[3] / "workflow/schemas")
MODELS = """
base: {network: sequencenet, title: The base, architecture: {cell: lstm, layers: 4},
       training: {batch: 64, clip_norm: 0.5}}
deep: {like: wide, architecture: {layers: 8}}
wide: {like: base, architecture: {width: 256}, training: {clip_norm: null}}
known: {network: nearest}
gone: null
"""


def resolved(text: str, **others) -> dict:
    config = {"models": yaml.safe_load(text), **others}
    resolve_models(config)
    return config


def test_a_model_has_what_it_says_and_the_rest_of_what_it_is_like():
    """Merged deeply, along a chain in any order; what it is like stays as it was."""
    models = resolved(MODELS)["models"]
    assert list(models) == ["base", "deep", "wide", "known"]
    assert models["wide"] == {
        "network": "sequencenet",
        "architecture": {"cell": "lstm", "layers": 4, "width": 256},
        "training": {"batch": 64, "clip_norm": None},
    }
    assert models["deep"] == models["wide"] | {
        "architecture": {"cell": "lstm", "layers": 8, "width": 256}
    }
    assert models["base"]["architecture"] == {"cell": "lstm", "layers": 4}
    assert models["known"] == {"network": "nearest", "architecture": {}, "training": {}}
    assert resolved(MODELS) == resolved(yaml.safe_dump(models))  # as in the jobs Snakemake spawns


def test_what_is_left_out_can_not_be_alike():
    with pytest.raises(InputError, match=r"models\.a\.like: found .gone., expected one of base"):
        resolved(MODELS + "a: {like: gone}")


def test_titles_are_not_inherited_and_those_compared_come_first():
    config = resolved(MODELS + "nearest: {network: nearest}", compared=["wide", "base"])
    assert list(titles(config, CLASSES).items()) == [
        ("wide", "wide"), ("base", "The base"), ("deep", "deep"), ("known", "known"),
        ("nearest", "Nearest neighbour"),
    ]  # fmt: skip


def test_a_title_does_not_decide_what_is_trained():
    plain, titled = (
        resolved(f"a: {{network: nearest{title}}}")["models"]["a"] for title in ("", ", title: A")
    )
    assert settings(plain) == settings(titled)
    assert settings(plain).keys() == {"network", "architecture", "training"}


SEARCH = """
e: {network: eulernet}
s: {network: sequencenet}
known: {network: nearest}
"""


def test_candidates_are_the_models_of_the_two_classes_compared_as_many_of_each():
    both = {"eulernet": ["e"], "sequencenet": ["s"]}
    config = resolved(SEARCH, compared=["e", "s"])
    assert candidates(config) == both
    check_candidates(config, CLASSES)
    config = resolved(SEARCH + "f: {like: e}\nt: {like: s}", compared=["t", "e"])
    assert candidates(config) == {"sequencenet": ["s", "t"], "eulernet": ["e", "f"]}
    check_candidates(config, CLASSES)
    one = resolved(SEARCH + "t: {like: s}", compared=["t", "s"])
    assert candidates(one) == {"sequencenet": ["s", "t"]}
    check_candidates(one, CLASSES)


@pytest.mark.parametrize(
    ("more", "compared", "message"),
    [
        ("f: {like: e}", ["e", "s"], "key models: found 2 of eulernet and 1 of sequencenet, expec"),
        ("", ["known", "s"], "key compared: found a model of nearest, which is learnt at once"),
    ],
)
def test_a_search_that_is_not_fair_or_has_nothing_to_tune_is_refused(more, compared, message):
    with pytest.raises(InputError, match=message) as caught:
        check_candidates(resolved(SEARCH + more, compared=compared), CLASSES)
    assert "\n" not in str(caught.value)


def test_views_are_those_of_models_named_or_of_those_compared_that_learn_in_steps():
    config = resolved(MODELS, compared=["known", "base"], views={"models": None})
    assert viewed(config, CLASSES) == ["base"]
    config["views"]["models"] = ["wide", "known"]
    assert viewed(config, CLASSES) == ["wide", "known"]
    config["views"]["models"] = ["gone"]
    with pytest.raises(InputError, match=r"views\.models: found .gone., expected some of .* base,"):
        viewed(config, CLASSES)


def test_released_are_the_models_named_or_those_compared():
    config = resolved(MODELS, compared=["known", "base"], release={"models": None})
    assert released(config) == ["known", "base"]
    config["release"]["models"] = ["wide"]
    assert released(config) == ["wide"]
    for wrong, message in (
        [["gone"], "found .gone., expected some of"],
        [[], r"found \[\], expec"],
    ):
        config["release"]["models"] = wrong
        with pytest.raises(InputError, match=rf"key release\.models: {message}"):
            released(config)
