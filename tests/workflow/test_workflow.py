"""What Snakemake makes of the workflow: messages for mistakes, reruns, lint."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPORTING = {"jobs", "provenance", "numbers", "paper", "pages"}  # after any other rule, in seconds


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
            "data.archive: found 'nowhere.zip', expected the path of a zip or folder",
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


def rules_to_run(done: subprocess.CompletedProcess) -> set[str]:
    assert done.returncode == 0, done.stderr
    table = re.findall(r"^(\w+) +\d+$", done.stdout + done.stderr, re.MULTILINE)
    return set(table) - {"total", "all"}


def test_code_edits_rerun_what_uses_the_code_and_comments_nothing(finished, snakemake, project):
    figures = project / "workflow/lib/figures.py"
    original = figures.read_text()
    try:
        figures.write_text(original + "\n# a remark\n")
        assert rules_to_run(snakemake("-n")) == set()
        figures.write_text(original + "\nUNUSED = 1\n")
        assert rules_to_run(snakemake("-n")) == {"figure1", "learning_curves"} | REPORTING
    finally:
        figures.write_text(original)
    assert rules_to_run(snakemake("-n")) == set()


def test_a_style_edit_redraws_and_does_not_retrain(finished, snakemake, project):
    style = project / "paper/style/figures.mplstyle"
    original, times = style.read_text(), style.stat()
    try:
        style.write_text(original + "axes.grid: True\n")
        redrawn = {"describe", "figure1", "learning_curves", "signals"}
        assert rules_to_run(snakemake("-n")) == redrawn | REPORTING
    finally:
        style.write_text(original)
        os.utime(style, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_one_more_seed_trains_only_that_seed(finished, snakemake):
    done = snakemake("-n", changes="seeds: [1, 2]")
    jobs = re.findall(r"^ *output: (results/ci/models\S+weights)", done.stdout, re.MULTILINE)
    jobs = jobs or re.findall(r"output: (results/ci/models\S+weights)", done.stderr)
    assert len(jobs) == 4
    assert all("/2/weights" in job for job in jobs)


def test_a_trace_is_kept_and_retrains_nothing(finished, snakemake):
    """Besides the traces only what reports the config is made anew."""
    expected = {"profile", "provenance", "numbers", "paper", "pages"}
    assert rules_to_run(snakemake("-n", changes="profiler_steps: 3")) == expected
    trace = "results/ci/traces/sequencenet/1/1.json"
    done = snakemake("--", trace, changes="profiler_steps: 3")
    assert done.returncode == 0, done.stderr[-3000:]
    events = json.loads((finished / "traces/sequencenet/1/1.json").read_text())["traceEvents"]
    steps = {e["name"] for e in events if e["name"].startswith("ProfilerStep#")}
    assert len(steps) == 3
    assert any(e["name"] == "aten::lstm" for e in events)
    assert "aten::convolution" in (finished / "traces/sequencenet/1/1.txt").read_text()


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
