"""The configuration: one clear line for each mistake in it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.scans import scans_of
from workflow.lib.runtime.trainings import check_trainings
from workflow.lib.runtime.variants import check_models, read_classes, resolve_models

TAKEN = {"raw", "benchmarks", "readme.md"}  # in results/, by downloads and `make bench`
SIMULATED_SPECIMENS = 10  # of sim-v1; not imported, as the simulator needs more than a runner has
NETWORKS = (
    "config key networks: is called models now: write `models:` in its place, and leave out "
    "sequencenet.training.gain_sd, which had no effect; config/README.md has a row per key"
)


def typed(value: Any) -> Any:
    """A value of `--config` with its numbers: Snakemake keeps those in lists and mappings as text.

    `--config 'folds=[1, 2]'` gives ["1", "2"]; text stays what a YAML file would have it be.
    """
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value


def check_config(config: dict[str, Any], schema: Path) -> None:
    """Validate in place against the schema and the rules it can't express.

    Models that are `like` others become whole (`resolve_models`), paths of data are replaced by
    `one_path`. Raises InputError naming the key, what was found and what was expected. Beside
    `schema` lie those of the model classes.
    """
    if "networks" in config:
        raise InputError(NETWORKS)
    try:
        validate(config, str(schema), set_default=False)
    except WorkflowError:
        rules = yaml.safe_load(schema.read_text())
        mistake = best_match(Draft202012Validator(rules).iter_errors(config))
        if mistake is None:
            raise
        raise InputError(_one_line(mistake)) from None
    resolve_models(config)
    classes = read_classes(schema.parent)
    check_models(config, classes, _check_part)
    _check_run(config["run"])
    _check_folds(config)
    check_trainings(config, classes)
    for key in ("archive", "lock"):
        if config["data"][key] is not None:
            config["data"][key] = one_path(config["data"][key])
    _check_source(config["data"])
    _find_maps(config["maps"])
    scans_of(config)
    swept = config["ambiguity"]["facet_amplitudes"]
    if swept and config["data"]["source"] != "simulated":
        raise InputError(
            f"config key ambiguity.facet_amplitudes: found {swept} with data.source "
            f"{config['data']['source']}, expected [], because only simulated data have a facet "
            "amplitude: set data.source to simulated, or leave the amplitudes out"
        )
    if config["data"]["source"] == "simulated" and config["specimens"] != SIMULATED_SPECIMENS:
        raise InputError(
            f"config key specimens: found {config['specimens']}, expected {SIMULATED_SPECIMENS}, "
            "because the simulated benchmark has that many"
        )


def amplitudes_of(config: Mapping[str, Any]) -> dict[str, float]:
    """The facet amplitudes of the sweep, in rising order, by the names of their folders: c0.02."""
    found = sorted(map(float, config["ambiguity"]["facet_amplitudes"]))
    return {f"c{repr(amplitude).removesuffix('.0')}": amplitude for amplitude in found}


def check_sweep(config: Mapping[str, Any]) -> None:
    """Raise InputError where there is nothing for the target `ambiguity` to do."""
    if not config["ambiguity"]["facet_amplitudes"]:
        raise InputError(
            "config key ambiguity.facet_amplitudes: found [], expected one amplitude or more for "
            "the target ambiguity, as in config/ambiguity.yaml"
        )


def one_path(path: str) -> str:
    """One name for a place, however it was given: `~` expanded, links followed.

    Relative to the working directory for what lies in it, so that a moved project keeps its
    data's name; absolute otherwise. Another name for the same files would be another input.
    """
    real = Path(os.path.realpath(os.path.expanduser(path)))
    here = Path(os.path.realpath(os.curdir))
    return str(real.relative_to(here) if real.is_relative_to(here) else real)


def _find_maps(maps: dict[str, Any]) -> None:
    """Paths of what is mapped, and by what, by `one_path`; the latter must be there."""
    places = [(maps, "release")]
    for scan in maps["scans"]:
        places += [(scan, "signals"), (scan, "background"), (scan.get("ebsd") or {}, "file")]
    for holder, key in places:
        if holder.get(key) is not None:
            holder[key] = one_path(holder[key])
    if maps["scans"] and maps["release"] and not Path(maps["release"]).is_file():
        raise InputError(
            f"config key maps.release: found {maps['release']}, where there is no file, expected a "
            "run's release.zip (`make demo` makes results/demo/release.zip), or null for this run's"
        )


def _check_part(value: Any, schema: Mapping[str, Any], key: str) -> None:
    """Raise InputError where the config's value of `key` is not as the schema has it."""
    mistake = best_match(Draft202012Validator(schema).iter_errors(value))
    if mistake is not None:
        raise InputError(_one_line(mistake, key))


def _one_line(mistake: ValidationError, within: str = "") -> str:
    """within: the key of what was validated, if it was not the whole config."""
    parts = [within] * bool(within) + [str(part) for part in mistake.absolute_path]
    key = ".".join(parts) or "top level"
    found = mistake.instance
    if mistake.validator == "additionalProperties":
        known = mistake.schema["properties"]
        unknown = ", ".join(str(name) for name in found if name not in known)
        return f"config key {key}: unknown {unknown}; known are {', '.join(known) or 'none'}"
    if mistake.validator == "required":
        return f"config key {key}: {mistake.message}"
    line = f"config key {key}: found {found!r} ({type(found).__name__}), {_expected(mistake)}"
    if isinstance(found, str) and mistake.validator == "type" and _is_number(found):
        line += "; YAML reads it as text: write a number such as 1.0e-3"
    return line


def _expected(mistake: ValidationError) -> str:
    words = {"type": "", "enum": "one of ", "minimum": "at least ", "maximum": "at most "}
    words |= {
        "pattern": "text that matches ",
        "exclusiveMinimum": "more than ",
        "exclusiveMaximum": "less than ",
    }
    if mistake.validator in words:
        return f"expected {words[mistake.validator]}{mistake.validator_value}"
    return mistake.message


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_run(run: str) -> None:
    place = Path("results", run)
    if run.lower() in TAKEN or (place.exists() and not place.is_dir()):  # some disks ignore case
        raise InputError(
            f"config key run: found {run!r}, expected another name, because {place} is in use for "
            "something else"
        )


def _check_folds(config: dict[str, Any]) -> None:
    largest = max(config["folds"])
    if largest > config["specimens"]:
        raise InputError(
            f"config key folds: found fold {largest}, expected at most {config['specimens']}, "
            "the number of specimens (config key specimens)"
        )
    if config["table_fold"] not in config["folds"]:
        raise InputError(
            f"config key table_fold: found {config['table_fold']}, expected one of folds "
            f"{config['folds']}"
        )


def _check_source(data: dict[str, Any]) -> None:
    archive, lock = data["archive"], data["lock"]
    if data["source"] == "archive" and not (archive and Path(archive).exists()):
        raise InputError(
            f"config key data.archive: found {archive!r}, expected the path of a folder, "
            "zip or tar with training_sets/ and evaluation_sets/, because data.source is archive"
        )
    if data["source"] == "mendeley" and lock and not Path(lock).is_file():
        raise InputError(
            f"config key data.lock: found {lock!r}, where there is no file, expected the path of "
            "a dataset.lock.json"
        )
