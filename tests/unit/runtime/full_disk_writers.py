"""Each way in which rules write files, where there is no room: a program for test_full_disk.py.

Usage: full_disk_writers.py FOLDER ARCHIVE disk|file. With `disk`, FOLDER is a small file system
of its own, which is filled up to the last byte or to less than a file needs; with `file`, no
file may grow larger than that. Prints JSON: for each file and room [what its writer said, the
names that are in the folder then, whether an older file is still as it was].
"""

import json
import os
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from workflow.lib.data.dataset import ingest
from workflow.lib.data.scans import ingest_scans
from workflow.lib.inference.predictions import write_arrays
from workflow.lib.maps.release import pack_release
from workflow.lib.models.saved import save_model
from workflow.lib.report.learning_curves import plot_learning_curves
from workflow.lib.report.paper import build_paper
from workflow.lib.runtime.files import InputError, atomic, write_text
from workflow.lib.simulation.archive import write_archive

ROOM = 16_384  # bytes; too few for any of the files
SIZES = 1, 20, 20, (8, 8)  # of the simulated archive
TEX = r"\documentclass{article}\begin{document}" + "word " * 20_000 + r"\end{document}"


def save_checkpoint(path: Path) -> None:
    with atomic(path) as part:
        torch.save({"network": torch.rand(100_000)}, part)


def draw(path: Path) -> None:
    rows = [
        {"network": network, "fold": 1, "seed": 1, "epoch": epoch, "selected": epoch == 9}
        for network in ("eulernet", "sequencenet")
        for epoch in range(1, 10)
    ]
    table = pd.DataFrame(rows).assign(training_loss=1.0, validation_median_deg=2.0)
    titles = {"eulernet": "EulerNet", "sequencenet": "SequenceNet"}
    plot_learning_curves(
        table, titles, list(titles), True, Path("paper/style/figures.mplstyle"), [path]
    )


def write_csv(path: Path) -> None:
    with atomic(path) as part:
        pd.DataFrame(np.zeros((9999, 5))).to_csv(part, index=False)


def compile_paper(path: Path) -> None:
    with TemporaryDirectory() as sources:
        Path(sources, "main.tex").write_text(TEX)
        build_paper(Path(sources), [], path, path.with_name("paper.log"))


def writers(archive: Path) -> dict[str, Callable[[Path], None]]:
    """For each file name, a function that writes it."""
    weights = {"weight": torch.rand(100_000)}
    return {
        "SIMULATED.json": lambda path: write_archive(path.parents[1], *SIZES),
        "dataset.h5": lambda path: ingest(archive, path, "simulated"),
        "scans.h5": lambda path: ingest_scans(archive, path, "simulated"),
        "predictions.h5": lambda path: write_arrays(path, {"angle": np.zeros(9999)}, {"n": 1}),
        "checkpoint.pt": save_checkpoint,
        "weights.safetensors": lambda path: save_model(
            weights, {}, path, path.with_suffix(".json")
        ),
        "figure.png": draw,
        "training.csv": write_csv,
        "table.tex": lambda path: write_text(path, "word " * 20_000),
        "release.zip": lambda path: pack_release(path, {"weights": bytes(100_000)}),
        "paper.pdf": compile_paper,
    }


def fill(folder: Path, room: int) -> None:
    """Leave `room` bytes of the disk of `folder` free."""
    disk = os.statvfs(folder)
    with open(folder / "filler", "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, disk.f_bavail * disk.f_frsize - room)


def attempt(write: Callable[[Path], None], path: Path) -> str:
    try:
        write(path)
    except InputError as error:
        return f"error: {error}"
    except Exception as error:
        return f"raised {error!r}"
    return "nothing"


def main(folder: Path, archive: Path, kind: str) -> None:
    write_archive(archive, *SIZES)
    files = writers(archive)
    if kind == "file":
        del files["paper.pdf"]  # LaTeX's programs are killed by this limit, without a word
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))
    answers = {}
    for room in (0, ROOM) if kind == "disk" else (ROOM,):
        for name, write in files.items():
            path = folder / "data" / name
            path.parent.mkdir()
            path.write_text("old")
            if kind == "disk":
                fill(folder, room)
            said = attempt(write, path)
            left = sorted(file.name for file in path.parent.rglob("*"))
            answers[f"{name}, {room}"] = said, left, path.read_text() == "old"
            shutil.rmtree(path.parent)
            (folder / "filler").unlink(missing_ok=True)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
