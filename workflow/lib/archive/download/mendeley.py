"""Mendeley Data's public API: which files a dataset has, and which of them the paper needs.

The addresses and fields are those listed in `Dataset`; nothing that comes back is
trusted: types, names, sizes and hashes are checked before they are used.
"""

import json
import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3

from workflow.lib.archive.download.http import Again, DownloadError, Web, is_page, page_instead
from workflow.lib.archive.download.lock import File, check_name
from workflow.lib.archive.names import looks_like_a_scan, looks_like_a_set

MENDELEY = "https://data.mendeley.com"
LARGEST_LISTING = 16 << 20
MOST_PAGES = 200
UNNEEDED = "trained_models"  # 139 MB of TensorFlow models
SCANS = ("data/samples/08/drm_data.npy", "data/samples/08/eulers.npy", "data/anomaly_specimen.npy")


@dataclass(frozen=True)
class Dataset:
    """A version of a dataset on a server that speaks Mendeley's API."""

    base_url: str
    id: str
    version: int

    @property
    def page(self) -> str:
        """The page for a human."""
        return f"https://doi.org/10.17632/{self.id}.{self.version}"

    @property
    def zip_url(self) -> str:
        """Everything as one zip."""
        return f"{self.base_url}/public-api/zip/{self.id}/download/{self.version}"

    @property
    def folders_url(self) -> str:
        """All folders: a list of {id, name, parent_id}."""
        return f"{self.base_url}/public-api/datasets/{self.id}/folders/{self.version}"

    def files_url(self, folder_id: str) -> str:
        """Files of one folder ("root": the top): {id, filename, size, content_details}."""
        query = f"folder_id={folder_id}&version={self.version}"
        return f"{self.base_url}/public-api/datasets/{self.id}/files?{query}"

    def file_url(self, file_id: str) -> str:
        """The bytes of one file; redirects to the storage."""
        return f"{self.base_url}/public-files/datasets/{self.id}/files/{file_id}/file_downloaded"


def wanted(paths: Iterable[str]) -> dict[str, str]:
    """Which of a dataset's files the pipeline needs: {place in the raw folder: path found}.

    Files are found by name, wherever they lie: `training_sets/NN.npy` and
    `evaluation_sets/NN.npy` below any folder, the scan `drm_data.npy` with its
    `eulers.npy` (of specimen 08, where specimens are told apart), `anomaly_specimen.npy`,
    and `SIMULATED.json`, which must never get lost on the way. Raises DownloadError when
    two files claim one place, or training and evaluation sets do not match.
    """
    chosen: dict[str, str] = {}
    paths = sorted(paths)
    for path in paths:
        place = _place(path.split("/"))
        if place in chosen:
            raise DownloadError(f"{place} could be {chosen[place]} or {path}: expected one")
        if place is not None:
            chosen[place] = path
    sets = {kind: _numbers(chosen, kind) for kind in ("training", "evaluation")}
    if not sets["training"] or sets["training"] != sets["evaluation"]:
        odd = overlooked(set(paths) - set(chosen.values()))
        raise DownloadError(
            f"found training sets {sets['training']} and evaluation sets {sets['evaluation']}, "
            "expected the same specimens in both"
            + (f"; {odd[0]} looks like one, but is not named training_sets/NN.npy" if odd else "")
        )
    return chosen


def overlooked(paths: Iterable[str]) -> list[str]:
    """Those of the paths not taken that a person would take for a set or scan, sorted."""
    return sorted(path for path in paths if looks_like_a_set(path) or looks_like_a_scan(path))


def gaps(places: Iterable[str]) -> list[str]:
    """Numbers of specimens without training sets, below the highest that has one."""
    numbers = _numbers(places, "training")
    there = {f"{number:02d}" for number in range(1, int(max(numbers, default="0")))}
    return sorted(there - set(numbers))


def _place(parts: list[str]) -> str | None:
    """Where the pipeline expects the file that lies at `parts`, None if it has no use for it."""
    *folders, name = parts
    parent = folders[-1] if folders else ""
    if UNNEEDED in folders:
        return None
    if parent in ("training_sets", "evaluation_sets") and re.fullmatch(r"[0-9]{2}\.npy", name):
        return f"data/{parent}/{name}"
    if name in ("drm_data.npy", "eulers.npy"):
        other_specimen = re.fullmatch("[0-9]+", parent) and parent != "08"
        return None if other_specimen else f"data/samples/08/{name}"
    return f"data/{name}" if name in ("anomaly_specimen.npy", "SIMULATED.json") else None


def _numbers(places: Iterable[str], kind: str) -> list[str]:
    return sorted(place[-6:-4] for place in places if f"/{kind}_sets/" in place)


def needed_files(web: Web, dataset: Dataset) -> tuple[dict[str, File], list[str]]:
    """The files that the pipeline needs, by their place in the raw folder, and all other paths.

    What lies in folders that are not needed is not listed. Raises DownloadError if the API
    can't be reached or answers what it should not.
    """
    listed: dict[str, dict] = {}
    try:
        for folder_id, prefix in _folders(web, dataset).items():
            for entry in _entries(web, dataset.files_url(folder_id)):
                path = prefix + check_name(entry["filename"])
                if path in listed:
                    raise ValueError(f"two files are named {path}")
                listed[path] = entry
        places = wanted(listed)
        needed = {place: _file(dataset, place, listed[path]) for place, path in places.items()}
        return needed, sorted(listed.keys() - set(places.values()))
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{dataset.folders_url}: unexpected listing: {error!r}") from error


def _folders(web: Web, dataset: Dataset) -> dict[str, str]:
    """{folder id: path with a final slash} for every folder that may hold needed files."""
    found = {}
    for entry in _entries(web, dataset.folders_url):
        parent = entry.get("parent_id")
        found[_id(entry)] = check_name(entry["name"]), parent and str(parent)
    folders = {"root": ""}
    for folder_id in found:
        path, step = [], folder_id
        while step not in (None, "", "root"):
            name, step = found[step]
            path.insert(0, name)
            if len(path) > len(found):
                raise ValueError(f"folder {name!r} lies in itself")
        if UNNEEDED not in path:
            folders[folder_id] = "/".join(path) + "/"
    return folders


def _file(dataset: Dataset, place: str, entry: dict) -> File:
    details = entry["content_details"]
    size, sha256 = details["size"], details["sha256_hash"]
    if entry.get("size", size) != size:
        raise ValueError(f"{place} has the sizes {entry['size']!r:.20} and {size!r:.20}")
    sha256 = sha256.lower() if isinstance(sha256, str) else sha256
    return File(place, size, sha256, dataset.file_url(_id(entry)))


def _id(entry: dict) -> str:
    found = entry["id"]
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", found):
        raise ValueError(f"{found!r:.80} is no id")
    return found


def _entries(web: Web, url: str) -> list[dict]:
    """The objects of a listing, over all its pages, each once."""
    entries: dict[str, dict] = {}
    following: str | None = url
    for _ in range(MOST_PAGES):
        page, following = web.persist(lambda at=following: _page(web, at))
        fresh = {_id(entry): entry for entry in page if entry["id"] not in entries}
        entries |= fresh
        if following is None or not fresh:
            return list(entries.values())
    raise ValueError(f"more than {MOST_PAGES} pages")


def _page(web: Web, url: str) -> tuple[list[dict], str | None]:
    """One page: its objects, and the address of the next page if there is one.

    The API answers with a list. Should it page one day, the list will be the only one
    in an object, and the next page be named by "next" or a Link header: both are read.
    """
    with closing(web.get(url)) as response:
        try:
            body = response.raw.read(LARGEST_LISTING + 1, decode_content=True)
            value = json.loads(body)
        except (urllib3.exceptions.HTTPError, ValueError, RecursionError) as error:
            if is_page(response):
                raise page_instead(url) from error
            raise Again(f"{url}: expected JSON ({type(error).__name__})") from error
        following = response.links.get("next", {}).get("url")
    if isinstance(value, dict):
        following = following or value.get("next")
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError("expected a list of objects")
    if not isinstance(following, str):
        return value, None
    following = urljoin(url, following)
    if urlsplit(following)[:2] != urlsplit(web.base_url)[:2]:
        raise ValueError("the next page lies on another server")
    return value, following
