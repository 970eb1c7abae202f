"""No stale results and no needless work: what an edit reruns, and nothing else."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

LIBRARY = ROOT / "workflow/lib"
MODULES = sorted(
    path.relative_to(LIBRARY).with_suffix("").as_posix()
    for path in LIBRARY.rglob("*.py")
    if path.stem != "__init__"
)
# What is made anew after any result, in seconds.
REPORTING = {"jobs", "provenance", "numbers", "compile", "paper", "pages"}

# What Python itself says that each script imports, each time afresh.
REAL_IMPORTS = """
import importlib.util, json, pathlib, sys
imports = {}
for path in pathlib.Path("workflow/scripts").glob("*.py"):
    for name in [name for name in sys.modules if name.split(".")[0] == "workflow"]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location("script", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    imports[path.name] = [name for name in sys.modules if name.startswith("workflow.lib.")]
print(json.dumps(imports))
"""


@pytest.fixture(scope="module")
def rules_that_import() -> dict[str, set[str]]:
    """For each module the rules whose script imports it, directly or through others.

    Without `download`, as what is downloaded is verified and never fetched again, and
    `profile`, which runs only if the config asks for it.
    """
    done = subprocess.run(
        [sys.executable, "-c", REAL_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imports = json.loads(done.stdout)
    rules: dict[str, set[str]] = {module: set() for module in MODULES}
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        for text in re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            name, script = text.split(":")[0], re.search(r"scripts/(\w+\.py)", text)[1]
            for module in imports[script] if name not in ("download", "profile") else []:
                rules[module.removeprefix("workflow.lib.")].add(name)
    return rules


@contextmanager
def appended(path: Path, text: str) -> Iterator[None]:
    """Add `text` to a file; in the end it is what it was, with the time of its last change."""
    original, times = path.read_text(), path.stat()
    path.write_text(original + text)
    try:
        yield
    finally:
        path.write_text(original)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def plan(done: subprocess.CompletedProcess) -> dict[str, str]:
    """The rules that a dry run would run, with the reason that it gives for each."""
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    jobs = re.findall(r"^(?:local)?rule (\w+):$(.*?)^ +reason: (.*?)$", said, re.M | re.S)
    assert bool(jobs) != ("Nothing to be done" in said)
    return {rule: reason for rule, _, reason in jobs if rule != "all"}


@pytest.mark.parametrize("module", MODULES)
def test_an_edited_module_reruns_the_rules_that_import_it(
    module, rules_that_import, finished, snakemake, project
):
    """Those, what uses their files, and nothing else.

    Where both reasons hold, Snakemake gives only that an input is updated by another job.
    """
    with appended(project / f"workflow/lib/{module}.py", "\nUNUSED = 1\n"):
        reasons = plan(snakemake("-n"))
    by_code = {rule for rule in reasons if reasons[rule].startswith("Params have changed")}
    by_input = {rule for rule in reasons if reasons[rule].startswith("Input files updated")}
    assert by_code | by_input == reasons.keys()
    assert by_code <= rules_that_import[module] <= reasons.keys()
    assert bool(by_code) == bool(rules_that_import[module])


def test_a_comment_reruns_nothing(finished, snakemake, project):
    with appended(project / "workflow/lib/training/loop.py", "\n# a remark\n"):
        assert plan(snakemake("-n")) == {}
    assert plan(snakemake("-n")) == {}


def test_a_style_edit_redraws_and_does_not_retrain(finished, snakemake, project):
    with appended(project / "paper/style/figures.mplstyle", "axes.grid: True\n"):
        redrawn = {"describe", "figure1", "learning_curves", "signals"}
        assert plan(snakemake("-n")).keys() == redrawn | REPORTING


def test_one_more_seed_trains_only_that_seed(finished, snakemake):
    done = snakemake("-n", changes="seeds: [1, 2]")
    said = done.stdout + done.stderr
    trained = re.findall(r"^ *output: (results/ci/models\S+weights)", said, re.MULTILINE)
    assert len(trained) == 4
    assert all("/2/weights" in output for output in trained)


def test_a_trace_is_kept_and_retrains_nothing(finished, snakemake):
    """Besides the traces only what reports the config is made anew."""
    expected = {"profile"} | REPORTING - {"jobs"}
    assert plan(snakemake("-n", changes="profiler_steps: 3")).keys() == expected
    trace = "results/ci/traces/sequencenet/1/1.json"
    done = snakemake("--", trace, changes="profiler_steps: 3")
    assert done.returncode == 0, done.stderr[-3000:]
    events = json.loads((finished / "traces/sequencenet/1/1.json").read_text())["traceEvents"]
    steps = {e["name"] for e in events if e["name"].startswith("ProfilerStep#")}
    assert len(steps) == 3
    assert any(e["name"] == "aten::lstm" for e in events)
    assert "aten::convolution" in (finished / "traces/sequencenet/1/1.txt").read_text()
