"""The truth of simulated scans: against the labels and signals that the simulation itself made."""

import numpy as np
import pytest
import torch

from workflow.lib.maps import truth as module
from workflow.lib.maps.truth import (
    check_same,
    read_truth,
    simulated_again,
    truth_of,
    write_truth,
)
from workflow.lib.orientation import from_euler_zyz, misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.archive import write_archive

SIMULATION = {
    "seed": 3,
    "n_training": 1,
    "n_evaluation": 1,
    "scan_shape": [40, 28],
    "facet_amplitude": 0.05,
}


class Held:
    """Signals that are held in memory and read by rows."""

    def __init__(self, signals):
        self.signals, self.shape = signals, signals.shape[:2]

    def read(self, first, last):
        return self.signals[first:last]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, **SIMULATION)
    return folder / "data"


@pytest.mark.parametrize("name", ["samples/08", "anomaly_specimen"])
def test_the_scan_is_drawn_again_to_the_last_count(archive, name, monkeypatch):
    monkeypatch.setattr(module, "ROWS_PX", 100)  # in several parts
    file = "samples/08/drm_data" if name == "samples/08" else name
    signals = np.load(archive / f"{file}.npy")
    scan, _ = simulated_again(name, SIMULATION)
    check_same(Held(signals), scan, file, name)
    signals[39, 27, 5, 71] ^= 1
    with pytest.raises(
        InputError, match=r"^drm: 1 of 1120 pixels differ from the simulated .*null"
    ):
        check_same(Held(signals), scan, "drm", name)


@pytest.mark.parametrize("change", [{"seed": 4}, {"facet_amplitude": 0.06}])
def test_another_simulation_is_refused(archive, change):
    scan, _ = simulated_again("samples/08", SIMULATION | change)
    signals = np.load(archive / "samples/08/drm_data.npy")
    with pytest.raises(InputError, match="pixels differ"):
        check_same(Held(signals), scan, "drm", "samples/08")


def test_a_scan_of_another_shape_is_refused(archive):
    scan, _ = simulated_again("samples/08", SIMULATION | {"scan_shape": [28, 40]})
    signals = np.load(archive / "samples/08/drm_data.npy")
    with pytest.raises(InputError, match="40 × 28 pixels, expected 28 × 40 of the simulated"):
        check_same(Held(signals), scan, "drm", "samples/08")


@pytest.mark.parametrize("axes", [["+x", "+y"], ["-x", "+y"], ["-y", "+x"]])
def test_true_orientations_are_the_labels_but_for_their_noise(archive, axes, tmp_path):
    scan, orientation = simulated_again("samples/08", SIMULATION)
    write_truth(tmp_path / "truth.h5", truth_of(scan, orientation, axes), "samples/08")
    truth = read_truth(tmp_path / "truth.h5")
    labels = from_euler_zyz(torch.as_tensor(np.load(archive / "samples/08/eulers.npy")).double())
    placed = {  # rows along y, columns along x, both rising, spelt out
        ("+x", "+y"): labels.transpose(0, 1),
        ("-x", "+y"): labels.flip(0).transpose(0, 1),
        ("-y", "+x"): labels.flip(0),
    }[tuple(axes)]
    apart_deg = misorientation_deg(torch.as_tensor(truth.orientation[truth.grain]), placed)
    assert 0.3 < apart_deg.median() < 0.6  # 0.5° root mean square
    assert apart_deg.max() < 2.5
    assert truth.grain.shape == truth.pore_share.shape == truth.etch.shape == placed.shape[:2]


def test_anomalies_are_pores_and_a_band_across_the_first_direction():
    truth = truth_of(*simulated_again("anomaly_specimen", SIMULATION), ["+x", "+y"])
    assert 0 < truth.is_pore.mean() < 0.2
    is_in_band = truth.is_under_etched.any(0)  # by x
    assert (truth.is_under_etched == is_in_band).all()
    np.testing.assert_array_equal(is_in_band, is_in_band[::-1])  # in the middle of the scan
    assert 0 < is_in_band.mean() < 0.3
    sound = truth_of(*simulated_again("samples/08", SIMULATION), ["+x", "+y"])
    assert not sound.is_pore.any()
    assert not sound.is_under_etched.any()
