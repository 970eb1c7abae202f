"""Releases of a small run that learnt nothing, as they are made and as others may forge them."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.quaternions import random_quaternions
from workflow.lib.inference.predictions import Predictions, write_predictions
from workflow.lib.maps.release import Run, Trained, open_release
from workflow.lib.maps.signal_space import fit_signal_space
from workflow.lib.models.registry import make_task
from workflow.lib.models.saved import save_model
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.scripts.release import main

Files = dict[str, bytes]  # of a release, by name
ROOT = Path(__file__).parents[3]
N = 40  # signals of a test specimen
ARCHITECTURES = {
    "euler": ("eulernet", {"input": "standardised", "encoder": "equivariant", "body": "deep"}),
    "writer": (
        "sequencenet",
        {
            "tokenizer": "digit", "cell": "lstm", "layers": 1, "width": 8, "dropout": 0.1,
            "conditioning": "initial_state", "roll_embedding": False, "encoder": "equivariant",
            "body": "deep",
        },
    ),
}  # fmt: skip
TITLES = {"euler": "EulerNet", "writer": "SequenceNet"}
# A fold that only one of them has, and a seed that is not on it
TRAININGS = [
    *(("euler", fold, seed) for fold, seed in ((1, 1), (1, 2), (8, 1))),
    *(("writer", 1, seed) for seed in (1, 2)),
]
ANOMALY = {"components": 4, "false_alarms": 0.1}
CODE = {"commit": "0123abc", "uncommitted_changes": False}
RUN = Run("small", TITLES, ("writer", 1, 1), ANOMALY, CODE, resamples=200)


def signals_of(fold: int, n: int = 60) -> np.ndarray:
    return simulate_specimen(n, SPECIMENS[fold - 1], stream(1, 0, fold))[0]


def errors_deg(network: str, fold: int, seed: int) -> np.ndarray:
    """What is said of a training's plain answers; with TTA half of it."""
    random = np.random.default_rng([len(network), fold, seed])
    return random.exponential(3 + fold, N)


def train(folder: Path, network: str, fold: int, seed: int, simulated: bool = True) -> Trained:
    """The files of a training that was none."""
    name, architecture = ARCHITECTURES[network]
    torch.manual_seed(100 * fold + seed)
    task = make_task(name, architecture)
    own = folder / f"{network}/{fold}/{seed}"
    files = Trained(own / "weights.safetensors", own / "model.json", own / "predictions.h5")
    description = {"name": network, "network": name, "architecture": architecture}
    description |= {"fold": fold, "seed": seed, "n_training": 50 + fold, "n_validation": 5}
    save_model(task.network.state_dict(), description, files.weights, files.model)
    deg = errors_deg(network, fold, seed)
    answer = random_quaternions(N, seed).numpy()
    unanswered = answer.copy()
    unanswered[:seed] = np.nan
    attributes = {
        "network": network, "fold": fold, "seed": seed, "sha256": "5a" * 32,
        "source": "simulated benchmark sim-v1" if simulated else "local archive",
        "simulated": simulated,
    }  # fmt: skip
    predictions = Predictions(unanswered, answer, answer, deg, deg / 2)
    write_predictions(files.predictions, predictions, attributes)
    return files


def train_all(folder: Path, simulated: bool = True) -> list[Trained]:
    return [train(folder, *training, simulated=simulated) for training in TRAININGS]


def fit_spaces(folder: Path) -> list[Path]:
    paths = []
    for fold in sorted({fold for _, fold, _ in TRAININGS}):
        signals = signals_of(fold)
        paths.append(folder / f"spaces/{fold}.safetensors")
        paths[-1].parent.mkdir(exist_ok=True)
        fit_signal_space(signals[:50], signals[50:], **ANOMALY).save(paths[-1])
    return paths


def release(folder: Path, path: Path, run: Run = RUN, simulated: bool = True) -> Path:
    """A release.zip at `path`, of a run whose files are below `folder`."""
    main(train_all(folder, simulated), fit_spaces(folder), ROOT / "LICENSE", run, path)
    return path


def files_in(path: Path) -> Files:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def written(path: Path, files: Files, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def forged(path: Path, files: Files, compression: int = zipfile.ZIP_STORED) -> Path:
    """As `written`, with sums that agree: who forges a release makes those as well."""
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in files.items()
        if name != "SHA256SUMS"
    ]
    return written(path, files | {"SHA256SUMS": "".join(lines).encode()}, compression)


def refused(path: Path, *asked) -> str:
    """What is said of the release at `path` behind its name."""
    with pytest.raises(InputError) as caught:
        open_release(path).choose(*asked)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < 400 + len(str(path))
    return message.removeprefix(f"{path}: ")
