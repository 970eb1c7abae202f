"""The dataset from Mendeley Data into a folder: file by file, else as one zip, always verified."""

import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tqdm.contrib.logging import logging_redirect_tqdm

from workflow.lib.archive.download.http import DownloadError, Patience, Stopped, Web
from workflow.lib.archive.download.lock import File
from workflow.lib.archive.download.mendeley import (
    SCANS,
    Dataset,
    gaps,
    needed_files,
    overlooked,
    wanted,
)
from workflow.lib.archive.download.store import RECORD, Store, known_lock, size_of
from workflow.lib.archive.download.transfer import alone, download, need_space, part_of
from workflow.lib.archive.unpack.entries import BY_HAND
from workflow.lib.archive.unpack.unpack import unpack_zip
from workflow.lib.runtime.files import InputError, sha256
from workflow.lib.runtime.progress import Progress
from workflow.lib.runtime.script import logger

ZIP = "dataset.zip"
UNPACKED = "unpacked"
OTHER_DATA = "the data have changed at the source: find out why before you delete the lock"
MOST_NAMED = 10
JOIN_S = 2.0  # how long the threads may take to end when they are told to


def fetch(
    folder: Path,
    output: Path,
    *,
    base_url: str,
    dataset_id: str,
    version: int,
    lock: Path | None = None,
    parallel: int = 3,
    patience: Patience | None = None,
) -> None:
    """Put the files that the pipeline needs below `folder`, then write the lock to `output`.

    The hashes that files must have come from `lock`, if given, else from the record of
    an earlier run in `folder`, else from the API. Files that are there and right are not
    fetched again; with a complete lock and all files there, the network is not touched.
    Raises InputError: for a file that differs from the lock, a full disk, a bad
    `base_url`, or, when the files and the zip both fail, with the way by hand.
    """
    dataset = Dataset(_check_base_url(base_url), dataset_id, version)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder), logging_redirect_tqdm():
        store = Store(folder, dataset, known_lock(folder, output, lock, dataset))
        if not store.finished:
            with Web(dataset.base_url, patience or Patience()) as web:
                _fetch_missing(web, store, parallel)
        _sweep(folder)
        store.write(folder / RECORD, complete=True)
        store.write(output, complete=True)
    logger.info("%s: %d files verified, listed in %s", folder, len(store.files), output)
    _tell_what_is_not_there(store)


def _tell_what_is_not_there(store: Store) -> None:
    """Say what was passed over, so that a set with an odd name is not missed in silence."""
    if store.others:
        logger.info("%d more files of the dataset are not needed", len(store.others))
    if names := overlooked(store.others):
        shown = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
        logger.warning(
            "not taken, though they look like sets or scans (expected names: "
            "training_sets/NN.npy, samples/08/drm_data.npy): %s",
            shown,
        )
    if missing := gaps(store.files):
        logger.warning("no sets of specimen %s, though of later ones", ", ".join(missing))


def _sweep(folder: Path) -> None:
    """Remove what runs that were cut short left, now that all files are there."""
    shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    for pattern in (ZIP, "*.part", "*.part.json", ".part-*"):
        for path in folder.rglob(pattern):
            path.unlink()


def _check_base_url(base_url: str) -> str:
    """`base_url` without a final slash."""
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query
    except ValueError:
        good = False
    if not good:
        raise InputError(
            f"data.base_url: found {base_url!r}, expected an address such as "
            "https://data.mendeley.com"
        )
    return base_url.rstrip("/")


def _fetch_missing(web: Web, store: Store, parallel: int) -> None:
    """File by file; if that fails, by the zip; if that fails, tell how to do it by hand."""
    needed: dict[str, File] = {}
    try:
        needed = _listed(web, store)
        missing = store.missing(needed)
        _fetch_files(web, store, missing, parallel)
        return
    except DownloadError as error:
        by_file = error
    logger.warning("%s; trying the whole dataset as one zip", by_file)
    try:
        _fetch_zip(web, store, needed)
    except DownloadError as by_zip:
        raise InputError(
            f"the dataset could be downloaded neither by file ({by_file}) nor as a zip "
            f"({by_zip}); start again later to continue, or open {store.dataset.page} in a "
            "browser, download everything (or training_sets, evaluation_sets, samples and "
            "anomaly_specimen.npy), and set data.source: archive and data.archive: <path of "
            "the zip or folder> in the config"
        ) from by_zip


def _listed(web: Web, store: Store) -> dict[str, File]:
    """The needed files as the API lists them, in agreement with what is known."""
    needed, store.others = needed_files(web, store.dataset)
    for file in needed.values():
        where = f"on {store.dataset.base_url}"
        store.known.check(file.path, file.sha256, where, OTHER_DATA)
    if store.known.complete:
        _tell_what_is_not_locked(store, needed)
        needed = {path: file for path, file in needed.items() if path in store.known.files}
        if absent := sorted(store.known.files.keys() - needed.keys()):
            raise DownloadError(f"{absent[0]} is in {store.known.source}, but not in the listing")
    for path in sorted(set(SCANS) - needed.keys()):
        logger.warning("%s: not among the files of the dataset", path)
    return needed


def _tell_what_is_not_locked(store: Store, places: Iterable[str]) -> None:
    for place in sorted(set(places) - store.known.files.keys()):
        logger.warning("%s: not taken, as it is not in %s", place, store.known.source)


@contextmanager
def _progress(total: int | None, initial: int) -> Iterator[Callable[[int], None]]:
    """One bar with rate and time left; yields what threads tell the change in bytes."""
    guard = threading.Lock()
    with Progress("downloading", total, "B", initial) as progress:

        def add(change: int) -> None:
            with guard:
                progress.add(change)

        yield add


def _fetch_files(web: Web, store: Store, missing: list[File], parallel: int) -> None:
    total = sum(file.size for file in missing)
    there = sum(size_of(part_of(store.target(file.path))) for file in missing)
    need_space(store.folder, total - there)
    with _progress(total, there) as progress:
        for file in _download_all(web, store, missing, parallel, progress):
            store.record(file)
            logger.info("%s: %.1f MB, verified", file.path, file.size / 1e6)


def _download_all(
    web: Web, store: Store, files: list[File], parallel: int, progress: Callable[[int], None]
) -> Iterator[File]:
    """Download `parallel` files at a time; yield each when it is in its place.

    The first failure ends all and is raised. The threads are daemons, so that an
    interrupt ends the process at once even while one waits for a silent server.
    """
    todo: queue.SimpleQueue[File] = queue.SimpleQueue()
    done: queue.SimpleQueue[File | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    for file in files:
        todo.put(file)

    def work() -> None:
        try:
            with Web(web.base_url, web.patience, stop) as own:
                while not stop.is_set():
                    file = todo.get_nowait()
                    target = store.target(file.path)
                    declared = {"size": file.size, "sha256": file.sha256}
                    download(own, file.url, target, **declared, progress=progress)
                    done.put(file)
        except (queue.Empty, Stopped):
            return
        except Exception as error:  # raised again below, in the thread that waits
            done.put(error)

    threads = [threading.Thread(target=work, name="download", daemon=True) for _ in range(parallel)]
    try:
        for thread in threads:
            thread.start()
        for _ in files:
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        stop.set()
        deadline = time.monotonic() + JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _fetch_zip(web: Web, store: Store, needed: dict[str, File]) -> None:
    """The whole dataset as one zip: only the files that are not there yet are taken from it."""
    archive, scratch = store.folder / ZIP, store.folder / UNPACKED
    total = sum(file.size for file in needed.values()) or None
    need_space(store.folder, 2 * (total or 0) - size_of(part_of(archive)))
    if not archive.exists():
        with _progress(total, size_of(part_of(archive))) as progress:
            url = store.dataset.zip_url
            download(web, url, archive, size=None, sha256=None, progress=progress)
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # left by a run that was killed
        _unpack(archive, scratch / "content")
        _take(store, scratch / "content", needed)
    except (DownloadError, InputError):
        archive.unlink()  # a broken or wrong zip must not be met again at the next start
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    archive.unlink()


def _unpack(archive: Path, folder: Path) -> None:
    try:
        unpack_zip(archive, folder)
    except InputError as error:
        reason = str(error).removesuffix(f"; {BY_HAND}")  # there will be nothing left to unpack
        raise DownloadError(f"the zip is unusable: {reason}") from error


def _take(store: Store, unpacked: Path, needed: dict[str, File]) -> None:
    """Verify the files in `unpacked` and move those that are missing to their places."""
    found = [path for path in unpacked.rglob("*") if path.is_file()]
    paths = {path.relative_to(unpacked).as_posix() for path in found}
    places = wanted(paths)
    store.others = sorted(paths - set(places.values()))
    if store.known.complete:
        _tell_what_is_not_locked(store, places)
    _check_complete(store, needed.keys() or store.known.files.keys(), places)
    for place, path in places.items():
        source = unpacked / path
        if place in store.files or (store.known.complete and place not in store.known.files):
            continue
        found_sha256 = sha256(source)
        store.known.check(place, found_sha256, "in the zip", OTHER_DATA)
        if place in needed and needed[place].sha256 != found_sha256:
            raise DownloadError(
                f"the zip's {place} has sha256 {found_sha256}, expected {needed[place].sha256}"
            )
        store.target(place).parent.mkdir(parents=True, exist_ok=True)
        file = File(place, source.stat().st_size, found_sha256, store.dataset.zip_url)
        os.replace(source, store.target(place))
        store.record(file)


def _check_complete(store: Store, expected: Iterable[str], places: dict[str, str]) -> None:
    if absent := sorted(set(expected) - places.keys()):
        raise DownloadError(f"the zip of {store.dataset.page} lacks {absent[0]}")
