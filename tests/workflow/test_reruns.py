"""No stale results and no needless work: what an edit reruns, and nothing else."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

LATEX = {"compile", "paper"}
# What is made anew after any result, in seconds.
REPORTING = {"jobs", "provenance", "numbers", "results", *LATEX, "pages"}

DRAWN = {
    "ambiguity_record", "ambiguous_grain", "describe", "evidence", "figure1", "frontier",
    "learning_curves", "maps_figure", "several", "signals",
}  # fmt: skip
# One edit on each floor of the library or more, and exactly the rules whose code uses what is
# edited. `download` is none of them: what is downloaded is verified and never fetched again.
EDITS = {
    "runtime.hdf5.MARGIN": {"ingest", "split", "tokenize", "predict"},
    "runtime.script.run": {"simulate", "ingest", "split", "tokenize", "train", "predict", "score"}
    | {"table1", "signal_space", "release", *DRAWN, *REPORTING},
    "runtime.progress.PERIOD_S": {"simulate", "ingest", "describe", "train", "predict"},
    "orientation.misorientation.medoid": {"predict"},
    "orientation.symmetry.disorientation_loss": {"train", "predict"},
    "orientation.quaternion.to_matrix": {"posterior"},
    "simulation.marginal.log_evidence": {"posterior"},
    "networks.decoding.beam": {"train", "predict"},  # the class that writes uses it
    "signals.rolls.standardise": {"train", "predict"},
    "archive.npy.interpreter.read": {"ingest"},
    "simulation.reflectance.FACET_AMPLITUDE": {"simulate", "describe"},
    "data.split.split": {"split"},
    "tokens.digit.DigitTokenizer": {"tokenize", "train", "predict", "numbers"},
    "networks.lstm.run": {"train", "predict"},
    "models.saved.save_model": {"train"},
    "models.nearest.KnownSignals": {"train", "predict"},
    "inference.tta.predict_tta": {"predict"},
    "training.step.Stepper": {"train"},
    "training.flop.tflop_of_training": {"train"},
    "evaluation.scores.CONFIDENCE": {"table1", "several", "release"},
    "report.style.notice.NOTE_COLOUR": {*DRAWN, "pages"},
    "report.ambiguity.sweep_latex": {"ambiguity_record"},
    "report.evidence.controls_table.controls_latex": {"evidence"},
    "maps.signal_space.fit_signal_space": {"signal_space"},
    "maps.release.packed.pack_release": {"release"},
    "maps.record.MOST_PIXELS": {"maps_figure"},
    "report.tuning.read_search": {"frontier"},
}
# And edits of what only targets use that have to be asked for, or that counts for nothing.
IDLE_EDITS = [
    "runtime.forecast.LEAST",
    "training.pace.epoch_s",
    "models.registry.MODELS",
    "evaluation.ambiguity.judge",
    "report.ambiguity.EXPLANATION",
    "evaluation.paired.holm",
    "maps.grains.segment",
    "report.tuning.EXPLANATION",
]


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


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_the_rules_that_use_it(edit, finished, snakemake, project):
    """Those by their parameters, and what uses their files; nothing else."""
    module, _, name = edit.rpartition(".")
    path = project / f"workflow/lib/{module.replace('.', '/')}.py"
    assert re.search(rf"^(def |class )?{name}\b", path.read_text(), re.MULTILINE)
    with appended(path, f"\n{name} = {name}\n"):  # another definition of the same
        reasons = plan(snakemake("-n"))
    by_code = {rule for rule in reasons if "Params have changed" in reasons[rule]}
    by_input = {rule for rule in reasons if "Input files updated" in reasons[rule]}
    assert by_code | by_input == reasons.keys()
    assert by_code <= EDITS[edit] <= reasons.keys()
    assert by_code


def test_edits_of_what_has_to_be_asked_for_rerun_nothing(finished, snakemake, project):
    """All at once: each dry run takes seconds."""
    with ExitStack() as stack:
        for edit in IDLE_EDITS:
            module, _, name = edit.rpartition(".")
            path = project / f"workflow/lib/{module.replace('.', '/')}.py"
            assert re.search(rf"^(def |class )?{name}\b", path.read_text(), re.MULTILINE)
            stack.enter_context(appended(path, f"\n{name} = {name}\n"))
        assert plan(snakemake("-n")) == {}


def test_a_comment_reruns_nothing(finished, snakemake, project):
    with appended(project / "workflow/lib/training/loop.py", "\n# a remark\n"):
        assert plan(snakemake("-n")) == {}
    assert plan(snakemake("-n")) == {}


def test_a_style_edit_redraws_and_does_not_retrain(finished, snakemake, project):
    with appended(project / "paper/style/figures.mplstyle", "axes.grid: True\n"):
        assert plan(snakemake("-n")).keys() == DRAWN | REPORTING


def test_droppings_of_editors_are_no_sources_and_rerun_nothing(finished, snakemake, project):
    paper = project / "paper"
    (paper / ".#main.tex").symlink_to("user@host.1:2")  # Emacs while the file is being edited
    for name in ("main.tex~", "#main.tex#", ".main.tex.swp", "4913", ".DS_Store", "main.aux"):
        (paper / name).write_text("no source")
    (paper / "main.pdf").write_text("compiled by hand")
    before = (finished / "paper.pdf").read_bytes()
    try:
        assert plan(snakemake("-n")) == {}
        done = snakemake("--forcerun", "compile")
    finally:
        shutil.rmtree(paper)
        shutil.copytree(ROOT / "paper", paper, copy_function=shutil.copy2)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (finished / "paper.pdf").read_bytes() == before


def test_a_build_that_fails_keeps_the_last_paper_and_is_made_up_for(finished, snakemake, project):
    last = (finished / "paper.pdf").read_bytes()
    section = project / "paper/sections/data.tex"
    with appended(section, "\n\\nonsense\n"):
        failed = snakemake()
        assert failed.returncode == 1
        assert "error: LaTeX: ! Undefined control sequence." in failed.stdout + failed.stderr
        assert (finished / "paper.pdf").read_bytes() == last
        only_it = snakemake("-n", "--", "results/ci/paper.pdf")
        assert plan(only_it).keys() == LATEX
    assert section.stat().st_mtime < (finished / "paper.pdf").stat().st_mtime
    assert plan(snakemake("-n")).keys() == {*LATEX, "pages"}
    with appended(section, "\nOne more sentence.\n"):
        assert snakemake().returncode == 0
        assert (finished / "paper.pdf").read_bytes() != last
    section.touch()
    assert snakemake().returncode == 0
    assert (finished / "paper.pdf").read_bytes() == last
    assert plan(snakemake("-n")) == {}


def test_a_source_that_comes_or_goes_makes_the_paper_anew(finished, snakemake, project):
    new = project / "paper/sections/new.tex"
    new.write_text("% an old file, by its date\n")
    os.utime(new, (0, 0))
    try:
        assert plan(snakemake("-n")).keys() == {"results", *LATEX, "pages"}
    finally:
        new.unlink()
    assert plan(snakemake("-n")) == {}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_new_commit_is_told_in_the_paper(finished, snakemake, project):
    git(project, "init", "-q")
    try:
        git(project, "add", "Snakefile")
        git(project, "commit", "-qm", "first")
        assert plan(snakemake("-n")).keys() == REPORTING - {"jobs"}
    finally:
        shutil.rmtree(project / ".git")
    assert plan(snakemake("-n")) == {}


def test_the_commit_of_somebody_elses_repository_is_not_ours(finished, snakemake, project):
    """Around an unpacked archive of the sources, say."""
    around = project.parent
    git(around, "init", "-q")
    try:
        git(around, "commit", "-qm", "theirs", "--allow-empty")
        theirs = git(around, "rev-parse", "HEAD")
        told = plan(snakemake("-n"))["provenance"]
    finally:
        shutil.rmtree(around / ".git")
    assert "unknown (inside another git repository)" in told
    assert theirs not in told
    assert json.loads((finished / "provenance.json").read_text())["commit"] == (
        "unknown (not a git checkout)"
    )


def test_one_more_seed_trains_only_that_seed(finished, snakemake):
    done = snakemake("-n", changes="seeds: [1, 2]")
    said = done.stdout + done.stderr
    trained = re.findall(r"^ *output: (results/ci/models\S+weights)", said, re.MULTILINE)
    assert len(trained) == 6  # three models, two folds
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
