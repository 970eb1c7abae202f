"""The benchmarks run and report; their baselines do the same as the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.benchmarks import bench, report
from tests.benchmarks.baselines import data as plain_data
from tests.benchmarks.baselines import evaluation, networks, training
from tests.benchmarks.measure import QUICK, Row, alternate, bound_by_products, compare
from tests.benchmarks.problem import measured_again, published, simulated, teach, training_data
from workflow.lib.data.dataset import ingest
from workflow.lib.data.scans import ingest_scans
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.registry import make_task
from workflow.lib.orientation import azimuth_rotation, misorientation_deg, multiply
from workflow.lib.signals.rolls import roll_azimuth, standardise
from workflow.lib.simulation.archive import write_archive
from workflow.lib.simulation.reflectance import ideal_signal, random_orientations, random_weights

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
COLUMNS = (
    "work", "unit", "ours", "baseline", "baseline_value", "ratio", "limit", "limit_share",
    "beside_busy_core", "note",
)  # fmt: skip
WORKS = (
    "train SequenceNet", "train EulerNet", "predict, SequenceNet", "TTA, SequenceNet",
    "TTA, equivariant encoder", "TTA, EulerNet", "64 draws", "beam of 16", "map, SequenceNet",
    "map, EulerNet", "misorientation", "medoid", "digit tokens", "decimal tokens", "simulator",
    "ingest",
)  # fmt: skip


def test_the_quick_run_writes_a_complete_report(tmp_path):
    command = [sys.executable, "tests/benchmarks/bench.py", "--quick", "--threads", "1"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--output", tmp_path],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "bench.json").read_text())
    assert content["machine"]["threads"] == 1
    assert all(peak > 0 for peak in content["machine"]["peak_gflops"].values())
    for row, repeats in zip(content["rows"], content["repeats"], strict=True):
        assert tuple(row) == COLUMNS
        if row["ratio"] is None:
            assert row["note"].startswith("not ")
            continue
        assert row["baseline"]
        assert row["ours"] > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["baseline_value"])
        assert repeats.get("ours", [row["ours"]]) == [row["ours"]]
    works = " ".join(row["work"] for row in content["rows"] if row["ours"])
    for work in WORKS:
        assert work in works
    markdown = (tmp_path / "bench.md").read_text()
    assert done.stdout == markdown
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(content["rows"])
    assert {line.count("|") for line in table} == {len(report.HEADER) + 1}


def test_a_benchmark_that_fails_or_lacks_a_package_loses_no_other(monkeypatch, capsys):
    def lacking(device, sizes):
        raise ModuleNotFoundError("No module named 'orix'")

    def failing(device, sizes):
        raise ValueError("broken")

    def working(device, sizes):
        return [Row("work", "items/s", 2.0, "loop", 1.0, 2.0)]

    two = {"a": lacking, "b": working}
    monkeypatch.setattr(bench, "BENCHMARKS", two)
    rows, sound = bench.measure_all(CPU, QUICK)
    assert sound
    assert [row.note for row in rows] == ["not measured: No module named 'orix'", ""]
    monkeypatch.setattr(bench, "BENCHMARKS", {"c": failing, **two})
    rows, sound = bench.measure_all(CPU, QUICK)
    assert not sound
    assert rows[0].note == "failed: ValueError: broken"
    assert rows[2].ours == 2.0
    assert "broken" in capsys.readouterr().err


def test_sides_take_turns_and_the_best_of_each_counts():
    calls, rates = [], iter(range(100))

    def side(name):
        def measured():
            calls.append(name)
            return float(next(rates))

        return measured

    names = ("ours", "baseline", "float32 product")
    result = alternate({name: side(name) for name in names}, repeats=2)
    assert calls == list(names) * 3
    assert result == {"ours": [3, 6], "baseline": [4, 7], "float32 product": [5, 8]}
    row = compare("work", "items/s", result, "ours", "loop")
    assert (row.ours, row.baseline_value, row.ratio) == (6, 7, 6 / 7)
    row = bound_by_products(row, result, "float32", operations=1.2)
    assert row.limit_share == pytest.approx(6 * 1.2 / 8)


@pytest.mark.parametrize("value", [0.0123, 1.5, 23.45, 678.9, 12345.0, 2e6])
def test_rates_keep_three_digits(value):
    text = report._rate(value, "signals/s").removesuffix(" signals/s").replace(",", "")
    assert float(text) == pytest.approx(value, rel=5e-3)
    assert len(text.strip("0").replace(".", "").strip("0")) <= 3


def test_plain_sequencenet_has_the_logits_loss_and_sequences_of_the_library():
    task, _ = published("sequencenet")
    task.network.eval()
    plain = networks.PlainSequenceNet().eval()
    networks.copy_weights(plain, task.network)
    learnt = simulated(16, specimen=1)
    data, rolls = training_data(task, learnt, CPU), torch.arange(16) * 4
    prepared = standardise(roll_azimuth(data.signals, rolls))
    tokens = data.target[torch.arange(16), rolls].long()
    with torch.no_grad():
        expected = task.network(prepared, rolls, tokens[:, :-1])
        assert (plain(prepared, rolls, tokens[:, :-1]) - expected).abs().max() < 1e-4
        loss = training.sequence_loss(plain, prepared, rolls, tokens)
        assert loss.item() == pytest.approx(
            task.loss(data.signals, rolls[:, None], data.target).item(), abs=1e-5
        )
    assert torch.equal(plain.generate(prepared, rolls), task.network.generate(prepared, rolls))

    items = training.SequenceItems(learnt.signals, data.target.numpy())
    inputs, roll, symbols = items[5 * 72 + 20]
    assert roll == rolls[5] == 20
    assert np.abs(inputs - prepared[5].numpy()).max() < 1e-3
    assert symbols.tolist() == tokens[5].tolist()


def test_plain_eulernet_has_the_angles_and_the_loss_of_the_library():
    task, _ = published("eulernet")
    task.gain_sd = 0.0
    plain = networks.PlainEulerNet()
    networks.copy_weights(plain, task.network)
    learnt = simulated(16, specimen=1)
    data, rolls = training_data(task, learnt, CPU), torch.arange(16) * 4
    items = training.EulerItems(learnt.signals, learnt.euler_rad, gain_sd=0.0)
    signals, euler_rad = (
        torch.from_numpy(np.stack(part))
        for part in zip(*(items[72 * n + 4 * n] for n in range(16)), strict=True)
    )
    with torch.no_grad():
        assert (plain(signals) - task.network(signals)).abs().max() < 1e-4
        loss = training.euler_loss(plain, signals, euler_rad)
        assert loss.item() == pytest.approx(
            task.loss(data.signals, rolls[:, None], data.target).item(), abs=1e-3
        )


def test_other_weights_are_refused():
    other = make_task("sequencenet", {"layers": 2}).network
    with pytest.raises(ValueError, match="nothing like"):
        networks.copy_weights(networks.PlainSequenceNet(), other)
    with pytest.raises(ValueError, match="weights more"):
        networks.copy_weights(networks.PlainSequenceNet(layers=1), other)


def test_stepwise_answers_and_their_medoids_are_the_library_s():
    torch.manual_seed(0)
    learnt = simulated(1, specimen=1)
    task = teach(make_task("sequencenet", {"layers": 1}), learnt, CPU, 150, learning_rate=5e-3)
    plain = networks.PlainSequenceNet(layers=1).eval()
    networks.copy_weights(plain, task.network)
    signals = measured_again(learnt, 3)
    answer = evaluation.sequence_answers(plain)

    tensor = torch.from_numpy(signals)
    expected, valid = predict_plain(task, tensor)
    assert valid.all()
    assert _apart_deg(evaluation.predict_plain(answer, signals), expected) < 1e-6
    expected, _ = predict_tta(task, tensor)
    assert _apart_deg(evaluation.predict_tta(answer, signals), expected) < 1e-6


def test_votes_turn_back_and_invalid_ones_have_no_say():
    q = torch.nn.functional.normalize(torch.randn(5, 4, dtype=torch.float64), dim=-1)
    turned = multiply(azimuth_rotation(9), q).numpy()
    turned[2] = np.nan
    back = evaluation.turned_back(turned, 9)
    keep = [0, 1, 3, 4]
    assert _apart_deg(back[keep], q[keep]) < 1e-6
    assert np.isnan(back[2]).all()
    assert np.isfinite(evaluation.medoid(back)).all()
    assert np.isnan(evaluation.medoid(np.full((3, 4), np.nan))).all()


def test_plain_simulator_computes_the_same_signal():
    rng = np.random.default_rng(0)
    orientation, weights = random_orientations(8, 0.0, rng), random_weights(8, rng)
    half = plain_data.half_vectors()
    rotations = Rotation.from_quat(orientation, scalar_first=True)
    signals = [
        plain_data.ideal_signal(rotation, weight, half)
        for rotation, weight in zip(rotations, weights, strict=True)
    ]
    assert np.allclose(np.stack(signals), ideal_signal(orientation, weights), atol=1e-9)


def test_plain_ingest_writes_the_same_arrays(tmp_path):
    archive = tmp_path / "archive"
    write_archive(archive, seed=1, n_training=3, n_evaluation=2, scan_shape=(4, 5))
    ingest(archive, tmp_path / "ours.h5", "simulated")
    ingest_scans(archive, tmp_path / "ours_scans.h5", "simulated")
    plain_data.ingest(archive, tmp_path / "plain.h5", tmp_path / "plain_scans.h5")
    for name in ("", "_scans"):
        ours, plain = _arrays(tmp_path / f"ours{name}.h5"), _arrays(tmp_path / f"plain{name}.h5")
        assert ours.keys() == plain.keys()
        for key, array in ours.items():
            assert np.array_equal(array, plain[key], equal_nan=array.dtype.kind == "f"), key


def _arrays(path: Path) -> dict[str, np.ndarray]:
    found = {}

    def keep(name, member):
        if isinstance(member, h5py.Dataset):
            found[name] = member[:]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def _apart_deg(answer: np.ndarray, expected: torch.Tensor) -> float:
    return misorientation_deg(torch.from_numpy(answer), expected).max().item()
