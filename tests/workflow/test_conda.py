"""`--use-conda`, from a runner that has Snakemake and nothing else, through to the PDF.

The conda is always the stand-in of tests/tools/conda, also where there is a real one: its
docstring says what a run with it shows and what it does not.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

from tests.tools.conda.stand_in import python_requirement, read_environment
from tests.workflow.conftest import ROOT, Snakemake, copy_project

STAND_IN = ROOT / "tests/tools/conda/bin"
MODULES = ("numpy", "scipy", "pandas", "h5py", "torch", "safetensors", "tqdm", "matplotlib")
MODULES += ("seaborn", "jinja2", "tabulate", "requests", "snakemake")
USED = {
    "simulate": "data",
    "ingest": "data",
    "split": "data",
    "tokenize": "learn-cpu",
    "train": "learn-cpu",
    "predict": "learn-cpu",
    "several": "learn-cpu",
    "numbers": "learn-cpu",
    "describe": "report",
    "score": "report",
    "table1": "report",
    "figure1": "report",
    "learning_curves": "report",
    "signals": "report",
    "frontier": "report",
    "ambiguity_record": "report",
    "evidence": "report",
    "results": "report",
    "jobs": "report",
    "provenance": "report",
    "compile": "paper",
    "paper": "paper",
    "pages": "report",
    "maps_figure": "maps",
    "signal_space": "maps",
    "release": "maps",
}


def variables() -> dict[str, str]:
    """Ours, with the stand-in first on the PATH, and this Python for it."""
    path = [str(STAND_IN), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(path)}


def make_environment(file: Path, prefix: Path) -> Path:
    """Make it by the stand-in, as a user would by conda; its Python."""
    command = ["conda", "env", "create", "--file", file, "--prefix", prefix]
    subprocess.run(command, env=variables(), check=True)
    return prefix / "bin/python"


def importable(python: Path) -> set[str]:
    """Which of MODULES a Python finds, whatever runs this test."""
    code = "import importlib.util, sys; print(*filter(importlib.util.find_spec, sys.argv[1:]))"
    command = [python, "-I", "-c", code, *MODULES]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """Removed at the end: where links are impossible the environments take over 1 GB."""
    folder = tmp_path_factory.mktemp("conda")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def runner(folder) -> Path:
    """The runner's Python, without the Slurm plugin.

    The plugin brings numpy and pandas, and jobs see the runner's packages behind their own: with
    it nobody would notice that an environment lacks these two.
    """
    text = (ROOT / "envs/runner.yaml").read_text()
    strict = folder / "strict.yaml"
    strict.write_text(re.sub(r"^.*executor-plugin-slurm=.*\n", "", text, flags=re.MULTILINE))
    return make_environment(strict, folder / "strict")


@pytest.fixture(scope="module")
def snakemake(folder, runner) -> Snakemake:
    return copy_project(folder / "project", runner, variables())


@pytest.fixture(scope="module")
def project(folder, snakemake) -> Path:
    """The project after `snakemake --use-conda` on config/ci.yaml with one fold."""
    done = snakemake("--use-conda", changes="folds: [1]")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return folder / "project"


@pytest.fixture(scope="module")
def built(project) -> dict[str, Path]:
    """The Python of each environment that Snakemake made, by the name of its file in envs/."""
    names = {file.read_bytes(): file.stem for file in (ROOT / "envs").glob("*.yaml")}
    copies = (project / ".snakemake/conda").glob("*.yaml")
    return {names[file.read_bytes()]: file.with_suffix("") / "bin/python" for file in copies}


def test_the_runner_knows_snakemake_and_slurm_and_no_science(folder):
    runner = make_environment(ROOT / "envs/runner.yaml", folder / "runner")
    brought_along = {"jinja2", "tabulate", "requests"}  # by Snakemake
    by_plugin = {"numpy", "pandas"}
    assert importable(runner) == {"snakemake"} | brought_along | by_plugin
    command = [runner, "-m", "snakemake", "--executor", "slurm", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("9.27.")


def test_the_strict_runner_has_nothing_that_jobs_need_to_name(runner):
    assert importable(runner) == {"snakemake", "jinja2", "tabulate", "requests"}


def test_every_environment_has_what_it_names_and_nothing_else(built):
    assert set(built) == {"data", "learn-cpu", "report", "paper", "maps"}
    for name, python in built.items():
        named = read_environment(ROOT / f"envs/{name}.yaml")
        wanted = {python_requirement(package, "").name for package in named}
        brought_along = {"jinja2"} if "torch" in wanted else set()
        brought_along |= {"requests"} if "orix" in wanted else set()
        assert importable(python) == wanted & set(MODULES) | brought_along, name


def test_every_rule_ran_in_its_environment(project):
    """As Snakemake's records of the outputs have it."""
    files = [file for file in (project / ".snakemake/metadata").rglob("*") if file.is_file()]
    records = [json.loads(file.read_text()) for file in files]
    content = {record["rule"]: base64.b64decode(record["conda_env"]).decode() for record in records}
    names = {file.read_text(): file.stem for file in (ROOT / "envs").glob("*.yaml")}
    assert USED.items() <= {rule: names[text] for rule, text in content.items()}.items()


def test_the_paper_shows_this_runs_numbers(project):
    pages = [page.extract_text() for page in PdfReader(project / "results/ci/paper.pdf").pages]
    text = "\n".join(pages)
    assert all("SIMULATED DATA" in page for page in pages)
    for column in ("median_deg", "tta_median_deg"):
        for value in pd.read_csv(project / "results/ci/table1.csv")[column]:
            assert f"{value:.2f}" in text


def test_provenance_and_every_requested_file_are_there(project):
    names = "provenance.json table1.md figure1.png learning_curves.png signals.png data_card.md"
    for name in names.split():
        assert (project / "results/ci" / name).stat().st_size > 500
    facts = json.loads((project / "results/ci/provenance.json").read_text())
    assert facts["config"]["folds"] == [1]
    assert facts["versions"]["torch"].startswith("2.13")
    assert {"simulate", "train", "predict"} <= facts["seconds_per_rule"].keys()


def test_a_package_that_an_environment_lacks_is_noticed(project, built, snakemake):
    """Else the tests above would show little."""
    report = project / "envs/report.yaml"
    original = report.read_text()
    try:
        report.write_text(re.sub(r".*seaborn.*\n", "", original))
        target = ("--", "results/ci/learning_curves.pdf")
        done = snakemake("--use-conda", *target, changes="folds: [1]")
    finally:
        report.write_text(original)
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'seaborn'" in done.stderr


def test_a_package_of_the_workflows_name_is_not_run(project, built, runner, snakemake):
    """Neither the runner's nor the environment's: Snakemake removes PYTHONPATH here."""
    packages = []
    for python in (runner, built["report"]):
        (site,) = (python.parents[1] / "lib").glob("python*/site-packages")
        packages.append(site / "workflow")
    try:
        for package in packages:
            package.mkdir()
            (package / "__init__.py").write_text("raise RuntimeError('not this one')\n")
        target = ("--force", "--", "results/ci/data_card.png")
        done = snakemake("--use-conda", *target, changes="folds: [1]")
    finally:
        for package in packages:
            shutil.rmtree(package)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("changes", "learn"),
    [
        ("device: cpu", "learn-cpu"),
        ("device: cuda", "learn-gpu"),
        ("prediction_device: cuda", "learn-gpu"),
        ("device: auto", "learn-gpu"),
    ],
)
def test_the_devices_choose_the_learning_environment(snakemake, changes, learn):
    done = snakemake("-n", "--use-conda", "--conda-prefix", "new", changes=changes)
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"Conda environment envs/(\S+)\.yaml will be created", done.stdout + done.stderr
    )
    assert learn in found
    assert len([name for name in found if name.startswith("learn")]) == 1


def test_the_container_recipe_is_what_snakemake_prints(snakemake):
    """Fails after an edit of an environment file: make it anew, as its first lines say."""
    recipe = (ROOT / "envs/Dockerfile").read_text()
    done = snakemake("--containerize", config="config/demo.yaml")
    assert done.returncode == 0, done.stderr
    assert recipe[recipe.index("\nFROM ") + 1 :] == done.stdout
    copied = re.findall(r"^COPY (\S+) (\S+)/environment\.yaml$", recipe, re.MULTILINE)
    assert all((ROOT / source).is_file() for source, _ in copied)
    assert {Path(source).stem for source, _ in copied} == set(USED.values())
    assert re.findall(r"conda env create --prefix (\S+)", recipe) == [to for _, to in copied]
