"""Agreement with the truth: values worked out by hand, SciPy, and a map whose errors are known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu

from tests.unit.maps.grain_maps import random_orientations, turned, written
from workflow.lib.maps.agreement import adjusted_rand_index, area_under_curve
from workflow.lib.maps.grains import segment, write_grains
from workflow.lib.maps.map_file import open_map
from workflow.lib.maps.map_scores import map_scores
from workflow.lib.maps.near import near_boundary
from workflow.lib.maps.truth import Truth, write_truth
from workflow.lib.runtime.files import InputError
from workflow.scripts.map_scores import main


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([0, 0, 1, 1], [7, 7, 2, 2], 1.0),
        ([0, 0, 1, 1], [0, 0, 1, 2], 4 / 7),  # pairs: 1 of 2 and 1; by chance 1/3: (1 − 1/3)/(7/6)
        ([0, 0, 0, 0], [0, 1, 2, 3], 0.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),  # pairs: 0 of 2 and 2; by chance 2/3: (0 − 2/3)/(4/3)
        ([3, 3, 3], [5, 5, 5], 1.0),
        ([1, 2, 3], [3, 2, 1], 1.0),
    ],
)
def test_adjusted_rand_index_by_hand(one, other, expected):
    assert adjusted_rand_index(np.array(one), np.array(other)) == pytest.approx(expected)


partitions = arrays(np.int64, st.integers(2, 12), elements=st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(partitions, st.integers(0, 1000))
def test_adjusted_rand_index_counts_pairs(one, seed):
    other = np.random.default_rng(seed).integers(0, 4, len(one))
    i, j = np.triu_indices(len(one), 1)
    same_one, same_other = one[i] == one[j], other[i] == other[j]
    by_chance = same_one.sum() * same_other.sum() / len(i)
    at_most = (same_one.sum() + same_other.sum()) / 2
    expected = ((same_one & same_other).sum() - by_chance) / (at_most - by_chance or np.inf)
    if at_most == by_chance:
        expected = 1.0
    assert adjusted_rand_index(one, other) == pytest.approx(expected)


def test_area_under_the_curve_by_hand():
    score = np.array([0.1, 0.4, 0.35, 0.8])
    assert area_under_curve(score, np.array([False, False, True, True])) == 0.75  # 3 of 4 pairs
    assert area_under_curve(np.ones(4), np.array([True, False, True, False])) == 0.5
    assert np.isnan(area_under_curve(score, np.ones(4, bool)))


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, 20, elements=st.integers(0, 6).map(float)), st.integers(1, 19))
def test_area_under_the_curve_is_mann_whitneys(score, positives):
    is_positive = np.arange(20) < positives
    u = mannwhitneyu(score[is_positive], score[~is_positive]).statistic
    assert area_under_curve(score, is_positive) == pytest.approx(u / (positives * (20 - positives)))


@pytest.mark.parametrize(("within_px", "near"), [(1, "0001100"), (2, "0011110"), (3, "0111111")])
def test_pixels_near_a_boundary_are_so_many_on_either_side(within_px, near):
    labels = np.repeat([[0, 0, 0, 0, 1, 1, 1]], 3, 0)
    assert near_boundary(labels, within_px)[1].tolist() == [place == "1" for place in near]
    assert not near_boundary(np.zeros((2, 2), int), within_px).any()


@pytest.fixture
def judged(tmp_path):
    """A map of two grains, 12 × 20; the left one is off by 2°, near the boundary by 6°."""
    grain = np.repeat(np.arange(2), 10)[None].repeat(12, 0)
    truly = random_orientations(2, 3)
    error_deg = np.where(abs(np.arange(20) - 9.5) < 3, 6.0, np.where(np.arange(20) < 10, 2.0, 1.0))
    orientation = turned(truly[grain], np.broadcast_to(error_deg, grain.shape))
    pore_share, etch = np.zeros((12, 20), np.float32), np.ones((12, 20), np.float32)
    pore_share[0, :4] = [0.5, 0.6, 1.0, 0.49]
    etch[11, 16:] = [0.5, 0.2, 0.4, 0.51]
    anomaly = np.zeros((12, 20), np.float32)
    anomaly[0, :3], anomaly[11, 16:19] = [3, 2, 1], [9, 0, 9]
    is_indexed = anomaly < 2.5  # misses a pore, another, and one of the band
    is_indexed[6, 9] = False  # a false alarm near the boundary
    truth = Truth(grain, pore_share, etch, truly)
    return written(tmp_path / "map.h5", orientation, is_indexed, anomaly=anomaly), truth


def test_scores_of_a_map_whose_errors_are_known(judged):
    path, truth = judged
    with open_map(path) as one:
        scores = map_scores(one, segment(one, 30.0, 1, 1).labels, truth)
    assert scores["pixels"] == 240
    assert scores["indexed"] == pytest.approx(236 / 240)
    assert scores["in_grains"] == scores["indexed"]
    assert scores["grains"] == scores["true_grains"] == 2
    assert scores["adjusted_rand_index"] == 1.0
    assert scores["near_median_deg"] == pytest.approx(6.0, abs=1e-4)
    assert scores["near_mean_deg"] == pytest.approx(6.0, abs=1e-4)
    left, right = 12 * 7 - 1, 12 * 7 - 2  # inside and indexed
    assert scores["inside_mean_deg"] == pytest.approx((left * 2 + right) / (left + right), abs=1e-4)
    assert scores["inside_median_deg"] == pytest.approx(2.0, abs=1e-4)
    assert scores["anomalies"] == 6
    assert scores["pores"] == scores["under_etched"] == 3
    assert scores["auc_pores"] == 1.0
    assert scores["auc_under_etched"] == pytest.approx((2 + 0.5) / 3)
    assert scores["auc_anomalies"] == pytest.approx((5 + 0.5) / 6)
    assert scores["found_pores"] == pytest.approx(1 / 3)
    assert scores["found_under_etched"] == pytest.approx(2 / 3)
    assert scores["found_anomalies"] == 0.5
    assert scores["false_alarms"] == pytest.approx(1 / 234)
    assert scores["false_alarms_near"] == pytest.approx(1 / 72)
    assert scores["false_alarms_inside"] == 0


def test_the_script_writes_a_row(judged, tmp_path, caplog):
    path, truth = judged
    write_truth(tmp_path / "truth.h5", truth, "anomaly_specimen")
    with open_map(path) as one:
        write_grains(tmp_path / "g.h5", segment(one, 30.0, 1, 1), one.header, one.raster, {})
    with caplog.at_level("INFO", "drm"):
        main(path, tmp_path / "g.h5", tmp_path / "truth.h5", tmp_path / "map_scores.csv")
    assert "area under the curve 0.917, 50 % found, false alarms 0.43 %" in caplog.text
    (row,) = pd.read_csv(tmp_path / "map_scores.csv").itertuples()
    assert (row.scan, row.network, row.fold, row.seed, row.views) == ("made up", "known", 1, 1, 1)
    assert row.adjusted_rand_index == 1.0
    assert row.simulated


def test_the_truth_of_another_raster_is_refused(judged):
    path, truth = judged
    other = Truth(truth.grain.T, truth.pore_share.T, truth.etch.T, truth.orientation)
    with open_map(path) as one, pytest.raises(InputError, match=r"\(20, 12\) pixels, expected"):
        map_scores(one, segment(one, 30.0, 1, 1).labels, other)
