"""The caller's environment and home folder decide nothing about results, or end in one line."""

import os
import shutil
import sys
from pathlib import Path

import h5py
import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.own_data import said, the_error
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.surroundings import own_code_first, settle

RUN = "run: surroundings"
CARD = "results/surroundings/data_card.png"
RAISES = 'raise RuntimeError("code of another place")\n'
TASTE = "text.usetex: True\nfont.size: 30\naxes.grid: True\nsavefig.bbox: tight\nbackend: tkagg\n"

# Each of these failed or changed something, or could: in Python, text, figures, HDF5, TeX, git.
VARIABLES = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "7",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONSAFEPATH": "1",
    "LC_ALL": "C",
    "MPLBACKEND": "nonsense",
    "HDF5_DRIVER": "core",
    "SCIPY_ARRAY_API": "1",
    "OMP_NUM_THREADS": "many",
    "TEXINPUTS": "/nowhere",
    "GIT_DIR": "/nowhere",
    "CDPATH": "/tmp",
}


@pytest.fixture(scope="module")
def card(snakemake, project) -> bytes:
    """The data card's picture as the tests' own environment gives it."""
    done = snakemake("--", CARD, changes=RUN)
    assert done.returncode == 0, said(done)
    return (project / CARD).read_bytes()


def drawn_again(snakemake, project) -> bytes:
    done = snakemake("--force", "--", CARD, changes=RUN)
    assert done.returncode == 0, said(done)
    assert "rule describe" in said(done)
    return (project / CARD).read_bytes()


def raising(package: Path) -> Path:
    """A package called `workflow` that can't even be imported; the folder to name in PYTHONPATH."""
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(RAISES)
    return package.parent


def second_clone(folder: Path) -> Path:
    """A clone whose every module of the library raises."""
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    for module in (folder / "workflow/lib").rglob("*.py"):
        module.write_text(module.read_text() + RAISES)
    return folder


def already_imported(folder: Path) -> Path:
    """A package of that name that is imported when Python starts, before the Snakefile is read."""
    (folder / "workflow").mkdir()
    (folder / "workflow/__init__.py").touch()
    (folder / "sitecustomize.py").write_text("import workflow\n")
    return folder


@pytest.mark.parametrize("kind", ["second clone", "package", "already imported"])
def test_code_of_another_place_is_not_run(snakemake, project, card, tmp_path, monkeypatch, kind):
    makers = {
        "second clone": second_clone,
        "package": lambda folder: raising(folder / "workflow"),
        "already imported": already_imported,
    }
    monkeypatch.setenv("PYTHONPATH", str(makers[kind](tmp_path)))
    assert drawn_again(snakemake, project) == card


def test_figures_are_not_drawn_in_the_users_taste(snakemake, project, card, tmp_path, monkeypatch):
    """By a matplotlibrc in the checkout and one in the home folder, beside a broken style."""
    settings = tmp_path / ".config/matplotlib"
    (settings / "stylelib").mkdir(parents=True)
    (settings / "matplotlibrc").write_text(TASTE)
    (settings / "stylelib/mine.mplstyle").write_bytes(b"\xff")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MATPLOTLIBRC", str(settings))
    (project / "matplotlibrc").write_text(TASTE)
    try:
        assert drawn_again(snakemake, project) == card
    finally:
        (project / "matplotlibrc").unlink()


def test_variables_for_other_work_change_nothing(snakemake, project, card, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    assert drawn_again(snakemake, project) == card


def test_what_cannot_be_settled_is_one_line_before_the_first_job(snakemake, project, monkeypatch):
    (project / "matplotlibrc").write_bytes(b"\xff")
    try:
        broken = snakemake("-n", changes=RUN)
    finally:
        (project / "matplotlibrc").unlink()
    monkeypatch.setenv("TMPDIR", "/nowhere")
    for done, line in (
        (broken, "matplotlibrc: not UTF-8, so Matplotlib won't start: remove it"),
        (
            snakemake("-n", changes=RUN),
            "/nowhere: No such file or directory, but temporary files go there: set TMPDIR to a "
            "folder that can be written and has space",
        ),
    ):
        assert done.returncode == 1
        assert line in said(done).splitlines()
        assert "Traceback" not in said(done)


def test_a_dataset_that_another_process_writes_is_one_line_and_stays(snakemake, project, card):
    dataset = project / "results/surroundings/dataset.h5"
    with h5py.File(dataset, "r+"):
        held = snakemake("--force", "--", CARD, changes=RUN)
    assert the_error(held) == (
        "error: results/surroundings/dataset.h5: another process has it open for writing: end that "
        "one (if there is none, set HDF5_USE_FILE_LOCKING=FALSE) and run the same command again"
    )
    assert drawn_again(snakemake, project) == card


@pytest.fixture
def settled(monkeypatch):
    """A function that settles these variables, and only these, and returns what they became."""
    monkeypatch.setattr("sys.executable", "/a b/python")

    def settle_these(**variables: str) -> dict[str, str]:
        monkeypatch.setattr("os.environ", dict(variables))
        settle(ROOT)
        return dict(os.environ)

    return settle_these


def test_the_callers_other_packages_come_after_our_code(settled):
    assert settled()["PYTHONPATH"] == str(ROOT)
    for theirs in ("/theirs:/more", f"/theirs:{ROOT}::/more"):
        assert settled(PYTHONPATH=theirs)["PYTHONPATH"] == f"{ROOT}:/theirs:/more"


def test_what_the_caller_may_decide_stays(settled):
    theirs = {
        "CUDA_VISIBLE_DEVICES": "1",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "GOMP_SPINCOUNT": "7",
        "TEXMFHOME": "/theirs",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert theirs.items() <= settled(**theirs).items()


def test_jobs_and_the_benchmarks_wait_for_threads_in_the_same_way(settled):
    spins = settled()["GOMP_SPINCOUNT"]
    assert f"\t@GOMP_SPINCOUNT={spins} " in (ROOT / "Makefile").read_text()


def test_what_would_change_code_or_arithmetic_is_gone(settled):
    names = ("PYTHONHOME", "PYTHONINSPECT", "MATPLOTLIBRC", "TEXINPUTS", "NVIDIA_TF32_OVERRIDE")
    assert not settled(**dict.fromkeys(names, "1")).keys() & set(names)


def test_the_interpreter_is_quoted_once(settled):
    settled()
    assert sys.executable == "'/a b/python'"
    settled()
    assert sys.executable == "'/a b/python'"


def test_code_that_is_not_of_the_folder_names_both_places(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: Python imports .* of {ROOT} instead"):
        settle(tmp_path)


def test_the_beginning_of_commands_holds_any_folder():
    assert "'/a b/it'\"'\"'s'" in own_code_first(Path("/a b/it's"))
