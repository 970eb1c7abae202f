"""Finished models: nothing that can't change them makes them anew, and no failure costs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.own_data import said
from tests.workflow.test_reruns import plan

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--configfile", "config/ci.yaml"]
OTHER_SETTINGS = "models: {eulernet: {training: {epochs: 3}}}"
REFUSED = "#!/bin/sh\necho 'sbatch: error: invalid account' >&2\nexit 1\n"
WEIGHTS = "models/eulernet/1/1/weights.safetensors"


@pytest.fixture
def copy(finished, project, tmp_path) -> Path:
    """A copy of the finished project, to be spoiled."""
    return shutil.copytree(project, tmp_path / "project", symlinks=True)


def run(folder: Path, *arguments: str, changes: str = "", path: str = "") -> str:
    """What snakemake said. path: a folder whose programs come first."""
    (folder / "changes.yaml").write_text(changes or "{}")
    done = subprocess.run(
        [*SNAKEMAKE, "changes.yaml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    return f"{said(done)}\nexit {done.returncode}"


@pytest.mark.parametrize("key", ["device", "prediction_device"])
def test_another_word_for_the_same_device_trains_and_predicts_nothing(key, finished, snakemake):
    """Only the config that provenance reports is another one."""
    expected = {"provenance", "numbers", "results", "compile", "paper", "pages"}
    assert plan(snakemake("-n", changes=f"{key}: auto")).keys() == expected


def test_a_gpu_that_is_not_there_is_told_before_the_first_job(finished, snakemake, project):
    done = snakemake(changes="{run: on_a_gpu, device: cuda}")
    assert done.returncode == 1
    lines = [line for line in said(done).splitlines() if "config key device" in line]
    assert len(lines) == 1
    assert lines[0].startswith("config key device: found 'cuda', but PyTorch ")
    assert "Traceback" not in said(done)
    assert not (project / "results/on_a_gpu").exists()


def test_models_survive_a_refused_submission(copy, tmp_path):
    """Snakemake removes them first; the next run with the old settings has them back at once."""
    results = copy / "results/ci"
    weights = {path: path.read_bytes() for path in results.glob("models/*/*/*/weights*")}
    for program in ("sbatch", "sinfo", "sacct", "squeue", "scontrol"):
        (tmp_path / program).write_text(REFUSED)
        (tmp_path / program).chmod(0o755)
    told = run(
        copy, "--profile", "slurm", "--retries", "0",
        "--", f"results/ci/{WEIGHTS}", changes=OTHER_SETTINGS, path=str(tmp_path),
    )  # fmt: skip
    assert "Job submission failed" in told
    assert told.endswith("exit 1")

    told = run(copy, "--cores", "2")
    assert told.endswith("exit 0"), told
    assert told.count("as it was trained before, nothing it depends on has changed") == 1
    assert {path: path.read_bytes() for path in weights} == weights
    assert json.loads((results / "models/eulernet/1/1/model.json").read_text())["kept"]
    assert "1 of the trainings are from before" in (results / "jobs.md").read_text()
    assert "Nothing to be done" in run(copy, "--cores", "2")


def test_a_training_that_fails_costs_no_model(copy):
    changes = "models: {eulernet: {training: {learning_rate: 1.0e+9, schedule: constant}}}"
    target = f"results/ci/{WEIGHTS}"
    before = (copy / target).read_bytes()
    told = run(copy, "--cores", "2", "--", target, changes=changes)
    assert "error: eulernet fold 1 seed 1: the loss became" in told
    again = run(copy, "-n", "--", target, changes=changes)
    assert "rule train:" in again  # the old model does not pass for this one
    assert run(copy, "--cores", "2", "--", target).endswith("exit 0")
    assert (copy / target).read_bytes() == before


def test_who_forces_a_training_gets_one(copy):
    target = f"results/ci/{WEIGHTS}"
    before = (copy / target).read_bytes()
    told = run(copy, "--cores", "2", "-R", "train", "--", target)
    assert "best after epoch" in told
    assert "as it was trained before" not in told
    assert (copy / target).read_bytes() == before  # the same seed, the same weights
