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
            "networks: {eulernet: {training: {learning_rate: 1e-3}}}",
            "learning_rate: found '1e-3' (str), expected number; YAML reads it as text",
        ),
        (
            "data: {source: archive, archive: nowhere.zip}",
            "data.archive: found 'nowhere.zip', expected the path of an archive or folder",
        ),
        ("{folds: [12], table_fold: 12}", "fold 12, expected at most 10"),
    ],
)
def test_a_mistake_in_the_config_is_one_line(snakemake, changes, message):
    done = snakemake("-n", changes=changes)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert len([line for line in said.splitlines() if message in line]) == 1
    assert "Traceback" not in said


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
    ],
    ids=" ".join,
)
def test_lint_is_clean(command):
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
