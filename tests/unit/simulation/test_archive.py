"""The simulated archive: the files of the real one, readable by the same loader, repeatable."""

import json

import numpy as np
import pytest

from workflow.lib.archive.npy.load import load_dict, open_array
from workflow.lib.runtime.files import InputError, sha256
from workflow.lib.simulation.archive import archive_files, write_archive
from workflow.lib.simulation.reflectance import benchmark
from workflow.scripts import simulate

SIZES = {
    "seed": 3,
    "n_training": 6,
    "n_evaluation": 4,
    "scan_shape": (8, 10),
    "facet_amplitude": 0.15,
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    simulate.main(folder=folder, **SIZES)
    return folder


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_archive_has_exactly_the_files_of_the_dataset_and_the_marker(archive):
    numbers = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"]
    expected = {f"data/{kind}_sets/{n}.npy" for kind in ("training", "evaluation") for n in numbers}
    expected |= {"data/samples/08/drm_data.npy", "data/samples/08/eulers.npy"}
    expected |= {"data/anomaly_specimen.npy", "data/SIMULATED.json"}
    assert files_below(archive) == expected == set(archive_files())


@pytest.mark.parametrize(("kind", "n"), [("training", 6), ("evaluation", 4)])
def test_sets_are_pickled_dicts_that_the_loader_takes(archive, kind, n):
    for number in range(1, 11):
        content = load_dict(archive / "data" / f"{kind}_sets" / f"{number:02d}.npy")
        assert sorted(content) == ["xtr", "ytr"]
        assert content["xtr"].shape == (n, 6, 72)
        assert content["xtr"].dtype == np.uint8
        assert content["ytr"].shape == (n, 3)
        assert content["ytr"].dtype == np.float64
        assert (content["ytr"] >= 0).all()
        assert (content["ytr"] <= [2 * np.pi, np.pi, 2 * np.pi]).all()


def test_scans_are_plain_arrays(archive):
    for name in ("samples/08/drm_data.npy", "anomaly_specimen.npy"):
        scan = open_array(archive / "data" / name)
        assert scan.shape == (8, 10, 6, 72)
        assert scan.dtype == np.uint8
    euler = open_array(archive / "data/samples/08/eulers.npy")
    assert euler.shape == (8, 10, 3)
    assert euler.dtype == np.float32


def test_marker_says_what_was_simulated(archive):
    marker = json.loads((archive / "data/SIMULATED.json").read_text(encoding="utf-8"))
    assert marker["simulated"] is True
    assert marker["benchmark"] == "sim-v1"
    settings = marker["settings"]
    assert (settings["seed"], settings["n_training"], settings["n_evaluation"]) == (3, 6, 4)
    assert settings["scan_shape"] == [8, 10]
    assert settings["facet_amplitude"] == 0.15
    assert settings["specimens"]["04"]["fibre_fraction"] == 0.8


def test_sets_do_not_repeat_each_other(archive):
    signals = [
        load_dict(archive / name)["xtr"].tobytes() for name in archive_files() if "_sets/" in name
    ]
    assert len(set(signals)) == 20


def hashes(folder):
    return {name: sha256(folder / name) for name in archive_files()}


def test_the_same_seed_gives_the_same_bytes(archive, tmp_path):
    write_archive(tmp_path, **SIZES)
    assert hashes(tmp_path) == hashes(archive)


def test_the_size_of_a_set_changes_no_other_set(archive, tmp_path):
    write_archive(tmp_path, seed=3, n_training=6, n_evaluation=5, scan_shape=(9, 10))
    before, after = hashes(archive), hashes(tmp_path)
    same = {name for name in before if before[name] == after[name]}
    assert same == {name for name in before if "training_sets" in name}


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("seed", -1, "-1"),
        ("n_training", 0, "0"),
        ("n_evaluation", -5, "-5"),
        ("scan_shape", (0, 10), r"\[0, 10\]"),
        ("scan_shape", (10,), r"\[10\]"),
        ("facet_amplitude", -0.1, "-0.1"),
        ("facet_amplitude", 1.5, "1.5"),
    ],
)
def test_sizes_out_of_range_are_refused_before_anything_is_written(tmp_path, key, value, found):
    with pytest.raises(InputError, match=rf"^{key}: found {found}, expected .*$"):
        write_archive(tmp_path, **{**SIZES, key: value})
    assert files_below(tmp_path) == set()


# Counts summed, from before the facet amplitude was a setting. Another processor may round a
# pixel in ten thousand otherwise, by one.
FROZEN = [
    198908,
    147362,
    111825,
    127694,
    161377,
    125073,
    151453,
    157402,
    133369,
    147186,
    117397,
    103210,
    71853,
    109236,
    105988,
    88441,
    125136,
    75250,
    122002,
    79758,
    1582225,
    1464282,
]


def test_the_benchmark_is_frozen(archive):
    found = [int(load_dict(archive / name)["xtr"].sum()) for name in archive_files()[1:21]]
    for name in archive_files()[21:]:
        if "eulers" not in name:
            found.append(int(open_array(archive / "data" / name.removeprefix("data/"))[:].sum()))
    np.testing.assert_allclose(found, FROZEN, rtol=0, atol=5)


def test_another_amplitude_has_another_name_and_the_same_labels(archive, tmp_path):
    simulate.main(folder=tmp_path, **{**SIZES, "facet_amplitude": 0.02})
    marker = json.loads((tmp_path / "data/SIMULATED.json").read_text(encoding="utf-8"))
    assert marker["benchmark"] == "sim-c0.02"
    assert marker["settings"]["facet_amplitude"] == 0.02
    for name in archive_files()[1:21]:
        first, second = load_dict(archive / name), load_dict(tmp_path / name)
        assert (first["ytr"] == second["ytr"]).all()
        difference = first["xtr"].astype(int) - second["xtr"]
        assert 0 < np.abs(difference).mean() < 20


def test_only_the_frozen_amplitude_is_called_by_the_benchmarks_name():
    assert benchmark() == benchmark(0.15) == "sim-v1"
    assert [benchmark(c) for c in (0, 0.0, 0.1, 0.150001)] == [
        "sim-c0", "sim-c0", "sim-c0.1", "sim-c0.150001",
    ]  # fmt: skip
