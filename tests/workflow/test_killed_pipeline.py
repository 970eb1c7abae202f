"""`make demo`, killed at random moments again and again, ends as if nothing had happened."""

import base64
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.workflow.conftest import ROOT, copy_project

KILLS = 11  # at least
TRAININGS = {"train eulernet", "train sequencenet"}
# How often each job is to be hit; one of the kinds of job there are, and whatever runs beside it
HITS = dict.fromkeys(TRAININGS, 2) | dict.fromkeys(
    ("simulate", "ingest", "tokenize digit", "posterior", "predict sequencenet", "several"), 1
)
HITS |= dict.fromkeys(("evidence", "pages"), 1)
JOB_OF_OUTPUT = {  # below results/demo
    r"archive/.*": "simulate",
    r"(dataset|scans)\.h5": "ingest",
    r"folds/1\.h5": "split",
    r"tokens/digit/1\.h5": "tokenize digit",
    r"models/(\w+)/.*": r"train \1",
    r"predictions/(\w+)/.*": r"predict \1",
    r"posterior/.*": "posterior",
    r"(several|calibration|several_numbers|reliability|risk_coverage)\.\w+": "several",
    r"ambiguity\.\w+": "ambiguity_record",
    r"(graphical_abstract|controls|seams|triangle|views|arithmetic)\.\w+": "evidence",
    r"(parts|fold_summary|spellings|claims|evidence_\w+)\.\w+": "evidence",
    r"(scores\.csv|folds\.\w+)": "score",
    r"(table1\.\w+|comparison\.csv)": "table1",
    r"data_card\.\w+": "describe",
    r"(jobs|trainings)\.\w+": "jobs",
    r"compiled/paper\.pdf": "compile",
    r"report/.*": "pages",
    r"(\w+)\.\w+": r"\1",
}
SAME = [  # bit for bit
    "table1.csv",
    "comparison.csv",
    "figure1.png",
    "dataset.h5",
    "tokens/digit/1.h5",
    *[f"models/{network}/1/1/weights.safetensors" for network in ("eulernet", "sequencenet")],
    *[f"predictions/{network}/1/1.h5" for network in ("eulernet", "sequencenet")],
    "posterior/1.h5",
    "several.csv",
]


def job_of(output: str) -> str:
    """The job that makes a file, such as "split" or "train eulernet"."""
    inside = output.removeprefix("results/demo/")
    patterns = (p for p in JOB_OF_OUTPUT if re.fullmatch(p, inside))
    pattern = next(patterns, None)
    return inside if pattern is None else re.sub(pattern, JOB_OF_OUTPUT[pattern], inside)


class Demo:
    """A copy of the project in which `make demo` makes what the `ci` run makes of fold 1."""

    def __init__(self, folder: Path):
        self.folder, self.results = folder, folder / "results/demo"
        self.output = folder / "output.txt"
        self.snakemake = copy_project(folder)
        for name in ("Makefile", "requirements.txt", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder)
        config = yaml.safe_load((ROOT / "config/ci.yaml").read_text())
        config |= {"run": "demo", "folds": [1]}
        (folder / "config/demo.yaml").write_text(yaml.safe_dump(config))
        venv = folder / ".venv"  # this Python's, and up to date
        venv.mkdir()
        for name in ("bin", "lib"):
            (venv / name).symlink_to(Path(sys.prefix) / name)
        shutil.copy2(Path(sys.prefix) / "pyvenv.cfg", venv)
        requirements = (ROOT / "requirements.txt").read_text()
        (venv / ".installed").write_text(f"{venv.resolve()}\n{requirements}")

    def start(self) -> "Run":
        """`make demo`, in a process group of its own; what it says is added to `output`."""
        with open(self.output, "a") as output:
            process = subprocess.Popen(
                ["make", "demo"],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return Run(self, process)

    def checkpoint(self, training: str) -> Path:
        return self.results / "models" / training.split()[-1] / "1/1/checkpoint.pt"

    def finish(self) -> None:
        """Let `make demo` run to its end, and check that it leaves nothing half-written."""
        run = self.start()
        assert run.process.wait() == 0, self.output.read_text()[-6000:]
        assert list(self.results.rglob(".part-*")) == []
        assert list(self.results.rglob("checkpoint.pt")) == []
        assert run.in_flight() == set()

    def check(self, undisturbed: Path) -> None:
        for name in SAME:
            assert (self.results / name).read_bytes() == (undisturbed / name).read_bytes(), name


class Run:
    """A `make demo` that has been started."""

    def __init__(self, demo: Demo, process: subprocess.Popen):
        self.demo, self.process, self.begin = demo, process, time.time()

    def in_flight(self) -> set[str]:
        """Jobs that its Snakemake has marked as started, and not as finished."""
        markers = self.demo.folder / ".snakemake/incomplete"
        jobs = set()
        for path in markers.rglob("*"):
            try:
                if path.is_file() and path.stat().st_mtime >= self.begin:
                    parts = path.relative_to(markers).parts  # long names become folders
                    name = "".join(part.removeprefix("@") for part in parts)
                    jobs.add(job_of(base64.urlsafe_b64decode(name).decode()))
            except FileNotFoundError:  # finished meanwhile
                pass
        return jobs

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """What `condition` returns when that is true, or when the run has ended."""
        deadline = time.monotonic() + 600
        while not (result := condition()) and self.process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return result

    def kill(self) -> set[str]:
        """SIGKILL for all its processes; the jobs that were in flight."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
        return self.in_flight()


def seconds_of(job: str, undisturbed: Path) -> float:
    """How long a job took in an undisturbed run."""
    path = undisturbed / "benchmarks" / job.replace(" ", "/")
    candidates = [path.with_suffix(".tsv"), path / "1.tsv", path / "1/1.tsv"]
    file = next(filter(Path.exists, candidates))
    return float(file.read_text().splitlines()[1].split()[0])


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    return Demo(tmp_path_factory.mktemp("killed") / "project")


def test_kills_at_random_moments_change_nothing(demo, finished):
    """The blow falls at a random moment of a job of HITS that was not hit so often yet.

    Each training is hit once when it has just written a checkpoint, so that it has to resume.
    """
    moments = random.Random(4)
    hits: Counter[str] = Counter()
    kills = 0
    unresumed = set(TRAININGS)

    def target(run: Run) -> str | None:
        running = run.in_flight()
        # a training that was only hit beside another has to be hit at its checkpoint still
        wanted = sorted(running & unresumed) or sorted(
            job for job in running if hits[job] < HITS.get(job, 0)
        )
        last = "compile" if "compile" in running and kills < KILLS else None
        return wanted[0] if wanted else last

    def can_resume() -> set[str]:
        return {job for job in unresumed if demo.checkpoint(job).exists()}

    def is_due(run: Run, job: str, moment: float) -> bool:
        return time.monotonic() > moment or bool(can_resume()) or job not in run.in_flight()

    run = demo.start()
    while job := run.wait_for(partial(target, run)):
        share = math.inf if job in unresumed else moments.random()
        moment = time.monotonic() + share * seconds_of(job, finished)
        run.wait_for(partial(is_due, run, job, moment))
        hits.update(run.kill())
        kills += run.process.returncode == -signal.SIGKILL
        unresumed -= can_resume()
        run = demo.start()

    assert run.process.wait() == 0, demo.output.read_text()[-6000:]
    print(f"{kills} kills; how often each job was in flight: {dict(hits)}")
    demo.finish()
    demo.check(finished)
    assert kills >= KILLS
    assert hits.keys() >= TRAININGS
    assert len(hits.keys() & HITS.keys()) >= 6, hits  # of 10: the shortest may end before the blow
    said = demo.output.read_text()
    for training in TRAININGS:
        assert f"{training.split()[-1]} fold 1 seed 1: resumes after epoch" in said
    assert "Traceback" not in said


def test_a_training_that_outlives_its_snakemake_harms_nothing(demo, finished):
    """It keeps the next `make demo` out; a plain Snakemake may even train beside it."""
    for name in ("models", "kept", "predictions"):
        shutil.rmtree(demo.results / name, ignore_errors=True)
    (demo.results / "table1.md").unlink(missing_ok=True)
    run = demo.start()
    assert run.wait_for(demo.checkpoint("eulernet").exists)
    family = psutil.Process(run.process.pid).children(recursive=True)
    trainings = [child for child in family if ".train.py" in " ".join(child.cmdline())]
    for training in trainings:
        training.suspend()
    for other in set(family) - set(trainings):
        other.kill()
    assert run.process.wait() != 0

    refused = demo.start()
    assert refused.process.wait() != 0
    assert "error: the demo, or a job of it, is still running here" in demo.output.read_text()

    for training in trainings:
        training.resume()
    done = demo.snakemake("--nolock", "--rerun-incomplete", config="config/demo.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    _, alive = psutil.wait_procs(trainings, timeout=300)
    assert trainings
    assert not alive
    demo.check(finished)
    demo.finish()
    demo.check(finished)
