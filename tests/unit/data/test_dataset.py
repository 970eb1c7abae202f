"""dataset.py: what ingest writes agrees with SciPy and hashlib; broken files are named."""

import hashlib
import json
import logging
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.archive.layout import find_files
from workflow.lib.data.dataset import (
    ingest,
    orientation_from_euler,
    read_attributes,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, opened
from workflow.scripts import ingest as script

CONVENTION = "intrinsic ZYZ, radians, crystal to specimen, quaternion w x y z"


def specimen(seed: int, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    signals = rng.integers(0, 256, (n, 6, 72)).astype(np.float32)
    return {"xtr": signals, "ytr": rng.uniform(0, (6, 3, 6), (n, 3))}


@pytest.fixture
def archive(tmp_path):
    """An archive of three specimens with 5, 6, 7 training and 3 evaluation signals."""
    root = tmp_path / "archive"
    for k in (1, 2, 3):
        for kind, n in (("training", 4 + k), ("evaluation", 3)):
            folder = root / "data" / f"{kind}_sets"
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{k:02d}.npy", specimen(10 * k + n, n))
    return root


def mark_simulated(archive, text='{"simulated": true, "benchmark": "sim-v1"}'):
    (archive / "data" / "SIMULATED.json").write_text(text)


def test_ingest_writes_the_data_contract(archive, tmp_path):
    dataset = tmp_path / "results" / "dataset.h5"
    ingest(archive, dataset, "mendeley")
    with h5py.File(dataset) as file:
        assert set(file) == {"training", "evaluation"}
        for kind, sizes in (("training", (5, 6, 7)), ("evaluation", (3, 3, 3))):
            assert list(file[kind]) == ["01", "02", "03"]
            for k, n in enumerate(sizes, start=1):
                group, expected = file[kind][f"{k:02d}"], specimen(10 * k + n, n)
                assert {name: array.dtype.str for name, array in group.items()} == {
                    "signals": "|u1",
                    "euler_zyz_rad": "<f8",
                    "orientation": "<f8",
                }
                np.testing.assert_array_equal(group["signals"], expected["xtr"])
                np.testing.assert_array_equal(group["euler_zyz_rad"], expected["ytr"])
                matrix = Rotation.from_quat(group["orientation"], scalar_first=True).as_matrix()
                reference = Rotation.from_euler("ZYZ", expected["ytr"]).as_matrix()
                np.testing.assert_allclose(matrix, reference, atol=1e-14)
    assert [path.name for path in dataset.parent.iterdir()] == ["dataset.h5"]


def test_attributes_say_where_the_data_are_from(archive, tmp_path):
    dataset = tmp_path / "dataset.h5"
    ingest(archive, dataset, "mendeley")
    names = sorted(str(path.relative_to(archive / "data")) for path in archive.rglob("*.npy"))
    lines = [
        f"{hashlib.sha256((archive / 'data' / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
    ]
    assert read_attributes(dataset) == {
        "source": "Mendeley Data z8bh7n5b7d.1",
        "convention": CONVENTION,
        "simulated": False,
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def test_ingest_again_gives_the_same_bytes(archive, tmp_path):
    for name in ("a.h5", "b.h5"):
        ingest(archive, tmp_path / name, "archive")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("source", ["simulated", "archive", "mendeley"])
def test_a_simulated_archive_says_so_whatever_the_config_says(source, archive, tmp_path, caplog):
    mark_simulated(archive)
    assert find_files(archive).marker is not None
    with caplog.at_level(logging.INFO):
        ingest(archive, tmp_path / "dataset.h5", source)
    attributes = read_attributes(tmp_path / "dataset.h5")
    assert attributes["simulated"] is True
    assert attributes["source"] == "simulated benchmark sim-v1"
    assert ("marked as simulated" in caplog.text) == (source != "simulated")


def test_simulated_data_must_say_so(archive, tmp_path):
    assert find_files(archive).marker is None
    with pytest.raises(InputError, match=r"archive: holds no SIMULATED\.json"):
        ingest(archive, tmp_path / "dataset.h5", "simulated")
    with pytest.raises(InputError, match="'mendely': expected one of mendeley, archive, simul"):
        ingest(archive, tmp_path / "dataset.h5", "mendely")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "lacks a benchmark name"),
        (json.dumps({"benchmark": "two\nlines"}), "lacks a benchmark name"),
        (json.dumps({"benchmark": 1}), "lacks a benchmark name"),
        (" " * 2**21, "expected a small JSON file"),
    ],
)
def test_a_broken_marker_is_named(text, message, archive, tmp_path):
    mark_simulated(archive, text)
    with pytest.raises(InputError, match=rf"SIMULATED\.json: .*{message}"):
        ingest(archive, tmp_path / "dataset.h5", "simulated")


def test_quaternions_of_known_angles():
    """By hand: turns by t are (cos t/2, 0, 0, sin t/2) about z, on y alike."""
    half = np.sqrt(0.5)
    euler = np.array([[0, 0, 0], [np.pi / 2, 0, 0], [0, np.pi / 2, 0], [3 * np.pi / 2, 0, 0]])
    expected = [[1, 0, 0, 0], [half, 0, 0, half], [half, 0, half, 0], [half, 0, 0, -half]]
    np.testing.assert_allclose(orientation_from_euler(euler), expected, atol=1e-15)


def test_orientation_takes_crystal_to_specimen_in_zyz():
    """The crystal's z axis points to polar angle β and azimuth α of the specimen."""
    alpha, beta, gamma = np.random.default_rng(3).uniform(0, 3, (3, 100))
    q = orientation_from_euler(np.stack([alpha, beta, gamma], axis=1))
    assert (q[:, 0] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1, atol=1e-15)
    z_axis = Rotation.from_quat(q, scalar_first=True).apply([0, 0, 1])
    polar = [np.sin(beta) * np.cos(alpha), np.sin(beta) * np.sin(alpha), np.cos(beta)]
    np.testing.assert_allclose(z_axis, np.stack(polar, axis=1), atol=1e-14)


def test_broken_hdf5_files_are_named(archive, tmp_path):
    dataset = tmp_path / "dataset.h5"
    with pytest.raises(InputError, match=r"dataset\.h5: no such file"):
        read_attributes(dataset)
    ingest(archive, dataset, "archive")
    content = dataset.read_bytes()
    for broken in (b"", b"text", content[:100], content[: len(content) // 2]):
        dataset.write_bytes(broken)
        with pytest.raises(InputError, match=r"dataset\.h5: not a readable HDF5 file"):
            read_attributes(dataset)


def test_hdf5_files_that_lack_something_are_named(archive, tmp_path):
    dataset = tmp_path / "dataset.h5"
    ingest(archive, dataset, "archive")
    with opened(dataset) as file:
        with pytest.raises(InputError, match=r"dataset\.h5: / lacks 'test'; it holds evaluation"):
            member(file, "test")
        with pytest.raises(InputError, match="/training/01/signals lacks 'x'; it holds numbers"):
            member(member(file, "training/01/signals"), "x")
    with h5py.File(dataset, "r+") as file:
        del file.attrs["simulated"]
    with pytest.raises(InputError, match="lacks the attribute 'simulated'"):
        read_attributes(dataset)


@pytest.mark.parametrize("name", ["archive.zip", "archive.ZIP"])
def test_the_script_takes_a_folder_or_a_zip(name, archive, tmp_path):
    shutil.make_archive(tmp_path / "archive", "zip", archive.parent, "archive")
    zip_path = (tmp_path / "archive.zip").rename(tmp_path / name)
    for root, out in ((archive, "from folder"), (zip_path, "from zip")):
        folder = tmp_path / out
        script.main(root, folder / "dataset.h5", folder / "scans.h5", "archive", 3)
        assert sorted(path.name for path in folder.iterdir()) == ["dataset.h5", "scans.h5"]
    datasets = [tmp_path / out / "dataset.h5" for out in ("from folder", "from zip")]
    assert datasets[0].read_bytes() == datasets[1].read_bytes()


def test_the_script_removes_what_it_unpacked_after_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        file.writestr("data/readme.txt", "nothing else")
    out = tmp_path / "out"
    with pytest.raises(InputError, match="holds no training_sets"):
        script.main(tmp_path / "archive.zip", out / "dataset.h5", out / "scans.h5", "archive", 2)
    assert list(out.iterdir()) == []
