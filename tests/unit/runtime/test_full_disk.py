"""A disk without room: one clear line, nothing corrupt, nothing half-written."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mounts import UNSHARE, with_mounts
from workflow.lib.report.paper import MISSING_TEX

ROOT = Path(__file__).parents[3]
SPACE = {
    "disk": "no space left on its disk: free some",
    "file": "it grew larger than a file may be here: raise the limit (ulimit -f)",
}
AGAIN = "and run the same command again; what is finished is kept"
FILES = [
    "SIMULATED.json",
    "dataset.h5",
    "scans.h5",
    "predictions.h5",
    "checkpoint.pt",
    "weights.safetensors",
    "figure.png",
    "training.csv",
    "table.tex",
    "release.zip",
    "paper.pdf",
]
HAS_TEX = all(map(shutil.which, ("latexmk", "pdflatex", "bibtex"))) or shutil.which("tectonic")


# Where nothing can be mounted, only the limit on files tells what happens without room.
ROOMS = [("disk", 0), ("disk", 16_384)] if UNSHARE else []
ROOMS += [("file", 16_384)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, dict]:
    """What full_disk_writers.py prints, for each kind of limit."""
    found = {}
    for kind in dict(ROOMS):
        folder = tmp_path_factory.mktemp(kind)
        program = [
            sys.executable,
            "-m",
            "tests.unit.runtime.full_disk_writers",
            str(folder / "full"),
        ]
        program += [str(folder / "archive"), kind]
        (folder / "full").mkdir()
        if kind == "disk":
            program = with_mounts(f"mount -t tmpfs -o size=2m tmpfs '{folder}/full'", program)
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert "Traceback" not in done.stderr
        found[kind] = json.loads(done.stdout.splitlines()[-1])
    return found


CASES = [
    (name, kind, room)
    for kind, room in ROOMS
    for name in FILES
    if (name, kind) != ("paper.pdf", "file")  # LaTeX's programs are killed by this limit
]


@pytest.mark.parametrize(("name", "kind", "room"), CASES)
def test_each_writer_says_so_in_one_line(answers, name, kind, room):
    said, left, untouched = answers[kind][f"{name}, {room}"]
    if name == "paper.pdf" and not HAS_TEX:
        assert said == f"error: {MISSING_TEX}"
        return
    assert said.startswith("error: /")
    assert said.endswith(f"{SPACE[kind]} {AGAIN}")
    assert "\n" not in said
    assert not [other for other in left if other.startswith(".part-")]
    if name != "SIMULATED.json":  # the first of the simulator's files, and may be finished
        assert f"/data/{Path(name).stem}." in said
        assert untouched
