"""A full disk, a folder that can't be written, a missing LaTeX: one line, and then it goes on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mounts import UNSHARE, with_mounts
from tests.workflow.conftest import copy_project
from tests.workflow.test_reruns import plan

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile"]
CI = [*SNAKEMAKE, "config/ci.yaml"]
AGAIN = "and run the same command again; what is finished is kept"

# Runs the pipeline on a disk that grows from too small for the first file to large enough.
GROWING_DISK = r"""
mkdir -p results
mount -t tmpfs -o size=64k tmpfs results
for size in $SIZES; do
    mount -t tmpfs -o remount,size=${size}k tmpfs results
    status=0
    "$@" > said.$size 2>&1 || status=$?
    find results -name '.part-*' >> left.txt
    echo $size $status >> rounds.txt
    [ $status != 0 ] || break
done
cp -R results kept
"""


@pytest.fixture(scope="module")
def disk_grown(tmp_path_factory, finished) -> Path:
    """The project after it: said.<size> for each round, rounds.txt, left.txt, kept/."""
    folder = tmp_path_factory.mktemp("growing") / "project"
    copy_project(folder)
    (folder / "changes.yaml").write_text("folds: [1]")
    files = [path for path in finished.rglob("*") if path.is_file()]
    needed = sum(path.stat().st_size for path in files) // 1024
    sizes = [needed * percent // 100 for percent in (1, 5, 10, 18, 25, 35, 100, 300, 900)]
    script = GROWING_DISK.replace("$SIZES", " ".join(map(str, sizes)))
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", "set -e\n" + script, "sh", *CI, "changes.yaml"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


if UNSHARE:  # elsewhere tests/unit/runtime/test_full_disk.py still runs every writer

    def test_a_disk_that_is_full_again_and_again(disk_grown, finished):
        rounds = [line.split() for line in (disk_grown / "rounds.txt").read_text().splitlines()]
        failed = [size for size, status in rounds if status != "0"]
        assert rounds[-1][1] == "0"
        assert len(failed) >= 4
        complaints = set()
        for size in failed:
            said = (disk_grown / f"said.{size}").read_text()
            lines = [line for line in said.splitlines() if line.startswith("error: ")]
            assert 1 <= len(lines) <= 2  # of two jobs at a time
            for line in lines:
                assert line.endswith(f": no space left on its disk: free some {AGAIN}")
            complaints |= set(lines)
            assert "Traceback" not in said
        print(*sorted(complaints), sep="\n")
        assert any("checkpoint.pt" in line for line in complaints)
        assert (disk_grown / "left.txt").read_text() == ""
        for name in ("table1.csv", "dataset.h5", "models/eulernet/1/1/weights.safetensors"):
            theirs = (disk_grown / "kept/ci" / name).read_bytes()
            assert theirs == (finished / name).read_bytes(), name


def test_a_folder_that_cannot_be_written_is_told_before_the_first_job(tmp_path):
    project = tmp_path / "project"
    copy_project(project)
    if UNSHARE:
        (project / "results").mkdir()
        mount = "mount --bind results results; mount -o remount,bind,ro results"
        command = with_mounts(mount, CI)
        expected = f"results: its disk is read-only: mount it for writing {AGAIN}"
    else:
        (project / "results").symlink_to("/sys")  # where not even root can make a folder
        command = CI
        expected = f"results: .* {AGAIN}"
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert len(re.findall(f"^{expected}$", said, re.MULTILINE)) == 1
    assert "Traceback" not in said
    assert "Execute" not in said
    assert "rule simulate:" not in said
    planned = subprocess.run([*command, "-n"], cwd=project, capture_output=True, check=False)
    assert planned.returncode == 0


def programs_without_latex(folder: Path) -> Path:
    """A folder with links to all programs on the PATH except those that make a PDF."""
    folder.mkdir()
    for place in os.get_exec_path():
        for program in Path(place).iterdir() if Path(place).is_dir() else []:
            if program.name not in ("latexmk", "tectonic") and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return folder


def test_without_latex_all_but_the_paper_is_done(finished, project, tmp_path):
    copy = tmp_path / "project"
    shutil.copytree(project, copy, symlinks=True)
    results = copy / "results/ci"
    for name in ("numbers.tex", "compiled/paper.pdf", "paper.pdf"):
        (results / name).unlink()
    without_latex = {**os.environ, "PATH": str(programs_without_latex(tmp_path / "bin"))}

    def run(*arguments: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*CI, *arguments], cwd=copy, capture_output=True, text=True, check=False, **options
        )

    done = run(env=without_latex)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: no LaTeX found: expected latexmk")
    assert "Traceback" not in said
    assert (results / "numbers.tex").exists()
    assert not (results / "paper.pdf").exists()
    left = plan(run("-n")).keys() - {"results"}  # which may have run beside the one that failed
    assert left == {"compile", "paper", "pages"}  # those come after it
    done = run()
    assert done.returncode == 0, done.stderr[-3000:]
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
