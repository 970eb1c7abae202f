"""Which files look like sets or scans, though their names keep them from being taken.

Sets are found by name: `training_sets/NN.npy` and `evaluation_sets/NN.npy`, wherever these
folders lie, and nothing else. A file that a person would take for one must not be passed over
in silence, so whoever looks for sets names those that `looks_like_a_set` finds.
"""

import re

_TAKEN = re.compile(r"(training|evaluation)_sets/[0-9]{2}\.npy")
_KIND = re.compile(
    r"(train(ing)?|eval(uation)?|test(ing)?|val(id(ation)?)?)((data)?sets?|data|files?)?"
)
_FILLER = re.compile(r"(data)?sets?|data|files?|specimens?|samples?|drm|copy|old|new|v|of|and|the")
_SCAN = re.compile(r"drm[ _-]?data|eulers?([^a-z]|$)|anomaly[ _-]?specimen", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # of trainingSets, TRAINING_SETS, Training sets (2)

_ARRAYS = {"npy", "npz", "mat", "h5", "hdf", "hdf5", "pkl", "pickle"}
_PACKED = {"zip", "tar", "tgz", "gz", "bz2", "xz", "zst", "7z", "rar"}
_TEMPORARY = {"part", "partial", "tmp", "temp", "crdownload", "download", "aria2", "swp"}
_BACKUP = {"bak", "orig", "old", "json", "md5", "sha256", "txt"}  # also what describes a set
_ELSEWHERE = {"__macosx", "trained_models"}  # folders without sets whatever their names say


def looks_like_a_set(path: str) -> bool:
    """Whether a person would take the file at `path` for a set, but its name is not a set's.

    `path` is relative, with forward slashes; only its text is looked at. True for
    `training_sets/3.npy`, `Training_Sets/01.npy`, `eval/specimen_03.mat`, `train_03.npz`;
    false for `training_sets/03.npy`, which is taken, and for notes, hidden and temporary
    files, anything below `__MACOSX` or `trained_models`.
    """
    *folders, name = path.split("/")
    if _is_elsewhere(path):
        return False
    if _TAKEN.fullmatch("/".join([*folders[-1:], name])):
        return False
    stem = _stem_of_data(name)
    return stem is not None and any(_says_set(text) for text in (*folders, stem))


def looks_like_a_scan(path: str) -> bool:
    """Whether the name of the file at `path` is that of a whole-specimen scan, or almost.

    As for `looks_like_a_set`, but also true of scans that are taken, which depends on who asks.
    """
    stem = _stem_of_data(path.rpartition("/")[2])
    return stem is not None and not _is_elsewhere(path) and _SCAN.search(stem) is not None


def _is_elsewhere(path: str) -> bool:
    return any(part.startswith(".") or part.casefold() in _ELSEWHERE for part in path.split("/"))


def _stem_of_data(name: str) -> str | None:
    """`name` without its suffixes; None unless it looks like a file of arrays."""
    if name.endswith("~"):
        return None
    stem, *suffixes = name.split(".")
    found = {word.casefold() for suffix in suffixes for word in suffix.split()}
    if found & (_TEMPORARY | _BACKUP):
        return None
    numbered = re.search("[0-9]", stem) is not None
    if found & (_ARRAYS | _PACKED) or (numbered and "csv" in found):
        return stem
    return stem if not suffixes and stem.isdecimal() else None


def _says_set(text: str) -> bool:
    """Whether `text` names training or evaluation sets, with no other words but fillers."""
    words = [word.casefold() for word in _WORD.findall(text)]
    others = [word for word in words if not _KIND.fullmatch(word)]
    return len(others) < len(words) and all(_FILLER.fullmatch(word) for word in others)
