"""The models of the config: what each is like, and whether its class knows its keys.

A class is a file in workflow/schemas/models/ to this module, which needs no PyTorch: Snakemake
plans without it.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from workflow.lib.runtime.files import InputError

Models = dict[str, dict[str, Any]]
SETTINGS = ("network", "architecture", "training")  # what decides what is trained
MOST_ROWS = 6  # models that a table of the paper has room for


def read_classes(schemas: Path) -> dict[str, dict[str, Any]]:
    """What is in workflow/schemas/models/, by class; `training` has the loop's keys as well."""
    loop = yaml.safe_load((schemas / "training.yaml").read_text(encoding="utf-8"))
    classes = {}
    for path in sorted((schemas / "models").glob("*.yaml")):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        if found["loop"]:
            own = found["training"]
            found["training"] = loop | {
                "required": loop["required"] + own.get("required", []),
                "properties": loop["properties"] | own["properties"],
            }
        classes[path.stem] = found
    return classes


def resolve_models(config: dict[str, Any]) -> None:
    """Replace `config["models"]` by models that are all whole: none is `like` another any more.

    Those that are null are left out. Raises InputError naming the key for an unknown name, and
    for models that are like each other.
    """
    models = {name: model for name, model in config["models"].items() if model is not None}
    config["models"] = {name: _whole(name, models, ()) for name in models}


def check_models(
    config: dict[str, Any],
    classes: Mapping[str, Mapping[str, Any]],
    check: Callable[[Any, Mapping[str, Any], str], None],
) -> None:
    """Compare models that are whole with their classes, see `read_classes`.

    check: raises InputError where a value (1st) is not as a schema (2nd) has it; the key is 3rd.
    Raises InputError as well for `compared` that are not there, and for a title used twice.
    """
    for name, model in config["models"].items():
        key, network = f"models.{name}", model.get("network")
        if network not in classes:
            found = "no network" if network is None else f"network {network!r}"
            known = ", ".join(classes)
            raise InputError(f"config key {key}: found {found}, expected one of {known}")
        for part in ("architecture", "training"):
            check(model[part], classes[network][part], f"{key}.{part}")
        if classes[network]["loop"]:
            _check_together(model["training"], f"{key}.training")
    for name in config["compared"]:
        if name not in config["models"]:
            raise InputError(
                f"config key compared: found {name!r}, expected two of the models "
                f"{', '.join(config['models'])}"
            )
    used: dict[str, str] = {}
    for name, title in titles(config, classes).items():
        if title in used:
            raise InputError(
                f"config key models.{name}.title: found {title!r}, which is that of "
                f"{used[title]}, expected one of its own"
            )
        used[title] = name


def titles(config: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The title of each model by its name, those compared first."""
    models = config["models"]
    order = [*config["compared"], *(name for name in models if name not in config["compared"])]
    return {name: _title(name, models[name], classes) for name in order}


def shown_in_paper(
    config: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """As `titles`, of the models that a table of the paper has rows for.

    All, or where they are more than MOST_ROWS those compared and the neighbours.
    """
    every = titles(config, classes)
    if len(every) <= MOST_ROWS:
        return every
    kinds = {name: classes[config["models"][name]["network"]]["kind"] for name in every}
    return {
        name: title
        for name, title in every.items()
        if name in config["compared"] or kinds[name] == "neighbour"
    }


def candidates(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """The models among which a search looks: by class, names of those of the classes compared."""
    models = config["models"]
    networks = [models[name]["network"] for name in config["compared"]]
    return {
        network: [name for name in models if models[name]["network"] == network]
        for network in networks
    }


def check_candidates(config: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise InputError where `candidates` are not as many of one class as of the other.

    And for a class that is not trained in steps. classes: see `read_classes`.
    """
    found = candidates(config)
    for network in found:
        if not classes[network]["loop"]:
            raise InputError(
                f"config key compared: found a model of {network}, which is learnt at once and "
                "has nothing to tune, expected two that are trained in steps"
            )
    if len({len(names) for names in found.values()}) > 1:
        numbers = " and ".join(f"{len(names)} of {network}" for network, names in found.items())
        raise InputError(
            f"config key models: found {numbers}, expected the same number of candidates of both, "
            "because both are to be given the same care: add some or leave some out"
        )


def viewed(config: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The models whose views are counted: those named, or those compared that learn in steps.

    A class that does not may answer the same in all rolls. Raises InputError for an unknown name.
    """
    models, named = config["models"], config["views"]["models"]
    if named is None:
        return [name for name in config["compared"] if classes[models[name]["network"]]["loop"]]
    return _known("views.models", named, models)


def released(config: Mapping[str, Any]) -> list[str]:
    """The models that are handed out: those named, or those compared.

    Raises InputError for an unknown name, and where none is named.
    """
    named = config["release"]["models"]
    names = _known(
        "release.models", config["compared"] if named is None else named, config["models"]
    )
    if not names:
        raise InputError(
            "config key release.models: found [], expected some of the models "
            f"{', '.join(config['models'])}, or null for those compared"
        )
    return names


def settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """Of a model of the config what decides what is trained."""
    return {key: model[key] for key in SETTINGS}


def _known(key: str, names: Sequence[str], models: Mapping[str, Any]) -> list[str]:
    for name in names:
        if name not in models:
            raise InputError(
                f"config key {key}: found {name!r}, expected some of the models {', '.join(models)}"
            )
    return list(names)


def _check_together(training: Mapping[str, Any], key: str) -> None:
    together = training["rolls_together"]
    for name in ("rolls_per_epoch", "batch"):
        if training[name] % together:
            raise InputError(
                f"config key {key}.{name}: found {training[name]}, expected a multiple of "
                f"rolls_together, which is {together}"
            )


def _title(name: str, model: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]) -> str:
    of_class = classes[name]["title"] if model["network"] == name else name
    return model.get("title", of_class)


def _whole(name: str, models: Mapping[str, Any], on_the_way: tuple[str, ...]) -> dict[str, Any]:
    """The model called `name` with all keys of those it is like; its title is its own."""
    own = {key: value for key, value in models[name].items() if key != "like"}
    other = models[name].get("like")
    if other is None:
        return {"architecture": {}, "training": {}} | copy.deepcopy(own)
    key, way = f"models.{name}.like", (*on_the_way, name)
    if other in way:
        raise InputError(
            f"config key {key}: found {other!r}, which makes a ring "
            f"({' → '.join((*way, other))}), expected a model that is whole or like another"
        )
    if other not in models:
        known = ", ".join(model for model in models if model != name)
        raise InputError(f"config key {key}: found {other!r}, expected one of {known}")
    like = _whole(other, models, way)
    like.pop("title", None)
    return _merged(like, own)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the changes of mappings in it; anything else is replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if nested else copy.deepcopy(value)
    return result
