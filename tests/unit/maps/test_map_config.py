"""What `make map` is told becomes a config that the schema takes."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from workflow.lib.runtime.config import check_config
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.scans import check_scans, scans_of
from workflow.scripts.map_config import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("my scan.npy", "ebsd.npy", "release.zip"):
        (tmp_path / name).touch()
    return tmp_path


def whole(*files: Path) -> dict:
    config = {}
    for file in (ROOT / "config/config.yaml", ROOT / "config/map.yaml", *files):
        update_config(config, yaml.safe_load(file.read_text()))
    check_config(config, ROOT / "workflow/schemas/config.schema.yaml")
    return config


def test_all_that_is_told_is_in_the_config(place):
    told = {"model": "release.zip", "network": "eulernet,sequencenet", "views": "72"}
    told |= {"step": "0.5", "ebsd": "ebsd.npy", "array": "", "name": ""}
    file, folder = main("my scan.npy", **told)
    assert (file, folder) == (Path("results/own/my_scan.yaml"), Path("results/own/maps/my_scan"))
    config = whole(place / file)
    check_scans(config)
    maps, scan = config["maps"], scans_of(config)["my_scan"]
    assert maps["release"] == "release.zip"
    assert maps["networks"] == ["eulernet", "sequencenet"]
    assert maps["views"] == 72
    assert scan["signals"] == "my scan.npy"
    assert scan["step_um"] == 0.5
    assert scan["ebsd"]["file"] == "ebsd.npy"
    assert scan["axes"] == ["+x", "+y"]


def test_without_a_model_it_is_the_demos(place):
    file, _ = main("my scan.npy", model="", name="one")
    with pytest.raises(InputError, match=r"maps\.release: found results/demo/release\.zip, where"):
        whole(place / file)
    (place / "results/demo").mkdir()
    (place / "results/demo/release.zip").touch()
    assert whole(place / file)["maps"]["release"] == "results/demo/release.zip"


@pytest.mark.parametrize(
    ("scan", "told", "line"),
    [
        ("other.npy", {}, "SCAN=other.npy: there is no such file"),
        ("my scan.npy", {"model": "no.zip"}, "MODEL=no.zip: there is no such file"),
        ("my scan.npy", {"ebsd": "no.ang"}, "EBSD=no.ang: there is no such file"),
        ("my scan.npy", {"step": "half"}, "STEP=half: expected a number"),
    ],
)
def test_what_is_not_there_is_one_line(place, scan, told, line):
    with pytest.raises(InputError, match=line):
        main(scan, **told)
    assert not (place / "results").exists()


def test_a_config_without_scans_is_told(place):
    with pytest.raises(InputError, match=r"maps\.scans: found \[\], expected one scan or more"):
        check_scans(whole())


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"axes": ["+x", "-x"]}, r"axes \['\+x', '-x'\]: expected one of \+x, -x and one of"),
        ({"training_set": 11}, "training_set needs ebsd"),
        ({"stepp_um": 1}, r"maps\.scans\.0: unknown stepp_um; known are name, signals"),
    ],
)
def test_a_scan_that_can_not_be_is_one_line(place, entry, line):
    file = place / "more.yaml"
    scan = {"name": "one", "signals": "my scan.npy"} | entry
    file.write_text(yaml.safe_dump({"maps": {"release": "release.zip", "scans": [scan]}}))
    with pytest.raises(InputError, match=line):
        whole(file)


def test_the_command_says_what_is_missing():
    done = subprocess.run(
        [sys.executable, "-m", "workflow.scripts.map_config", "SCAN="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: SCAN= is missing: make map SCAN=my.npy")
