"""A user's own numbers: what can't be right ends in one line, what is unlikely is told."""

import h5py
import numpy as np
import pytest
from own_data import files_below, grains, own_config, said, save_set, the_error, write_archive


def scaled(folder):
    """The training set of specimen 2 as shares of 3.7, in float32."""
    signals, euler = grains(2, "training", 30)
    save_set(folder / "training_sets/02.npy", (signals * (3.7 / 255)).astype(np.float32), euler)
    return (
        "training_sets/02.npy: signals reach 3.70000005, half of them span ", "undo the scaling",
    )  # fmt: skip


def twelve_bit(folder):
    signals, euler = grains(3, "evaluation", 30)
    save_set(folder / "evaluation_sets/03.npy", signals.astype(np.uint16) * 16, euler)
    return "evaluation_sets/03.npy: signals reach from ", "12-bit? multiply by 255/4095"


def black(folder):
    signals, euler = grains(1, "training", 30)
    save_set(folder / "training_sets/01.npy", signals * 0, euler)
    return "training_sets/01.npy: every pixel of its 30 signals is 0, ", "nothing can be learnt"


def zeros(folder):
    """80 % of the points of a set were not indexed."""
    signals, euler = grains(2, "training", 30)
    euler[6:] = 0
    save_set(folder / "training_sets/02.npy", signals, euler)
    return (
        "training_sets/02.npy: EBSD did not index 24 of 30 rows, the first is row 6, counted from "
        "0 (24 × (0, 0, 0))", "set data.unindexed: leave_out in the config",
    )  # fmt: skip


def four_pi(folder):
    signals, euler = grains(2, "training", 30)
    euler[[3, 9]] = np.float32(4 * np.pi)
    save_set(folder / "training_sets/02.npy", signals, euler)
    return "EBSD did not index 2 of 30 rows, the first is row 3, counted from 0 (2 × 4π)", ""


@pytest.mark.parametrize("change", [scaled, twelve_bit, black, zeros, four_pi])
def test_numbers_that_cannot_be_right_end_in_one_line(change, snakemake, project, tmp_path):
    found, remedy = change(write_archive(tmp_path / "data"))
    done = snakemake("--", "results/own/dataset.h5", changes=own_config(tmp_path / "data"))
    error = the_error(done)
    assert found in error
    assert remedy in error
    assert not [name for name in files_below(project / "results/own") if name.endswith(".h5")]


def test_unlikely_numbers_are_told_in_the_log_and_on_the_data_card(snakemake, project, tmp_path):
    archive = write_archive(tmp_path / "data")
    zeros(archive)
    signals, euler = grains(3, "evaluation", 30)
    save_set(archive / "evaluation_sets/03.npy", signals // 16, euler)
    euler_scan = grains(1, "training", 64)[1].reshape(8, 8, 3)
    euler_scan[2:4] = 0
    (archive / "samples/08").mkdir(parents=True)
    np.save(archive / "samples/08/drm_data.npy", grains(1, "training", 64)[0].reshape(8, 8, 6, 72))
    np.save(archive / "samples/08/eulers.npy", euler_scan)
    config = own_config(archive, run="told").replace("'}", "', unindexed: leave_out}")
    done = snakemake("--", "results/told/data_card.md", changes=config)
    assert done.returncode == 0, said(done)
    left_out = (
        "training_sets/02.npy: points that EBSD did not index are left out: 24 of 30 rows, the "
        "first is row 6, counted from 0 (24 × (0, 0, 0))"
    )
    log = (project / "results/told/logs/ingest.log").read_text()
    card = " ".join((project / "results/told/data_card.md").read_text().split())
    for warning in (left_out, "evaluation_sets/03.npy: half of the 30 signals span "):
        assert f"warning: {warning}" in log
        assert f"**Warning:** {warning}" in card
    assert "samples/08/eulers: EBSD did not index 16 of 64 pixels (16 × (0, 0, 0))" in log
    with h5py.File(project / "results/told/dataset.h5") as file:
        assert len(file["training/02/signals"]) == len(file["training/02/euler_zyz_rad"]) == 6
    with h5py.File(project / "results/told/scans.h5") as file:
        assert np.isnan(file["samples/08/eulers"][2:4]).all()


def test_one_evaluation_signal_is_found_before_any_training(snakemake, project, tmp_path):
    archive = write_archive(tmp_path / "data")
    save_set(archive / "evaluation_sets/01.npy", *grains(1, "evaluation", 1))
    done = snakemake("--", "results/own/folds/1.h5", changes=own_config(archive))
    assert "evaluation set 01 holds 1 signal, expected at least 2" in the_error(done)
    assert not (project / "results/own/folds/1.h5").exists()
