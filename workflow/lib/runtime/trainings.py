"""Which trainings there are: of each model its folds and seeds, and what an ensemble is made of.

Needs no PyTorch: Snakemake plans without it. A config is one whose models are whole, see
`variants.resolve_models`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.variants import settings

Config = Mapping[str, Any]
Classes = Mapping[str, Mapping[str, Any]]  # see `variants.read_classes`


def folds_of(config: Config, name: str) -> list[int]:
    """The folds of a model: its own, or the config's."""
    return list(config["models"][name].get("folds") or config["folds"])


def seeds_of(config: Config, name: str, fold: int) -> list[int]:
    """The seeds of a model on a fold: its own or the config's, and elsewhere than on the fold of
    the table only those of them that are among `seeds_elsewhere`, if there are any."""
    seeds = list(config["models"][name].get("seeds") or config["seeds"])
    elsewhere = config["seeds_elsewhere"]
    if fold == config["table_fold"] or elsewhere is None:
        return seeds
    return [seed for seed in seeds if seed in elsewhere]


def trainings(
    config: Config, names: Sequence[str] | None = None, folds: Sequence[int] | None = None
) -> list[tuple[str, int, int]]:
    """Name, fold and seed of each training: of the models and folds given, or of all there are.

    In the order of the names, the folds and the seeds, without what a model does not have.
    """
    return [
        (name, fold, seed)
        for name in (config["models"] if names is None else names)
        for fold in (config["folds"] if folds is None else folds)
        if fold in folds_of(config, name)
        for seed in seeds_of(config, name, fold)
    ]


def made_of(config: Config) -> dict[str, str]:
    """Of each model that is made of all seeds of another one, the other's name."""
    architectures = {name: model["architecture"] for name, model in config["models"].items()}
    return {name: parts["of"] for name, parts in architectures.items() if "of" in parts}


def settings_of(config: Config, name: str, fold: int) -> dict[str, Any]:
    """As `variants.settings`; where that names another model, what its trainings are instead.

    `architecture.of` becomes the other's class (`network`), its `architecture` and how many
    `members` there are on the fold: enough to build it again.
    """
    found, other = settings(config["models"][name]), made_of(config).get(name)
    if other is None:
        return found
    like = settings(config["models"][other])
    of = {key: like[key] for key in ("network", "architecture")}
    of["members"] = len(seeds_of(config, other, fold))
    return found | {"architecture": found["architecture"] | {"of": of}}


def check_trainings(config: Config, classes: Classes) -> None:
    """Raise InputError where a model's folds or seeds are not among the config's.

    Each must be on the fold of the table, and have a seed on each of its folds. An ensemble has
    one seed, and members on each of its folds.
    """
    elsewhere = config["seeds_elsewhere"]
    _check_among(elsewhere, config["seeds"], "seeds_elsewhere", "seeds")
    for name, model in config["models"].items():
        for key in ("folds", "seeds"):
            _check_among(model.get(key), config[key], f"models.{name}.{key}", key)
        folds, table_fold = folds_of(config, name), config["table_fold"]
        if table_fold not in folds:
            raise InputError(
                f"config key models.{name}.folds: found {folds}, expected table_fold "
                f"{table_fold} among them, because Table 1 has a row for every model"
            )
        for fold in folds:
            if not seeds_of(config, name, fold):
                raise InputError(
                    f"config key models.{name}.seeds: found none of seeds_elsewhere {elsewhere}, "
                    f"expected one of them for fold {fold}, or folds [{table_fold}] for this model"
                )
    for name, other in made_of(config).items():
        _check_members(config, classes, name, other)


def _check_among(found: Sequence[int] | None, known: Sequence[int], key: str, of: str) -> None:
    others = [number for number in found or [] if number not in known]
    if others:
        raise InputError(
            f"config key {key}: found {others[0]}, expected some of {of}, which are {list(known)}"
        )


def _check_members(config: Config, classes: Classes, name: str, other: str) -> None:
    models = config["models"]
    trained = [model for model in models if classes[models[model]["network"]]["loop"]]
    if other not in trained:
        raise InputError(
            f"config key models.{name}.architecture.of: found {other!r}, expected a model that is "
            f"trained in steps: {', '.join(trained) or 'there is none'}"
        )
    lacking = [fold for fold in folds_of(config, name) if fold not in folds_of(config, other)]
    if lacking:
        raise InputError(
            f"config key models.{name}.folds: found fold {lacking[0]}, on which {other} is not "
            f"trained, expected some of {folds_of(config, other)}"
        )
    seeds = seeds_of(config, name, config["table_fold"])
    if len(seeds) > 1:
        raise InputError(
            f"config key models.{name}.seeds: found {seeds}, expected one, because all seeds of "
            f"{other} are its members, whatever its own"
        )
