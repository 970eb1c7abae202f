"""A release that is open for use: which models it has, and one of them, ready to answer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.lib.maps.release.checked import check_facts
from workflow.lib.maps.release.contents import FACTS, MODEL, WEIGHTS, model_folder, space_file
from workflow.lib.maps.release.packed import AGAIN, Packed, open_packed
from workflow.lib.maps.signal_space import SignalSpace
from workflow.lib.models.received import task_of
from workflow.lib.models.task import Task
from workflow.lib.runtime.files import InputError


@dataclass(frozen=True)
class Chosen:
    """A model of a release.

    title: what tables call the network. is_simulated: whether it learnt from simulated signals.
    task: on the CPU. space: of the signals it learnt from. checksum: SHA-256 of the release.zip,
    64 hexadecimal digits.
    """

    network: str
    fold: int
    seed: int
    title: str
    is_simulated: bool
    task: Task
    space: SignalSpace
    checksum: str


@dataclass(frozen=True)
class Release:
    """A release whose files are whole and whose conventions are those of this workflow.

    info: release.json, see `facts.release_facts`.
    """

    info: dict[str, Any]
    packed: Packed

    def choose(
        self, network: str | None = None, fold: int | None = None, seed: int | None = None
    ) -> Chosen:
        """The model of a network, fold and seed; of None each the release's own choice.

        That is the default network, then the default fold or the first that the network has, then
        the first seed. Raises InputError, with what there is, where the release lacks it.
        """
        model = self._found(network, fold, seed)
        network, fold, seed = model["network"], model["fold"], model["seed"]
        folder, space = model_folder(network, fold, seed), space_file(fold)
        weights = self.packed.read(f"{folder}/{WEIGHTS}")
        try:
            task = task_of(weights, self.packed.read(f"{folder}/{MODEL}"))
        except InputError as error:
            raise InputError(f"{self.packed.path}: {folder}: {error}") from error
        signal_space = SignalSpace.from_bytes(
            self.packed.read(space), f"{self.packed.path}: {space}"
        )
        is_simulated, checksum = self.info["data"]["simulated"], self.packed.checksum
        rest = model["title"], is_simulated, task, signal_space, checksum
        return Chosen(network, fold, seed, *rest)

    def _found(self, network: str | None, fold: int | None, seed: int | None) -> dict[str, Any]:
        models, default = self.info["models"], self.info["default"]
        network = default["network"] if network is None else network
        models = self._those("network", network, models)
        if fold is None and any(model["fold"] == default["fold"] for model in models):
            fold = default["fold"]
        models = self._those("fold", models[0]["fold"] if fold is None else fold, models)
        return self._those("seed", models[0]["seed"] if seed is None else seed, models)[0]

    def _those(self, key: str, wanted: Any, models: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = [model for model in models if model[key] == wanted]
        if not found:
            there = ", ".join(dict.fromkeys(str(model[key]) for model in models))
            of = "" if key == "network" else f" of {models[0]['network']}"
            of += f", fold {models[0]['fold']}" if key == "seed" else ""
            raise InputError(
                f"{self.packed.path}: has no {key} {str(wanted)[:40]}{of}, expected one of {there}"
            )
        return found


def open_release(path: Path) -> Release:
    """The release at `path`, every file of which has been compared with its checksum.

    Nothing of it is executed or written to the disk. Raises InputError, one line, for a file that
    is no whole release, and for one of another format, other conventions or another geometry.
    """
    packed = open_packed(path)
    try:
        facts = json.loads(packed.read(FACTS))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{packed.path}: {FACTS} is no valid JSON; {AGAIN}") from error
    check_facts(packed.path, facts, packed.sums.keys())
    return Release(facts, packed)
