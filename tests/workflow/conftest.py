"""A copy of the project in which the `ci` run is made once for all tests that look at it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ["Snakefile", "LICENSE", "workflow", "config", "envs", "paper", "slurm"]

Snakemake = Callable[..., subprocess.CompletedProcess]


def copy_project(
    folder: Path, python: str | Path = sys.executable, environment: dict[str, str] | None = None
) -> Snakemake:
    """Copy what a run needs and return a function that calls snakemake in the copy.

    python: of the environment whose Snakemake is called. environment: its variables, ours if None.
    """
    folder.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)

    def snakemake(
        *arguments: str, config: str = "config/ci.yaml", changes: str = ""
    ) -> subprocess.CompletedProcess:
        """`changes`: YAML on top of the config, as a user's second --configfile."""
        command = [python, "-m", "snakemake", "--cores", "2"]
        if changes:
            (folder / "changes.yaml").write_text(changes)
        files = [file for file in (config, "changes.yaml" if changes else "") if file]
        if files:
            command += ["--configfile", *files]
        return subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return snakemake


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ci") / "project"


@pytest.fixture(scope="session")
def snakemake(project) -> Snakemake:
    return copy_project(project)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Path:
    """A project after the whole pipeline, from simulated archive to PDF, for all test processes.

    The first one makes it on both cores; the others wait.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if os.environ.get("PYTEST_XDIST_WORKER") is None else own.parent
    folder = shared / "made_once"
    with open(shared / "made_once.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = shared / "unfinished"
            done = copy_project(unfinished)()
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def finished(made_once, snakemake, project) -> Path:
    """The folder results/ci of `project` after the whole pipeline."""
    for name in ("results", ".snakemake"):
        shutil.copytree(made_once / name, project / name, symlinks=True, dirs_exist_ok=True)
    return project / "results/ci"
