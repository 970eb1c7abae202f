"""A release.json of another version, of other conventions, or of nobody's making: one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.maps import release_files as small
from tests.unit.maps.release_files import Files, files_in, forged, refused
from workflow.lib.maps.release import open_release


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return small.release(folder, folder / "release.zip")


@pytest.fixture
def files(path) -> Files:
    return files_in(path)


def with_facts(files: Files, change: Callable[[dict], object]) -> Files:
    facts = json.loads(files["release.json"])
    change(facts)
    return files | {"release.json": json.dumps(facts).encode()}


def setting(*keys, value) -> Callable[[dict], object]:
    def change(facts):
        for key in keys[:-1]:
            facts = facts[key]
        facts[keys[-1]] = value

    return change


AZIMUTHS = list(range(0, 360, 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting("format", value=2), "has format 2, expected 1: made by another version"),
        (setting("format", value=True), "has format True, expected 1"),
        (lambda facts: facts.pop("format"), "names no format"),
        (setting("conventions", "orientation", value="specimen to crystal"),
         "has conventions.orientation 'specimen to crystal', expected 'unit quaternion w x y z, "),
        (setting("conventions", value=None), "has conventions.orientation None, expected"),
        (setting("signal", "shape", value=[6, 36]), "has signal.shape [6, 36], expected [6, 72]"),
        (setting("signal", "dtype", value="uint16"), "has signal.dtype 'uint16', expected 'uint8'"),
        (setting("signal", "elevations_deg", value=[65, 55, 45, 35, 25, 15]),
         "has signal.elevations_deg [65, 55, 45, 35, 25, 15], expected [15.0, 25.0, 35.0, 45.0,"),
        (setting("signal", "azimuths_deg", value=AZIMUTHS[:36]), "has signal.azimuths_deg [0, 5, "),
    ],
)  # fmt: skip
def test_a_release_of_other_conventions_is_refused(files, tmp_path, change, message):
    said = refused(forged(tmp_path / "a.zip", with_facts(files, change)))
    assert said.startswith(f"release.json {message}")


def test_the_same_azimuths_as_integers_are_the_same(files, tmp_path):
    facts = with_facts(files, setting("signal", "azimuths_deg", value=AZIMUTHS))
    assert open_release(forged(tmp_path / "a.zip", facts)).choose()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting("run", value="a\nb"), ": run is 'a\\nb'"),
        (setting("data", value=[]), ": data is []"),
        (setting("data", "simulated", value="no"), ": data.simulated is 'no'"),
        (setting("data", "source", value=""), ": data.source is ''"),
        (setting("models", value=[]), " names no models"),
        (setting("models", value={}), " names no models"),
        (setting("models", 0, value=3), ": models[0] is no mapping"),
        (setting("models", 1, "network", value="../x"), ": models[1].network is '../x'"),
        (setting("models", 1, "fold", value="1"), ": models[1].fold is '1'"),
        (setting("models", 1, "fold", value=True), ": models[1].fold is True"),
        (setting("models", 1, "seed", value=-1), ": models[1].seed is -1"),
        (setting("models", 1, "seed", value=1.0), ": models[1].seed is 1.0"),
        (setting("models", 1, "seed", value=10**30), ": models[1].seed is 10000000000000000"),
        (setting("models", 1, "title", value="\x1b[31m" * 99), ": models[1].title is '\\x1b[31m"),
        (setting("models", 1, "seed", value=1), " names a model twice"),
        (setting("default", "fold", value=8), ": the default is none of its models"),
        (setting("default", value="writer"), ": default is 'writer'"),
    ],
)
def test_facts_that_are_none_are_refused(files, tmp_path, change, message):
    said = refused(forged(tmp_path / "a.zip", with_facts(files, change)))
    assert said.startswith(f"release.json{message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is no valid JSON"),
        (b"\xff", "is no valid JSON"),
        (b"[" * 100_000, "is no valid JSON"),
        (b"9" * 5000, "is no valid JSON"),
        (b"[]", "names no format"),
    ],
)
def test_facts_that_are_no_json_are_refused(files, tmp_path, content, message):
    said = refused(forged(tmp_path / "a.zip", files | {"release.json": content}))
    assert said.startswith(f"release.json {message}")
