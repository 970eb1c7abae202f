"""What Snakemake makes of the workflow: messages for mistakes, plans, lint."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("epochs: 3", "config key top level: unknown epochs"),
        (
            "models: {eulernet: {training: {learning_rate: 1e-3}}}",
            "learning_rate: found '1e-3' (str), expected number; YAML reads it as text",
        ),
        (
            "data: {source: archive, archive: nowhere.zip}",
            "data.archive: found 'nowhere.zip', expected the path of a folder",
        ),
        ("{folds: [12], table_fold: 12}", "fold 12, expected at most 10"),
        (
            "networks: {eulernet: {training: {epochs: 3}}}",
            "config key networks: is called models now: write `models:` in its place, and leave",
        ),
        (
            "models: {wide: {like: sequensnet}}",
            "config key models.wide.like: found 'sequensnet', expected one of eulernet",
        ),
        ("models: {a: {like: b}, b: {like: a}}", "models.b.like: found 'a', which makes a ring"),
        ("models: {sequencenet: null}", "config key compared: found 'sequencenet', expected two"),
    ],
)
def test_a_mistake_in_the_config_is_one_line(snakemake, changes, message):
    done = snakemake("-n", changes=changes)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert len([line for line in said.splitlines() if message in line]) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("run", ["raw", "RAW", "README.md", "benchmarks", "notes.txt"])
def test_a_run_called_as_something_else_in_results_is_refused(snakemake, project, run):
    (project / "results").mkdir(exist_ok=True)
    (project / "results/notes.txt").touch()
    done = snakemake("-n", changes=f"run: {run}")
    assert done.returncode == 1
    message = f"config key run: found '{run}', expected another name, because results/{run} is in"
    assert (done.stdout + done.stderr).count(message) == 1


def test_lists_and_mappings_can_be_given_on_the_command_line(snakemake):
    """Snakemake itself keeps their numbers as text."""
    settings = "models={eulernet: {training: {epochs: 7, learning_rate: 2.0e-3}}}"
    done = snakemake("-n", "--config", "folds=[2, 3]", "table_fold=2", settings)
    assert done.returncode == 0, done.stdout + done.stderr
    trained = re.findall(r"^ *output: results/ci/models/\S+/(\d+)/1/weights", done.stdout, re.M)
    assert sorted(set(trained)) == ["2", "3"]
    done = snakemake("-n", "--config", "folds=[one]")
    assert "config key folds.0: found 'one' (str), expected integer" in done.stdout + done.stderr


def test_another_working_directory_holds_the_results_and_nothing_else_is_missed(
    snakemake, project, tmp_path
):
    config = str(project / "config/ci.yaml")
    for target in ((), ("--", "results/ci/folds/1.h5")):
        options = [] if target else ["-n"]
        done = snakemake(*options, "--directory", str(tmp_path), *target, config=config)
        assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == ["results"]
    assert (tmp_path / "results/ci/folds/1.h5").exists()


def test_the_default_config_plans_the_paper(snakemake):
    """60 trainings, and the download of the real data first."""
    done = snakemake("-n", "--quiet", "rules", config="")
    assert done.returncode == 0, done.stderr
    plan = done.stdout + done.stderr
    counts = dict(re.findall(r"^(\w+) +(\d+)$", plan, re.MULTILINE))
    assert counts["download"] == "1"
    assert counts["train"] == counts["predict"] == "60"
    assert "simulate" not in counts


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["snakemake", "--lint", "--configfile", "config/demo.yaml"],
        ["lint-imports"],  # the floors of the library
    ],
    ids=" ".join,
)
def test_lint_is_clean(command):
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
