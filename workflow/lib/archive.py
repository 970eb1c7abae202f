"""Find the dataset's files inside a folder.

Where the files lie has varied between descriptions of the dataset, so they are found by
name, wherever inside the folder they are:

    training_sets/NN.npy, evaluation_sets/NN.npy    dicts of signals and Euler angles
    samples/08/drm_data.npy, samples/08/eulers.npy  the scan of a whole specimen
    anomaly_specimen.npy                            the scan of another
    SIMULATED.json                                  only in simulated archives
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from workflow.lib.files import InputError

SETS = {"training": "training_sets", "evaluation": "evaluation_sets"}
SCANS = ("samples/08/drm_data.npy", "samples/08/eulers.npy", "anomaly_specimen.npy")
MARKER = "SIMULATED.json"

_SET_FILE = re.compile(r"(training|evaluation)_sets/[0-9]{2}\.npy")


class Archive(NamedTuple):
    """The files of an archive.

    training, evaluation: specimen ("01" …) → path, the same specimens in both, sorted.
    scans: name as in SCANS → path, of those that are there.
    marker: path of SIMULATED.json, or None.
    """

    training: dict[str, Path]
    evaluation: dict[str, Path]
    scans: dict[str, Path]
    marker: Path | None


def find_files(root: Path) -> Archive:
    """The dataset's files anywhere below `root`.

    Raises InputError if `root` is no folder, if a file has two candidates, if there are no
    sets at all, or if a specimen has a training set and no evaluation set or the reverse.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder or .zip that holds the dataset")
    found: dict[str, Path] = {}
    for name, path in _named_files(root):
        if name in found:
            raise InputError(
                f"{root}: two candidates for {name}: {found[name].relative_to(root)} and "
                f"{path.relative_to(root)}; keep one"
            )
        found[name] = path
    sets = {
        kind: {
            Path(name).stem: path
            for name, path in sorted(found.items())
            if name.startswith(f"{folder}/")
        }
        for kind, folder in SETS.items()
    }
    _check_pairs(root, sets["training"], sets["evaluation"])
    scans = {name: found[name] for name in SCANS if name in found}
    return Archive(sets["training"], sets["evaluation"], scans, found.get(MARKER))


def _named_files(root: Path) -> list[tuple[str, Path]]:
    """(name within the dataset, path) of each of its files, sorted by path."""
    files = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            inside = path.relative_to(root).parts
            known = _dataset_name(inside)
            if known is not None and "__MACOSX" not in inside:  # macOS zips hold shadow files
                files.append((known, path))
    return sorted(files, key=lambda item: item[1])


def _dataset_name(parts: tuple[str, ...]) -> str | None:
    """The name within the dataset of the file with these path components, None if of no use."""
    pair = "/".join(parts[-2:])
    if _SET_FILE.fullmatch(pair):
        return pair
    for name in (*SCANS, MARKER):
        if parts[-name.count("/") - 1 :] == tuple(name.split("/")):
            return name
    return None


def _check_pairs(root: Path, training: dict[str, Path], evaluation: dict[str, Path]) -> None:
    if not training and not evaluation:
        raise InputError(
            f"{root}: holds no training_sets/NN.npy and no evaluation_sets/NN.npy; "
            "is it the dataset's folder?"
        )
    for specimen in sorted(training.keys() ^ evaluation.keys()):
        there, missing = ("training", "evaluation")
        if specimen in evaluation:
            there, missing = missing, there
        raise InputError(
            f"{root}: specimen {specimen} has {there}_sets/{specimen}.npy but no "
            f"{missing}_sets/{specimen}.npy"
        )
