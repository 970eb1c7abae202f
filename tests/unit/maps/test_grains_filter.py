"""The median filter against its definition, pixel by pixel."""

import numpy as np
import pytest
import torch

from tests.unit.maps.grain_maps import random_orientations, turned, two_halves
from workflow.lib.maps.median_filter import median_filtered
from workflow.lib.orientation import misorientation_deg_by_operators


@pytest.mark.parametrize("window_px", [3, 5])
def test_each_pixel_takes_the_median_of_its_window(window_px):
    random = np.random.default_rng(0)
    orientation = turned(two_halves((7, 9), 30.0), random.rayleigh(4, (7, 9)))
    is_indexed = random.random((7, 9)) < 0.8
    found = median_filtered(orientation, is_indexed, window_px)
    assert np.isnan(found[~is_indexed]).all()
    half = window_px // 2
    for y, x in zip(*np.nonzero(is_indexed), strict=True):
        window = np.s_[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
        members = torch.as_tensor(orientation[window][is_indexed[window]])
        chosen = np.abs(members.numpy() - found[y, x]).max(1).argmin()
        np.testing.assert_allclose(found[y, x], members[chosen], atol=1e-6)
        total_deg = misorientation_deg_by_operators(members[:, None], members[None]).sum(1)
        assert total_deg[chosen] < total_deg.min() + 1e-3  # of equals either may be taken


def test_a_window_of_one_pixel_changes_nothing():
    orientation = two_halves((3, 4), 30.0)
    is_indexed = np.ones((3, 4), bool)
    np.testing.assert_array_equal(
        median_filtered(orientation, is_indexed, 1), orientation.astype(np.float32)
    )


def test_an_outlier_goes_and_an_edge_stays():
    clean = two_halves((9, 10), 20.0)
    orientation = clean.copy()
    orientation[4, 2] = random_orientations(1, 8)[0]
    found = median_filtered(orientation, np.ones((9, 10), bool), 5)
    np.testing.assert_array_equal(found, clean.astype(np.float32))


def test_a_window_needs_a_middle():
    with pytest.raises(ValueError, match="4 pixels has no middle"):
        median_filtered(two_halves((3, 3), 1.0), np.ones((3, 3), bool), 4)
