"""Whether a release.json says what is relied on here; of a stranger's nothing is believed."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from workflow.lib.maps.release.contents import (
    CONVENTIONS,
    FACTS,
    FIXED,
    FORMAT,
    LARGEST_NUMBER,
    MODEL,
    NAME,
    SIGNAL,
    WEIGHTS,
    model_folder,
    space_file,
)
from workflow.lib.maps.release.packed import AGAIN
from workflow.lib.runtime.files import InputError

MAX_TEXT = 200

Check = Callable[[Any], bool]


def check_facts(path: Path, facts: Any, files: Collection[str]) -> None:
    """Raise InputError, one line, unless `facts` are those of a release with these `files`."""
    if not isinstance(facts, dict) or "format" not in facts:
        raise InputError(f"{path}: {FACTS} names no format; expected a release of this workflow")
    _check_same(path, "format", facts["format"], FORMAT, "made by another version of this workflow")
    for group, expected in (("conventions", CONVENTIONS), ("signal", SIGNAL)):
        found = facts.get(group) if isinstance(facts.get(group), dict) else {}
        for key, value in expected.items():
            _check_same(
                path, f"{group}.{key}", found.get(key), value, "its models answer otherwise"
            )
    _check_types(path, "", facts, {"run": _is_text, "data": _is_mapping, "default": _is_mapping})
    _check_types(path, "data.", facts["data"], {"source": _is_text, "simulated": _is_bool})
    models = facts.get("models")
    if not isinstance(models, list) or not models:
        raise InputError(f"{path}: {FACTS} names no models; {AGAIN}")
    for place, model in enumerate(models):
        _check_model(path, f"models[{place}].", model)
    _check_model(path, "default.", facts["default"] | {"title": "default"})
    _check_files(path, models, facts["default"], files)


def _check_same(path: Path, key: str, found: Any, expected: Any, why: str) -> None:
    if found != expected or isinstance(found, bool):
        raise InputError(
            f"{path}: {FACTS} has {key} {_short(found)}, expected {_short(expected)}: {why}; use a "
            "release and a workflow that belong together"
        )


def _check_model(path: Path, key: str, model: Any) -> None:
    if not _is_mapping(model):
        raise InputError(f"{path}: {FACTS}: {key[:-1]} is no mapping; {AGAIN}")
    numbers = {"fold": _is_number, "seed": _is_number}
    _check_types(path, key, model, {"network": _is_name, "title": _is_text} | numbers)


def _check_types(path: Path, key: str, values: dict[str, Any], checks: dict[str, Check]) -> None:
    for name, check in checks.items():
        if not check(values.get(name)):
            raise InputError(f"{path}: {FACTS}: {key}{name} is {_short(values.get(name))}; {AGAIN}")


def _check_files(
    path: Path, models: list[dict[str, Any]], default: dict[str, Any], files: Collection[str]
) -> None:
    """Each model has its files and nothing else is there."""
    folders = [model_folder(model["network"], model["fold"], model["seed"]) for model in models]
    if len(set(folders)) < len(folders):
        raise InputError(f"{path}: {FACTS} names a model twice; {AGAIN}")
    if model_folder(default["network"], default["fold"], default["seed"]) not in folders:
        raise InputError(f"{path}: {FACTS}: the default is none of its models; {AGAIN}")
    wanted = {f"{folder}/{file}" for folder in folders for file in (WEIGHTS, MODEL)}
    wanted |= {space_file(model["fold"]) for model in models}
    there = set(files) - set(FIXED)
    if wanted - there:
        raise InputError(f"{path}: lacks {min(wanted - there)}, a model's; {AGAIN}")
    if there - wanted:
        raise InputError(f"{path}: holds {min(there - wanted)}, which is no model's; {AGAIN}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    """One line to be shown on pages and in tables."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_TEXT


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_NUMBER
