"""Rule `posterior`: what it writes of a fold, and which folds it refuses."""

import h5py
import numpy as np
import pytest
import torch

from workflow.lib.data.dataset import CONVENTION, SOURCES
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import (
    SPECIMENS,
    add_label_noise,
    random_orientations,
    simulate_signals,
)
from workflow.scripts.posterior import main

SETTINGS = {"candidates": 3, "radius_deg": 10.0, "starts": 4, "samples": 64}


@pytest.fixture
def fold(tmp_path):
    """A fold with two test signals of specimen 2, at the amplitude of the frozen benchmark."""
    rng = np.random.default_rng(3)
    orientation = random_orientations(2, SPECIMENS[1].fibre_fraction, rng)
    path = tmp_path / "2.h5"
    with h5py.File(path, "w") as file:
        file["test/signals"] = simulate_signals(orientation, SPECIMENS[1], rng)
        file["test/orientation"] = add_label_noise(orientation, rng)
        file["test/specimen"] = np.full(2, 2, np.uint8)
        source = f"{SOURCES['simulated']} sim-v1"
        file.attrs.update(source=source, sha256="ab", convention=CONVENTION, simulated=True, fold=2)
    return path


def made(fold, facet_amplitude=0.15):
    threads = torch.get_num_threads()
    output = fold.with_name("posterior.h5")
    try:
        main(fold, output, facet_amplitude, SETTINGS, 1)
    finally:
        torch.set_num_threads(threads)
    return output


def test_posteriors_are_written_with_the_labels_they_are_judged_by(fold):
    with h5py.File(made(fold)) as file, h5py.File(fold) as given:
        assert file["candidate_orientation"].shape == (2, 3, 4)
        assert file["candidate_probability"].shape == (2, 3)
        for name in ("least_expected_orientation", "most_probable_orientation", "reference"):
            assert file[name].shape == (2, 4)
        for name in ("left_out_probability", "log_density", "level", "misorientation_deg"):
            assert file[name].shape == (2,)
        np.testing.assert_array_equal(file["reference"], given["test/orientation"])
        assert file.attrs["facet_amplitude"] == 0.15
        assert file.attrs["fold"] == 2


@pytest.mark.parametrize(
    ("attributes", "facet_amplitude", "message"),
    [
        (
            {"source": SOURCES["mendeley"], "simulated": False},
            0.15,
            "2.h5: holds 'Mendeley Data z8bh7n5b7d.1', expected 'simulated benchmark sim-v1'",
        ),
        ({"simulated": False}, 0.15, "2.h5: holds 'simulated benchmark sim-v1'"),
        (
            {"source": f"{SOURCES['simulated']} sim-c0.02"},
            0.15,
            "holds 'simulated benchmark sim-c0.02', expected 'simulated benchmark sim-v1'",
        ),
        ({}, 0.02, "holds 'simulated benchmark sim-v1', expected 'simulated benchmark sim-c0.02'"),
        ({"source": "an archive of ours"}, 0.15, "holds 'an archive of ours', expected"),
        ({"fold": 11}, 0.15, "^fold 11: no such specimen is simulated"),
    ],
)
def test_signals_that_this_model_did_not_make_are_refused(
    fold, attributes, facet_amplitude, message
):
    with h5py.File(fold, "a") as file:
        file.attrs.update(attributes)
    with pytest.raises(InputError, match=message):
        made(fold, facet_amplitude)
    assert list(fold.parent.iterdir()) == [fold]
