"""Where a checkout lies, that it was moved, the Python it is given: `make` and `snakemake`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.linked_wheel import checkout, make
from tests.workflow.own_data import said

AWKWARD = 'it\'s a "b" $HOME 100%s ~é #;&[x]\\'
MADE = "results/ci/archive/data/SIMULATED.json"


def run(folder: Path) -> None:
    """Make a first result with the checkout's own Python."""
    command = [".venv/bin/python", "-m", "snakemake", "--cores", "1"]
    command += ["--configfile", "config/ci.yaml", "--force", "--", MADE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, said(done)
    assert (folder / MADE).is_file()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which this module's checkouts lie; its own path is an ordinary one."""
    return tmp_path_factory.mktemp("places")


@pytest.fixture(scope="module")
def awkward(folder) -> Path:
    """A checkout below a folder with an awkward name, after `make installed`.

    With variables set that would put the packages elsewhere, or stop Python.
    """
    place = checkout(folder / AWKWARD)
    variables = {"PIP_TARGET": str(folder / "elsewhere"), "PIP_USER": "1", "PIP_DRY_RUN": "1"}
    done = make(place, PYTHONHOME="/nowhere", PYTHONPATH="/nowhere", **variables)
    assert done.returncode == 0, said(done)
    assert not (folder / "elsewhere").exists()
    return place


def test_spaces_quotes_and_other_letters_are_no_hindrance(awkward):
    run(awkward)
    before = (awkward / ".venv/.installed").stat().st_mtime_ns
    done = make(awkward, python="no such Python")
    assert (done.returncode, said(done)) == (0, "")
    assert (awkward / ".venv/.installed").stat().st_mtime_ns == before


def test_a_moved_checkout_gets_a_new_environment_and_a_line(awkward, folder):
    moved = awkward.rename(folder / "moved")
    done = make(moved)
    assert done.returncode == 0, said(done)
    assert said(done) == f".venv: it was made in {awkward}/.venv; making it anew\n"
    run(moved)
    (moved / ".venv/bin/python").unlink()
    done = make(moved)
    assert done.returncode == 0, said(done)
    assert said(done) == ".venv: its Python does not work; making it anew\n"
    run(moved)


@pytest.mark.parametrize("name", ["a{b}c", "a:b"])
def test_a_path_that_cannot_work_is_told_before_anything_is_installed(folder, name):
    place = checkout(folder / name)
    line = (
        f"{str(place)!r}: the path contains {name[1]!r}, which Snakemake or Python take for "
        "something else: move or rename the folder"
    )
    done = make(place)
    assert done.returncode == 2
    assert f"error: {line}" in said(done).splitlines()
    assert not (place / ".venv").exists()
    command = [sys.executable, "-m", "snakemake", "-n", "--configfile", "config/ci.yaml"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert line in said(done).splitlines()
    assert "Traceback" not in said(done)


PRETENDER = """#!/bin/sh
case "$*" in
    *{question}*) {answer} ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.mark.parametrize(
    ("question", "answer", "line"),
    [
        (
            "version_info",
            "echo 3.14",
            "is Python 3.14; expected 3.11, 3.12 or 3.13: make PYTHON=python3.12 ...",
        ),
        (
            "version_info",
            "echo 3.10",
            "is Python 3.10; expected 3.11, 3.12 or 3.13: make PYTHON=python3.12 ...",
        ),
        (
            "ensurepip",
            "exit 1",
            "lacks the module venv or ensurepip: sudo apt-get install python3-venv (Debian), or "
            "make PYTHON=... with another Python",
        ),
    ],
)
def test_a_python_that_does_not_fit_is_told_at_once(tmp_path, question, answer, line):
    place = checkout(tmp_path / "place")
    python = tmp_path / "python"
    python.write_text(PRETENDER.format(question=question, answer=answer, python=sys.executable))
    python.chmod(0o755)
    done = make(place, python)
    assert done.returncode == 2
    assert f"error: {python} {line}" in said(done).splitlines()
    assert not (place / ".venv").exists()


def test_no_python_and_a_folder_of_the_environments_name(tmp_path):
    place = checkout(tmp_path / "place")
    expected = "error: no-such-python is not installed: make PYTHON=python3.12 ..."
    assert expected in said(make(place, "no-such-python")).splitlines()
    (place / ".venv").mkdir()
    (place / ".venv/mine").touch()
    expected = "error: .venv is there and is no virtual environment: move it away"
    assert expected in said(make(place)).splitlines()
    assert (place / ".venv/mine").exists()
