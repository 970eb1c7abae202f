"""Rule `truth`'s script, on the files of a simulated archive."""

import h5py
import numpy as np
import pytest

from workflow.lib.maps.truth import read_truth
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.archive import write_archive
from workflow.scripts.truth import main

SIMULATION = {
    "seed": 2,
    "n_training": 1,
    "n_evaluation": 1,
    "scan_shape": [12, 9],
    "facet_amplitude": 0.15,
}


@pytest.fixture
def signals(tmp_path):
    write_archive(tmp_path, **SIMULATION)
    return tmp_path / "data/anomaly_specimen.npy"


def test_the_truth_of_a_npy_and_of_an_hdf5_file(signals, tmp_path):
    with h5py.File(tmp_path / "scans.h5", "w") as file:
        file["anomaly_specimen/drm_data"] = np.load(signals)
    for source, array in ((signals, None), (tmp_path / "scans.h5", "anomaly_specimen/drm_data")):
        output = tmp_path / f"{source.suffix[1:]}.h5"
        main(source, array, output, "anomaly_specimen", ["+x", "+y"], SIMULATION)
        truth = read_truth(output)
        assert truth.grain.shape == (9, 12)
        assert truth.orientation.shape[1] == 4
        with h5py.File(output) as file:
            assert file.attrs["simulated"]


def test_other_signals_have_no_truth(signals, tmp_path):
    with pytest.raises(InputError, match=r"anomaly_specimen\.npy: 108 of 108 pixels differ"):
        main(signals, None, tmp_path / "no.h5", "samples/08", ["+x", "+y"], SIMULATION)
    assert not (tmp_path / "no.h5").exists()
