"""Find the dataset's files inside a folder.

Where the files lie has varied between descriptions of the dataset, so they are found by
name, wherever inside the folder they are:

    training_sets/NN.npy, evaluation_sets/NN.npy    dicts of signals and Euler angles
    samples/08/drm_data.npy, samples/08/eulers.npy  the scan of a whole specimen
    anomaly_specimen.npy                            the scan of another
    SIMULATED.json                                  only in simulated archives

Links to files and folders are followed. What looks like one of these files and is none, by
its name, is told: nothing is left out without a word.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from workflow.lib.archive.names import looks_like_a_scan, looks_like_a_set
from workflow.lib.runtime.files import InputError

SETS = {"training": "training_sets", "evaluation": "evaluation_sets"}
SCANS = ("samples/08/drm_data.npy", "samples/08/eulers.npy", "anomaly_specimen.npy")
MARKER = "SIMULATED.json"
MOST_ENTRIES = 100_000  # files and folders that are looked at; a whole disk has more
NAMED = 5  # file names in a message

_SET_FILE = re.compile(r"(training|evaluation)_sets/[0-9]{2}\.npy")


class Archive(NamedTuple):
    """The files of an archive.

    root: what names in messages are relative to.
    training, evaluation: specimen ("01" …) → path, the same specimens in both, sorted.
    scans: name as in SCANS → path, of those that are there.
    marker: path of SIMULATED.json, or None.
    not_taken: names, relative to the root, of files that look like sets or scans and are none.
    """

    root: Path
    training: dict[str, Path]
    evaluation: dict[str, Path]
    scans: dict[str, Path]
    marker: Path | None
    not_taken: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """All files of the dataset, sorted."""
        found = [*self.training.values(), *self.evaluation.values(), *self.scans.values()]
        return sorted(found + ([self.marker] if self.marker else []))


def find_files(root: Path) -> Archive:
    """The dataset's files anywhere below `root`.

    Raises InputError if `root` is no folder or can't be read whole, if a link that should
    lead to a part of the dataset leads nowhere, and as `arrange` does.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder, zip or tar with the dataset")
    return arrange(_files_below(root), root)


def arrange(paths: Iterable[Path], root: Path) -> Archive:
    """The dataset's files among `paths`, which lie below the folder `root`.

    Raises InputError if a file has two candidates, if there are no sets at all, or if a
    specimen has a training set and no evaluation set or the reverse.
    """
    found: dict[str, Path] = {}
    not_taken = []
    for path in sorted(paths):
        inside = path.relative_to(root).parts
        if "__MACOSX" in inside:  # macOS zips hold shadow files
            continue
        name = _dataset_name(inside)
        if name is None:
            if _looks_needed(inside):
                not_taken.append("/".join(inside))
        elif name not in found:
            found[name] = path
        elif not path.samefile(found[name]):  # a link may lead to what is there already
            raise InputError(
                f"{root}: two candidates for {name}: {found[name].relative_to(root)} and "
                f"{path.relative_to(root)}; keep one"
            )
    sets = {
        kind: {
            Path(name).stem: path
            for name, path in sorted(found.items())
            if name.startswith(f"{folder}/")
        }
        for kind, folder in SETS.items()
    }
    scans = {name: found[name] for name in SCANS if name in found}
    archive = Archive(root, **sets, scans=scans, marker=found.get(MARKER), not_taken=(*not_taken,))
    _check_pairs(archive)
    return archive


def files_of(place: Path, specimens: int) -> list[str]:
    """All files of the archive in the folder `place`, with `specimens` specimens; or its one file.

    Raises InputError as `find_files` and `check_specimens` do.
    """
    if not place.is_dir():
        return [str(place)]
    archive = find_files(place)
    check_specimens(archive, specimens)
    return [str(path) for path in archive.files]


def check_specimens(archive: Archive, count: int) -> None:
    """Raise InputError unless the archive's specimens are 01, 02, … `count`, as the config says."""
    expected = [f"{specimen:02d}" for specimen in range(1, count + 1)]
    if list(archive.training) != expected:
        raise InputError(
            f"{archive.root}: holds the specimens {', '.join(archive.training)}, expected "
            f"{expected[0]} to {expected[-1]} without gaps, because the config key specimens is "
            f"{count}: rename the files or change the key{not_taken_clause(archive)}"
        )


def not_taken_clause(archive: Archive) -> str:
    """The end of a message: what was not taken; empty if nothing."""
    names = archive.not_taken
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"; not taken, as no set or scan is called so: {', '.join(names[:NAMED])}{more} (sets are "
        "training_sets/NN.npy and evaluation_sets/NN.npy with two digits, scans "
        f"{', '.join(SCANS)})"
    )


def not_taken_warnings(archive: Archive) -> list[str]:
    """A clause for each file that looks like a set or scan and was not taken."""
    return [f"{name}: looks like a set or scan, but is not called so" for name in archive.not_taken]


def _files_below(root: Path) -> Iterator[Path]:
    """All files below a folder, linked ones as well."""
    entries = 0
    waiting = [(root, frozenset())]  # folders, and the real paths of those they lie in
    while waiting:
        folder, above = waiting.pop()
        real = os.path.realpath(folder)
        if real in above:  # a link back to where it lies
            continue
        for entry in _entries(folder):
            entries += 1
            if entries > MOST_ENTRIES:
                raise InputError(
                    f"{root}: more than {MOST_ENTRIES} files and folders; give the folder that "
                    "holds just the dataset"
                )
            if entry.is_dir():
                waiting.append((Path(entry.path), above | {real}))
            elif entry.is_file():
                yield Path(entry.path)
            else:
                _check_link(root, Path(entry.path))


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise InputError(f"{folder}: can't be listed: {error.strerror}") from error


def _check_link(root: Path, path: Path) -> None:
    """Raise InputError if `path`, which leads to no file, should lead to a part of the dataset."""
    parts = path.relative_to(root).parts
    folders = {*SETS.values(), "samples", "08"}
    if path.is_symlink() and (path.name in folders or _dataset_name(parts) or _looks_needed(parts)):
        raise InputError(f"{path}: a link to {os.readlink(path)}, where there is nothing: mend it")


def _dataset_name(parts: tuple[str, ...]) -> str | None:
    """The name within the dataset of the file with these path components, None if of no use."""
    pair = "/".join(parts[-2:])
    if _SET_FILE.fullmatch(pair):
        return pair
    for name in (*SCANS, MARKER):
        if parts[-name.count("/") - 1 :] == tuple(name.split("/")):
            return name
    return None


def _looks_needed(parts: tuple[str, ...]) -> bool:
    """Whether a file that is not taken has nearly the name of a set or a scan."""
    name = "/".join(parts)
    return looks_like_a_set(name) or looks_like_a_scan(name)


def _check_pairs(archive: Archive) -> None:
    root, training, evaluation = archive[:3]
    if not training and not evaluation:
        raise InputError(
            f"{root}: holds no training_sets/NN.npy and no evaluation_sets/NN.npy; "
            f"is it the dataset's folder?{not_taken_clause(archive)}"
        )
    for specimen in sorted(training.keys() ^ evaluation.keys()):
        there, missing = ("training", "evaluation")
        if specimen in evaluation:
            there, missing = missing, there
        raise InputError(
            f"{root}: specimen {specimen} has {there}_sets/{specimen}.npy but no "
            f"{missing}_sets/{specimen}.npy{not_taken_clause(archive)}"
        )
