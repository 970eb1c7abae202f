"""A user's own folders: what changes, what is left out, and by which path it is given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.workflow.conftest import copy_project
from tests.workflow.own_data import files_below, grains, own_config, said, save_set, write_archive
from tests.workflow.test_reruns import plan

DATASET = ("--", "results/own/dataset.h5")


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """An archive of three specimens, with scans of one."""
    folder = write_archive(tmp_path_factory.mktemp("original") / "drm")
    rng = np.random.default_rng(0)
    (folder / "samples/08").mkdir(parents=True)
    np.save(folder / "samples/08/drm_data.npy", rng.integers(0, 256, (4, 5, 6, 72), np.uint8))
    np.save(folder / "samples/08/eulers.npy", rng.uniform(0.1, 3, (4, 5, 3)).astype(np.float32))
    return folder


@pytest.fixture
def archive(original, tmp_path, project) -> Path:
    """A copy of it, and no results of another test."""
    shutil.rmtree(project / "results/own", ignore_errors=True)
    return shutil.copytree(original, tmp_path / "drm")


def refused(done, message: str) -> None:
    """Before any job: Snakemake ended with this line, and once."""
    assert done.returncode == 1
    assert len([line for line in said(done).splitlines() if message in line]) == 1, said(done)
    assert "Traceback" not in said(done)
    assert "Building DAG" not in said(done)


def ingested(snakemake, archive, **options) -> None:
    done = snakemake(*DATASET, changes=own_config(archive, **options))
    assert done.returncode == 0, said(done)


def test_a_file_that_was_overwritten_or_came_is_ingested_anew(archive, snakemake, project):
    ingested(snakemake, archive)
    dataset = project / "results/own/dataset.h5"
    before = h5py.File(dataset).attrs["sha256"]
    assert plan(snakemake("-n", *DATASET, changes=own_config(archive))) == {}

    signals, euler = grains(2, "training", 20)
    save_set(archive / "training_sets/02.npy", signals, euler)
    assert "ingest" in plan(snakemake("-n", *DATASET, changes=own_config(archive)))
    ingested(snakemake, archive)
    with h5py.File(dataset) as file:
        np.testing.assert_array_equal(file["training/02/signals"], signals)
        assert file.attrs["sha256"] != before

    np.save(archive / "anomaly_specimen.npy", np.ones((3, 3, 6, 72), np.uint8))
    assert "ingest" in plan(snakemake("-n", *DATASET, changes=own_config(archive)))


def test_a_specimen_that_is_gone_is_missed(archive, snakemake, project):
    """Also when nothing else would have to be done."""
    ingested(snakemake, archive)
    there = files_below(project / "results/own")
    for kind in ("training", "evaluation"):
        (archive / f"{kind}_sets/03.npy").unlink()
    done = snakemake(*DATASET, changes=own_config(archive))
    refused(done, f"{archive}: holds the specimens 01, 02, expected 01 to 03 without gaps")
    assert files_below(project / "results/own") == there


@pytest.mark.parametrize("name", ["3", "100", "specimen_03", "03 (1)"])
def test_a_set_by_another_name_is_named(archive, snakemake, name):
    for kind in ("training", "evaluation"):
        (archive / f"{kind}_sets/03.npy").rename(archive / f"{kind}_sets/{name}.npy")
    done = snakemake("-n", changes=own_config(archive))
    refused(done, "because the config key specimens is 3: rename the files or change the key")
    assert f"not taken, as no set or scan is called so: evaluation_sets/{name}.npy" in said(done)


def test_numbers_with_a_gap_are_refused_with_the_list(archive, snakemake):
    for kind in ("training", "evaluation"):
        (archive / f"{kind}_sets/02.npy").rename(archive / f"{kind}_sets/04.npy")
    message = "holds the specimens 01, 03, 04, expected 01 to 03 without gaps"
    refused(snakemake("-n", changes=own_config(archive)), message)


def test_more_specimens_than_the_config_says_are_refused(archive, snakemake):
    done = snakemake("-n", changes=own_config(archive, specimens=2))
    refused(done, "holds the specimens 01, 02, 03, expected 01 to 02 without gaps")


def test_linked_folders_are_followed(archive, snakemake, project, tmp_path):
    """Also a loop of links, which ends the search no later."""
    for name in ("training_sets", "samples"):
        (archive / name).rename(tmp_path / f"elsewhere_{name}")
        (archive / name).symlink_to(tmp_path / f"elsewhere_{name}")
    (archive / "loop").symlink_to(archive)
    (tmp_path / "elsewhere_samples/back").symlink_to(archive)
    ingested(snakemake, archive)
    with h5py.File(project / "results/own/dataset.h5") as file:
        assert list(file["training"]) == ["01", "02", "03"]
    with h5py.File(project / "results/own/scans.h5") as file:
        assert file["samples/08/drm_data"].shape == (4, 5, 6, 72)
    save_set(tmp_path / "elsewhere_training_sets/01.npy", *grains(1, "training", 20))
    assert "ingest" in plan(snakemake("-n", *DATASET, changes=own_config(archive)))


@pytest.mark.parametrize("name", ["samples", "training_sets/03.npy", "samples/08/eulers.npy"])
def test_a_link_that_leads_nowhere_is_named(archive, snakemake, name, tmp_path):
    (archive / name).rename(tmp_path / "old")
    (archive / name).symlink_to(tmp_path / "gone")
    done = snakemake("-n", changes=own_config(archive))
    refused(done, f"{archive / name}: a link to {tmp_path / 'gone'}, where there is nothing")


def test_the_same_folder_by_another_path_is_the_same(archive, snakemake, project, tmp_path):
    ingested(snakemake, archive)
    (tmp_path / "link").symlink_to(archive)
    relative = os.path.relpath(archive, project)
    for path in (tmp_path / "link", relative, f"{archive}/", f"{archive}/../drm"):
        assert plan(snakemake("-n", *DATASET, changes=own_config(path))) == {}, path


def test_data_in_the_project_stay_the_same_when_it_moves(original, tmp_path):
    snakemake = copy_project(tmp_path / "here")
    shutil.copytree(original, tmp_path / "here/mine")
    ingested(snakemake, tmp_path / "here/mine")
    (tmp_path / "here").rename(tmp_path / "there")
    command = ["-m", "snakemake", "--configfile", "config/ci.yaml", "changes.yaml", "-n", *DATASET]
    changes = tmp_path / "there/changes.yaml"
    changes.write_text(changes.read_text().replace("/here/", "/there/"))
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path / "there", capture_output=True, text=True
    )
    assert plan(done) == {}


def test_a_tilde_is_the_home_folder(archive, snakemake, monkeypatch):
    monkeypatch.setenv("HOME", str(archive.parent))
    assert "ingest" in plan(snakemake("-n", *DATASET, changes=own_config("~/drm")))
    refused(
        snakemake("-n", changes=own_config("~/nothing")),
        f"config key data.archive: found '{archive.parent}/nothing', expected the path of",
    )
