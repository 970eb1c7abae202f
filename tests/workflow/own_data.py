"""A user's own data: small archives of a few specimens, and the config that takes them."""

from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np

from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

KINDS = ("training", "evaluation")


def save_set(path: Path, signals: np.ndarray, euler: np.ndarray, **more: object) -> None:
    """A set as the dataset has them: a pickled dict in a .npy file; `more` are further keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, {"xtr": signals, "ytr": euler, **more}, allow_pickle=True)


def grains(specimen: int, kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Signals uint8 (n, 6, 72) of simulated grains and their Euler angles (n, 3)."""
    return simulate_specimen(n, SPECIMENS[specimen - 1], stream(7, KINDS.index(kind), specimen))


def write_archive(folder: Path, specimens: int = 3, n: int = 30) -> Path:
    """Training and evaluation sets of the first specimens, without a mark that they are simulated.

    Returns the folder.
    """
    for kind in KINDS:
        for specimen in range(1, specimens + 1):
            path = folder / f"{kind}_sets/{specimen:02d}.npy"
            save_set(path, *grains(specimen, kind, n))
    return folder


def own_config(archive: object, run: str = "own", specimens: int = 3, more: str = "") -> str:
    """YAML on top of config/ci.yaml for a run on the archive; `more`: further lines of it."""
    return (
        f"run: {run}\ndata: {{source: archive, archive: '{archive}'}}\n"
        f"specimens: {specimens}\nfolds: [1]\ntable_fold: 1\n{more}"
    )


def said(done: CompletedProcess) -> str:
    """All that a command printed."""
    return done.stdout + done.stderr


def the_error(done: CompletedProcess) -> str:
    """The one line with which a script ended; fails if there is none, more, or a traceback."""
    assert done.returncode == 1, said(done)
    assert "Traceback" not in said(done), said(done)
    lines = {line for line in said(done).splitlines() if line.startswith("error: ")}
    assert len(lines) == 1, said(done)
    return lines.pop()


def files_below(folder: Path) -> Mapping[str, int]:
    """Name and size of every file below a folder, to compare what is on disk before and after."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
