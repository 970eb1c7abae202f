"""A user's archive in whatever form: read, or refused in one line that says what to do."""

import datetime
import io
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from tests.workflow.own_data import (
    files_below,
    grains,
    own_config,
    said,
    save_set,
    the_error,
    write_archive,
)
from workflow.lib.data.dataset import read_attributes

BY_HAND = "unpack it by hand and give the folder as data.archive"


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """Three specimens, as a user keeps them; specimen 02 has notes of all kinds in its sets."""
    folder = write_archive(tmp_path_factory.mktemp("own") / "given")
    for kind in ("training", "evaluation"):
        notes = {
            "measured": datetime.datetime(2025, 3, 1, 12),
            "grains": pd.DataFrame({"id": [1, 2], "phase": ["fcc", "bcc"]}),
            "raw": Path("/microscope/02.tif"),
            "operators": {"K.", "P."},
            "etchant": None,
            "settings": {1: 0.5, "angles": np.zeros(2, complex)},
        }
        save_set(folder / f"{kind}_sets/02.npy", *grains(2, kind, 30), **notes)
    return folder


@pytest.fixture
def ingested(snakemake, project):
    """Ask for the dataset from an archive; what the command did, and the folder of the run."""

    def ingest(archive: Path, run: str):
        done = snakemake("--", f"results/{run}/dataset.h5", changes=own_config(archive, run))
        return done, project / "results" / run

    return ingest


def refused(ingested, archive: Path, run: str) -> str:
    """The one line with which the archive is refused; nothing but the log may be left."""
    done, folder = ingested(archive, run)
    line = the_error(done)
    assert set(files_below(folder)) <= {"logs/ingest.log"}
    assert ".part-" not in said(done)
    return line.removeprefix("error: ")


def packed_by_windows(given: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in given.rglob("*.npy"):
            name = f"data/{file.relative_to(given)}".replace("/", "\\")
            archive.writestr(name, file.read_bytes())
        assert all("/" not in name for name in archive.namelist())


def packed_by_macos(given: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in given.rglob("*.npy"):
            name = file.relative_to(given.parent)
            archive.write(file, name)
            archive.writestr(f"__MACOSX/{name.parent}/._{name.name}", b"\0\5\x16\7")
        for extra in (".DS_Store", "Icon\r", "training_sets/.DS_Store"):
            archive.writestr(f"given/{extra}", b"\0")


def packed_by_tar(given: Path, path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(given, "./")


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (packed_by_tar, "x.tar.gz"),
        (packed_by_windows, "from windows.zip"),
        (packed_by_macos, "download"),  # without a suffix
    ],
)
def test_archives_of_many_tools_give_the_dataset_of_the_folder(
    pack, name, given, ingested, tmp_path
):
    pack(given, tmp_path / name)
    run = f"own_{pack.__name__}"
    done, folder = ingested(tmp_path / name, run)
    assert done.returncode == 0, said(done)
    assert ".part-" not in said(done)
    with h5py.File(folder / "dataset.h5") as dataset:
        assert list(dataset["training"]) == ["01", "02", "03"]
        signals, _ = grains(2, "training", 30)
        np.testing.assert_array_equal(dataset["training/02/signals"], signals)
    assert read_attributes(folder / "dataset.h5")["simulated"] is False
    assert not list(folder.glob(".part-*"))


def test_what_cannot_be_read_is_named_with_what_to_do(given, ingested, tmp_path):
    path = tmp_path / "x.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(100))
    line = refused(ingested, path, "own_7z")
    assert line == f"{path}: a 7z archive, which is not read here; {BY_HAND}"


def test_a_zip_in_a_zip_is_named_by_its_own_name(given, ingested, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(given / "training_sets/01.npy", "training_sets/01.npy")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("share/inner.zip", inner.getvalue())
    line = refused(ingested, tmp_path / "x.zip", "own_nested")
    assert line == (
        f"{tmp_path / 'x.zip'}: holds share/inner.zip but no sets; unpack by hand, what is inside "
        "too, and give the folder as data.archive"
    )


def test_a_bad_set_is_named_by_its_place_in_the_archive(given, ingested, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        bad = given / "training_sets/02.npy"
        for file in set(given.rglob("*.npy")) - {bad}:
            archive.write(file, file.relative_to(given))
        table = pd.DataFrame({"xtr": [1]})
        save_set(tmp_path / "02.npy", table, grains(2, "training", 30)[1])
        archive.write(tmp_path / "02.npy", "training_sets/02.npy")
    line = refused(ingested, tmp_path / "x.zip", "own_table")
    assert line == (
        f"{tmp_path / 'x.zip'}: training_sets/02.npy: xtr: the pickle asks for 'pandas.DataFrame', "
        "which is no part of a NumPy array; save xtr as a plain array of numbers"
    )
