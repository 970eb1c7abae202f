"""`snakemake --profile slurm` on a real Slurm of one node and two GPUs, one training killed."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from tests.workflow import slurm_cluster
from tests.workflow.conftest import ROOT, copy_project

COMMAND = ["--profile", "slurm", "--configfile", "config/ci.yaml", "changes.yaml"]
# EulerNet trains long enough to be caught at it; `auto` asks for a GPU and does without one.
CHANGES = """
device: auto
folds: [1]
seeds: [1, 2]
models:
  eulernet: {training: {epochs: 50}}
  sequencenet: {training: {epochs: 2}}
  nearest: null # in its place others would be caught
"""
VICTIM = "rule_train_wildcards_ci_eulernet_1_1"
PATIENCE = 600  # seconds; only a run that hangs needs them


@dataclass(frozen=True)
class Run:
    """What is left of the run: its folder, Slurm's records, and what the terminal showed.

    gpus: of each training that ran when the victim was killed, the index of its GPU.
    """

    folder: Path
    records: list[dict[str, str]]
    gpus: dict[str, str]
    terminal: str


def uncomment(profile: Path, *keys: str) -> None:
    """Do what the profile's comments tell a cluster's user to do."""
    text = profile.read_text()
    for key in keys:
        text, found = re.subn(rf"^( *)# ({key}:)", r"\1\2", text, flags=re.MULTILINE)
        assert found == 1, f"{key} in {profile}"
    profile.write_text(text)


def start(project: Path, *arguments: str) -> subprocess.Popen:
    command = [str(Path(sys.executable).with_name("snakemake")), *COMMAND, *arguments]
    with open(project / "terminal.txt", "w") as terminal:
        return subprocess.Popen(command, cwd=project, stdout=terminal, stderr=subprocess.STDOUT)


def finish(project: Path, snakemake: subprocess.Popen) -> str:
    """What the terminal showed, once Snakemake has ended well."""
    status = snakemake.wait(PATIENCE)
    terminal = (project / "terminal.txt").read_text()
    assert status == 0, terminal[-6000:]
    return terminal


def gpus_of_running_trainings() -> dict[str, str]:
    return {
        job["Comment"]: re.search(r"IDX:(\d)", job["GRES"])[1]
        for job in slurm_cluster.jobs()
        if job["JobState"] == "RUNNING" and job["Comment"].startswith("rule_train")
    }


def kill_the_victim(project: Path, snakemake: subprocess.Popen) -> dict[str, str]:
    """Cancel a training once it has a checkpoint; the GPUs of all that ran by then."""
    checkpoint = project / "results/ci/models/eulernet/1/1/checkpoint.pt"
    slurm_cluster.wait_until(
        lambda: checkpoint.exists() or snakemake.poll() is not None, "a checkpoint", PATIENCE
    )
    gpus = gpus_of_running_trainings()
    terminal = (project / "terminal.txt").read_text()
    assert VICTIM in gpus, f"too late, or never started: {gpus}\n{terminal[-6000:]}"
    (job,) = [job["JobId"] for job in slurm_cluster.jobs() if job["Comment"] == VICTIM]
    subprocess.run(["scancel", job], check=True)
    return gpus


def kill_processes_of(project: Path) -> None:
    """What a cancelled job leaves: without cgroups Slurm loses sight of a process's orphans."""
    for process in psutil.process_iter(["cmdline"]):
        if str(project) in " ".join(process.info["cmdline"] or []):
            process.kill()


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project beside a running cluster without accounting."""
    project = tmp_path_factory.mktemp("slurm") / "project"
    try:
        with slurm_cluster.cluster():
            copy_project(project)
            uncomment(project / "slurm/config.yaml", "slurm-status-command")
            (project / "changes.yaml").write_text(CHANGES)
            yield project
        kill_processes_of(project)
    except slurm_cluster.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def run(project) -> Run:
    """The whole pipeline, in which one training was killed."""
    snakemake = start(project)
    try:
        gpus = kill_the_victim(project, snakemake)
        terminal = finish(project, snakemake)
    finally:
        snakemake.kill()
        snakemake.wait()
    return Run(project / "results/ci", slurm_cluster.jobs(), gpus, terminal)


def minutes(limit: str) -> float:
    """Of Slurm's `days-hours:minutes:seconds`."""
    days, _, clock = limit.rpartition("-")
    hours, minutes, seconds = map(int, clock.split(":"))
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def test_it_ends_in_the_pdf(run):
    assert (run.folder / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert not list(run.folder.rglob("checkpoint.pt"))


def test_what_is_heavy_went_through_slurm(run):
    rules = Counter(job["Comment"].split("_")[1] for job in run.records)
    assert rules == {
        "simulate": 1, "ingest": 1, "split": 1, "tokenize": 1, "train": 5, "predict": 4,
        "posterior": 1,
    }  # fmt: skip
    states = Counter(job["JobState"] for job in run.records)
    assert states == {"COMPLETED": 13, "CANCELLED": 1}


def test_a_killed_training_resumes_with_more_time(run):
    first, second = [job for job in run.records if job["Comment"] == VICTIM]
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert minutes(second["TimeLimit"]) == 2 * minutes(first["TimeLimit"])
    log = (run.folder / "logs/train/eulernet/1/1.log").read_text()
    done = re.search(r"resumes after epoch (\d+) of 50", log)
    assert done, log
    assert 1 <= int(done[1]) < 50


def test_trainings_hold_one_gpu_and_the_others_none(run):
    for job in run.records:
        training = job["Comment"].startswith("rule_train")
        assert job["JOB_GRES"] == ("gpu:1" if training else "(null)"), job


def test_trainings_run_side_by_side_on_different_gpus(run):
    assert set(run.gpus) == {VICTIM, "rule_train_wildcards_ci_eulernet_1_2"}
    assert sorted(run.gpus.values()) == ["0", "1"]


def test_a_gpu_by_the_name_of_gres_and_cores_by_the_config(run, project):
    """For clusters that refuse --gpus: with the two lines that the profile keeps ready."""
    uncomment(project / "slurm/config.yaml", "gpu", "gres")
    (project / "changes.yaml").write_text(CHANGES + "training_threads: 2\n")
    model = "results/ci/models/sequencenet/1/2/model.json"
    snakemake = start(project, "--forcerun", "train", "--", model)
    try:
        finish(project, snakemake)
    finally:
        snakemake.kill()
        snakemake.wait()
    (job,) = slurm_cluster.jobs()[len(run.records) :]
    assert "gres:gpu:1" in job.get("TresPerNode", "")
    assert "TresPerJob" not in job  # which is what --gpus sets
    assert job["JOB_GRES"] == "gpu:1"
    assert job["NumCPUs"] == "2"


def test_a_real_clusters_configuration_is_never_touched(tmp_path, monkeypatch):
    theirs = tmp_path / "slurm.conf"
    theirs.write_text("ClusterName=precious\n")
    monkeypatch.setattr(slurm_cluster, "ETC", tmp_path)
    with pytest.raises(slurm_cluster.Unavailable), slurm_cluster.cluster():
        pass
    assert theirs.read_text() == "ClusterName=precious\n"
    assert list(tmp_path.iterdir()) == [theirs]


def test_the_profile_names_every_rule_that_is_submitted():
    rules = ROOT / "workflow/rules"
    blocks = [re.split(r"^rule (\w+):$", path.read_text(), flags=re.M) for path in rules.iterdir()]
    submitted = {
        name
        for _, *block in blocks
        for name, body in zip(block[::2], block[1::2], strict=True)
        if "localrule: True" not in body
    }
    profile = yaml.safe_load((ROOT / "slurm/config.yaml").read_text())
    assert set(profile["set-resources"]) == submitted
