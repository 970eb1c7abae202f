"""Hostile and broken files: each is refused quickly, cheaply, in one line, running nothing."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hostile_corpus import CORPUS, SENTINEL, Call, npy, saved
from measured_loading import measure

from workflow.lib.archive.npy import interpreter as safe_pickle
from workflow.lib.archive.npy.arrays import Refused
from workflow.lib.archive.npy.load import load_dict, open_array
from workflow.lib.archive.specimen import validate_specimen
from workflow.lib.data.dataset import ingest
from workflow.lib.runtime.files import InputError

SECONDS, MEGABYTES = 1.0, 200


def one_specimen(n: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n)
    signals = rng.integers(0, 256, (n, 6, 72)).astype(np.uint8)
    return {"xtr": signals, "ytr": rng.uniform(0, 3, (n, 3))}


def load_specimen(path: Path) -> tuple[np.ndarray, np.ndarray]:
    arrays = load_dict(path)
    return validate_specimen(arrays["xtr"], arrays["ytr"], path)


@pytest.mark.parametrize("name", CORPUS)
def test_is_refused_in_one_line_for_the_right_reason(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reason, content = CORPUS[name]
    path = tmp_path / f"{name}.npy"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_specimen(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message.removeprefix(str(path))
    assert len(message.splitlines()) == 1
    assert len(message) - len(str(path)) < 200
    with pytest.raises(InputError, match=name):
        open_array(path)
    assert not Path(SENTINEL).exists()


def test_each_refusal_is_quick_and_cheap_and_runs_nothing(tmp_path):
    files = {name: content for name, (_, content) in CORPUS.items()}
    honest = {str(protocol): saved(one_specimen(), protocol) for protocol in range(6)}
    measured = measure(files, honest, tmp_path)
    assert set(measured["outcomes"].values()) == {"refused"}
    assert len(measured["seconds"]) == len(CORPUS) >= 25
    assert max(measured["seconds"].values()) < SECONDS
    assert measured["peak_mb"] < MEGABYTES
    assert measured["events"] == []
    assert not (tmp_path / SENTINEL).exists()


def test_the_payloads_are_real(tmp_path, monkeypatch):
    """Python's own unpickler would run them: without this, the tests above could be empty."""
    monkeypatch.chdir(tmp_path)
    _, content = CORPUS["os_system_protocol_4"]
    pickle.loads(content[content.index(b"\x80\x04") :])
    assert Path(SENTINEL).exists()


@pytest.mark.parametrize("protocol", range(6))
def test_every_truncation_of_a_pickle_is_refused(protocol):
    content = saved(one_specimen(), protocol)
    start = content.index(b"\n") + 1
    for end in range(start, len(content)):
        with pytest.raises(Refused, match=r"truncated|malformed"):
            safe_pickle.read(content[:end], start)


def test_every_truncation_of_a_header_is_refused(tmp_path):
    path = tmp_path / "01.npy"
    content = saved(one_specimen())
    for end in [*range(140), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=r"01\.npy: .*(truncated|malformed|empty)"):
            load_dict(path)


def test_truncated_and_padded_scans_are_refused(tmp_path):
    path = tmp_path / "drm_data.npy"
    np.save(path, one_specimen(4)["xtr"].reshape(2, 2, 6, 72))
    content = path.read_bytes()
    for length in [*range(0, 140, 3), *range(140, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"drm_data\.npy: .*(truncated|empty)"):
            open_array(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="longer than declared"):
        open_array(path)


def test_mutations_are_read_or_refused_but_never_crash(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "01.npy"
    honest = [saved(one_specimen(1), protocol) for protocol in range(6)]
    outcomes = {"read": 0, "refused": 0}
    for i in range(600):
        content = bytearray(honest[i % 6])
        for _ in range(rng.integers(1, 4)):
            # Data bytes are most of the file; the pickle's own are at both of its ends.
            place = rng.choice([rng.integers(len(content)), rng.integers(128, 400)])
            content[place] = rng.choice(bytearray(b".(}]tRbcNhqK\x85\x86\x87\x8c\x94\x93saeu\xff0"))
        path.write_bytes(content)
        try:
            load_specimen(path)
        except InputError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
    assert min(outcomes.values()) > 25


@pytest.mark.parametrize("place", ["training_sets/02.npy", "evaluation_sets/03.npy"])
def test_ingest_leaves_nothing_half_written(place, tmp_path):
    root, dataset = tmp_path / "archive", tmp_path / "out" / "dataset.h5"
    for kind in ("training_sets", "evaluation_sets"):
        (root / kind).mkdir(parents=True)
        for specimen in ("01", "02", "03"):
            (root / kind / f"{specimen}.npy").write_bytes(saved(one_specimen()))
    (root / place).write_bytes(npy(pickle.dumps(Call(print, "executed"))))
    with pytest.raises(InputError, match=place):
        ingest(root, dataset, "archive")
    assert list(dataset.parent.iterdir()) == []
