"""The target `maps` on small scans: from signals to what a microscopist opens."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from orix import io
from scipy.spatial.transform import Rotation

from tests.workflow.own_data import said, the_error
from tests.workflow.test_reruns import plan
from workflow.lib.inference.plain import predict_plain
from workflow.lib.maps.map_file import open_map
from workflow.lib.models.saved import load_task
from workflow.lib.orientation import misorientation_deg

MAPS = """
maps:
  networks: [eulernet]
  blocks: 2
  scans:
    - {name: eight, truth: samples/08}
    - name: mine
      signals: "{signals}"
      step_um: 0.25
      axes: [-y, +x]
      ebsd: {file: my ebsd.npy}
"""


@pytest.fixture(scope="module")
def mine(finished, project) -> np.ndarray:
    """Signals (24, 16, 6, 72) of a scan of one's own, in a file beside its EBSD angles."""
    with h5py.File(finished / "scans.h5") as file:
        signals = file["samples/08/drm_data"][:, :16]
        np.save(project / "my scan.npy", signals)
        np.save(project / "my ebsd.npy", file["samples/08/eulers"][:, :16])
    return signals


@pytest.fixture(scope="module")
def mapped(mine, snakemake, project) -> Path:
    done = snakemake("--", "maps", changes=MAPS.replace("{signals}", "my scan.npy"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return project / "results/ci/maps"


def test_each_pixel_has_the_answer_to_its_signal_in_its_place(mapped, mine, finished):
    """The first index falls along y: its last row is the map's first."""
    model = finished / "models/eulernet/1/1"
    task = load_task(model / "weights.safetensors", model / "model.json")
    answer, valid = predict_plain(task, torch.from_numpy(mine.reshape(-1, 6, 72)))
    assert valid.all()
    with open_map(mapped / "mine/eulernet/map.h5") as found:
        assert (found.raster.nx, found.raster.ny, found.raster.step_um) == (16, 24, 0.25)
        orientation = torch.from_numpy(found.rows(0, 24).orientation)
    expected = answer.view(24, 16, 4).flip(0)
    assert misorientation_deg(orientation, expected).max() < 1e-4
    assert (
        misorientation_deg(expected, answer.view(24, 16, 4)).max() > 1
    )  # were it not turned round


@pytest.mark.parametrize("name", ["map.h5", "map.ang", "map.ctf"])
def test_orix_reads_the_same_orientations_from_every_format(mapped, name):
    read = io.load(str(mapped / "mine/eulernet" / name))
    with open_map(mapped / "mine/eulernet/map.h5") as found:
        pixels = found.rows(0, found.raster.ny)
    assert read.shape == (24, 16)
    ours = Rotation.from_quat(pixels.orientation.reshape(-1, 4), scalar_first=True)
    theirs = Rotation.from_quat(read.rotations.data, scalar_first=True)
    assert np.rad2deg((ours * theirs).magnitude()).max() < 1e-4
    np.testing.assert_allclose(np.sort(np.unique(read.x)), np.arange(16) * 0.25, atol=1e-6)


def test_everything_says_what_was_simulated(mapped):
    for scan, notice in (("eight", "SIMULATED: the signals"), ("mine", "SIMULATED signals only")):
        folder = mapped / scan / "eulernet"
        for name in ("map.html", "map.ang", "map.ctf"):
            assert notice in (folder / name).read_text(errors="replace"), name
        assert pd.read_csv(folder / "grains.csv")["simulated"].all()


def test_scores_and_comparison_are_of_this_map(mapped):
    scores = pd.read_csv(mapped / "eight/eulernet/map_scores.csv").iloc[0]
    assert (scores["pixels"], scores["fold"], scores["views"]) == (576, 1, 1)
    assert scores["false_alarms"] == 1 - scores["indexed"]
    compared = pd.read_csv(mapped / "mine/eulernet/comparison.csv").set_index("part")
    assert compared.loc["all", "ebsd_pixels"] == 384
    parts = compared.loc[["inside", "near_boundary"], "pixels"].sum()
    assert parts == compared.loc["all", "pixels"] > 0
    assert (mapped / "mine/eulernet/pictures/ebsd.png").stat().st_size > 10_000
    assert not (mapped / "mine/truth.h5").exists()


def test_a_second_run_has_nothing_to_do_and_blocks_are_gone(mapped, snakemake):
    changes = MAPS.replace("{signals}", "my scan.npy")
    assert plan(snakemake("-n", "--", "maps", changes=changes)) == {}
    assert not list(mapped.rglob("blocks/*.h5"))


def test_a_block_that_is_there_is_not_mapped_again(mapped, snakemake):
    """As after a kill: the block that was finished stays, the other one is made."""
    changes = MAPS.replace("{signals}", "my scan.npy")
    folder = "results/ci/maps/mine/eulernet"
    done = snakemake("--notemp", "--", f"{folder}/blocks/1-of-2.h5", changes=changes)
    assert done.returncode == 0, done.stderr[-3000:]
    kept = (mapped / "mine/eulernet/map.h5").rename(mapped / "kept.h5")
    planned = snakemake("-n", "--", f"{folder}/map.h5", changes=changes)
    kept.rename(mapped / "mine/eulernet/map.h5")
    assert plan(planned).keys() == {"map_block", "map"}
    assert f"output: {folder}/blocks/2-of-2.h5" in said(planned)
    assert f"output: {folder}/blocks/1-of-2.h5" not in said(planned)


def test_signals_of_another_type_are_one_line(mapped, mine, snakemake, project):
    np.save(project / "wrong.npy", mine.astype(np.float32) / 255)
    changes = MAPS.replace("{signals}", "wrong.npy").replace("mine", "wrong")
    error = the_error(snakemake("--", "maps", changes=changes))
    assert "wrong.npy" in error
    assert "float32" in error
    assert "uint8" in error
    assert not list((project / "results/ci/maps/wrong").rglob("*.h5"))
