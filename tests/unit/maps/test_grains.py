"""Grains against polycrystals that are known, scikit-image's connected components, and by hand."""

import h5py
import numpy as np
import pytest
import torch
from skimage.measure import label

from tests.unit.maps.grain_maps import cells, random_orientations, turned, two_halves, written
from tests.unit.orientation.weighted_sets import disguised
from workflow.lib.maps import regions
from workflow.lib.maps.agreement import adjusted_rand_index
from workflow.lib.maps.grains import read_labels, segment, write_grains
from workflow.lib.maps.map_file import open_map
from workflow.lib.maps.merging import without_cuts, without_small
from workflow.lib.maps.region_orientations import SAMPLE, pooled, sampled
from workflow.lib.maps.regions import NONE, Contacts, Regions
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError


def grains_of(path, threshold_deg=5.0, min_pixels=1, window_px=1):
    with open_map(path) as one:
        return segment(one, threshold_deg, min_pixels, window_px)


@pytest.fixture
def polycrystal(tmp_path):
    """Twelve grains, each pixel in a random equivalent, and the grain of each pixel."""
    truth = cells((60, 47), 12, seed=3)
    orientation = random_orientations(12, seed=4)[truth]
    hidden = disguised(torch.as_tensor(orientation), seed=1).numpy()
    return written(tmp_path / "map.h5", hidden), truth, orientation


def test_exact_orientations_give_the_true_grains_numbered_by_their_first_pixel(polycrystal):
    path, truth, _ = polycrystal
    expected = label(truth + 1, connectivity=1) - 1  # scikit-image numbers them so, from 1
    np.testing.assert_array_equal(grains_of(path).labels, expected)


def test_the_mean_of_a_grain_is_its_orientation(polycrystal):
    path, _, orientation = polycrystal
    grains = grains_of(path)
    found = torch.as_tensor(grains.orientation[grains.labels])
    assert misorientation_deg(found, torch.as_tensor(orientation)).max() < 1e-4
    assert (grains.sizes == np.bincount(grains.labels.ravel())).all()


@pytest.mark.parametrize("window_px", [1, 5])
def test_grains_do_not_depend_on_the_strips(polycrystal, monkeypatch, tmp_path, window_px):
    path, _, orientation = polycrystal
    noisy = turned(orientation, np.random.default_rng(0).rayleigh(3, orientation.shape[:-1]))
    path = written(tmp_path / "noisy.h5", noisy)
    whole = grains_of(path, 5.0, 10, window_px)
    monkeypatch.setattr(regions, "STRIP_PX", 1)  # a row each
    by_rows = grains_of(path, 5.0, 10, window_px)
    np.testing.assert_array_equal(by_rows.labels, whole.labels)
    np.testing.assert_allclose(by_rows.orientation, whole.orientation, atol=1e-12)


@pytest.mark.parametrize(("angle_deg", "n"), [(4.99, 1), (5.01, 2)])
def test_a_boundary_is_where_the_threshold_is_reached(tmp_path, angle_deg, n):
    path = written(tmp_path / "map.h5", two_halves((6, 8), angle_deg))
    assert grains_of(path).labels.max() + 1 == n


def test_a_grain_may_bend_by_more_than_the_threshold(tmp_path):
    bent = turned(
        np.broadcast_to(random_orientations(1, 2), (5, 30, 4)),
        np.broadcast_to(np.arange(30) * 2.0, (5, 30)),
        np.array([0.0, 0, 1]),
    )
    assert (grains_of(written(tmp_path / "map.h5", bent)).labels == 0).all()


def test_noisy_answers_with_outliers_give_the_true_grains(polycrystal, tmp_path):
    _, truth, orientation = polycrystal
    random = np.random.default_rng(1)
    noisy = turned(orientation, random.rayleigh(3.5, truth.shape), seed=2)
    is_wild = random.random(truth.shape) < 0.05
    noisy[is_wild] = random_orientations(is_wild.sum(), seed=9)
    path = written(tmp_path / "noisy.h5", noisy)
    filtered, bare = grains_of(path, 5.0, 10, 5), grains_of(path, 5.0, 10, 1)
    assert adjusted_rand_index(filtered.labels.ravel(), truth.ravel()) > 0.95
    assert len(filtered.sizes) == len(np.unique(truth))
    assert adjusted_rand_index(bare.labels.ravel(), truth.ravel()) < 0.9


def test_small_regions_join_the_neighbour_most_like_them(tmp_path):
    orientation = two_halves((7, 8), 40.0)
    orientation[3, 3:5] = turned(orientation[3, 3], 31.0, np.array([1.0, 2, 3]))
    path = written(tmp_path / "map.h5", orientation)
    assert len(grains_of(path, min_pixels=2).sizes) == 3  # 9° from the right
    grains = grains_of(path, min_pixels=3)
    expected = np.zeros((7, 8), int)
    expected[:, 4:] = 1
    expected[3, 3] = 1
    np.testing.assert_array_equal(grains.labels, expected)
    assert grains.sizes.tolist() == [27, 29]


def test_what_is_not_indexed_is_in_no_grain_and_parts_grains(tmp_path):
    orientation = two_halves((5, 9), 0.0)
    is_indexed = np.ones((5, 9), bool)
    is_indexed[:, 4] = False
    orientation[:, 4] = np.nan
    labels = grains_of(written(tmp_path / "map.h5", orientation, is_indexed)).labels
    assert (labels[:, 4] == NONE).all()
    assert (labels[:, :4] == 0).all()
    assert (labels[:, 5:] == 1).all()


def test_a_masked_answer_counts_as_little_as_none(tmp_path):
    orientation = two_halves((6, 6), 30.0)
    is_indexed = np.ones((6, 6), bool)
    is_indexed[2:4, 2:4] = False  # an anomaly; the network has an answer all the same
    for window_px in (1, 3):
        path = written(tmp_path / f"{window_px}.h5", orientation, is_indexed)
        labels = grains_of(path, window_px=window_px).labels
        np.testing.assert_array_equal(labels == NONE, ~is_indexed)
        assert labels.max() == 1


def test_islands_too_small_for_a_grain_are_in_none(tmp_path):
    is_indexed = np.zeros((9, 9), bool)
    is_indexed[:4] = True
    is_indexed[7, 2:5] = True
    path = written(tmp_path / "map.h5", two_halves((9, 9), 0.0), is_indexed)
    grains = grains_of(path, min_pixels=10)
    np.testing.assert_array_equal(grains.labels == 0, np.indices((9, 9))[0] < 4)
    assert grains.sizes.tolist() == [36]


@pytest.mark.parametrize("window_px", [1, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 12), (12, 1)])
def test_narrow_maps(tmp_path, shape, window_px):
    path = written(tmp_path / "map.h5", np.broadcast_to(random_orientations(1, 0), (*shape, 4)))
    grains = grains_of(path, window_px=window_px)
    np.testing.assert_array_equal(grains.labels, np.zeros(shape))
    assert grains_of(path, min_pixels=13, window_px=window_px).orientation.shape == (0, 4)


@pytest.mark.parametrize("window_px", [1, 5])
def test_a_map_without_any_answer_has_no_grains(tmp_path, window_px):
    grains = grains_of(written(tmp_path / "map.h5", np.full((4, 5, 4), np.nan)), 5.0, 2, window_px)
    assert (grains.labels == NONE).all()
    assert grains.sizes.shape == (0,)


def a_pair(angle_deg, scatter_deg):
    """Two regions that touch, whose means are apart by so much: how many remain.

    The points of each lie about its mean on a circle, as far from it as it scatters.
    """
    middle = two_halves((1, 2), angle_deg)[0]
    sample = np.full((2, SAMPLE, 4), np.nan, np.float32)
    turn = 2 * np.pi * np.arange(16) / 16
    around = np.stack((np.cos(turn), np.sin(turn), 0 * turn), 1)
    for region in range(2):
        centre = np.broadcast_to(middle[region], (16, 4))
        sample[region, :16] = turned(centre, scatter_deg[region], around)
    touching = Contacts(np.array([[0, 1]]), np.ones(1), np.array([angle_deg]))
    two = Regions(np.array([[0, 1]], np.int32), np.array([50, 50]), touching)
    return len(without_cuts(two, 5.0, sample).sizes)


@pytest.mark.parametrize(
    ("angle_deg", "scatter_deg", "n"),
    [
        (4.9, (1.0, 1.0), 1),
        (5.1, (1.0, 1.0), 2),
        (9.9, (12.0, 8.0), 1),
        (10.1, (12.0, 8.0), 2),
        (8.1, (14.0, 2.0), 2),
    ],
)
def test_a_cut_must_be_deeper_than_the_threshold_and_the_scatter(angle_deg, scatter_deg, n):
    assert a_pair(angle_deg, scatter_deg) == n


def test_the_smallest_joins_first_and_what_grew_enough_stays():
    contacts = Contacts(
        np.array([[0, 1], [1, 2], [2, 3]]), np.array([1.0, 2, 1]), np.array([9.0, 12, 30])
    )
    chain = Regions(np.array([[0, 1, 2, 3]], np.int32), np.array([9, 3, 4, 9]), contacts)
    joined = without_small(chain, 7)  # 1 joins 2, by 6° rather than 9°; 7 pixels are enough
    assert joined.labels.tolist() == [[0, 1, 1, 2]]
    assert joined.sizes.tolist() == [9, 7, 9]
    assert joined.contacts.pair.tolist() == [[0, 1], [1, 2]]
    assert joined.contacts.total_deg.tolist() == [9.0, 30.0]


def test_those_of_a_size_join_at_once_and_numbers_have_no_gaps():
    pair = np.array([[0, 1], [0, 2], [2, 3], [3, 4]])
    contacts = Contacts(pair, np.ones(4), np.array([20.0, 8, 7, 9]))
    line = Regions(
        np.array([[1, 0, 2, 3, 4, -1, 5]], np.int32), np.array([9, 9, 2, 2, 9, 1]), contacts
    )
    grains = without_small(line, 3)  # 2 and 3 join each other, then 0 by 8° rather than 4 by 9°
    assert grains.labels.tolist() == [[1, 0, 2, 2, 3, -1, -1]]
    joined_further = without_small(grains, 5)
    assert joined_further.labels.tolist() == [[1, 0, 0, 0, 2, -1, -1]]
    assert joined_further.sizes.tolist() == [13, 9, 9]


def test_the_file_holds_labels_settings_and_the_notice(polycrystal, tmp_path):
    path, _, _ = polycrystal
    grains = grains_of(path)
    chosen = {"threshold_deg": 5.0, "min_pixels": 1, "window_px": 1}
    with open_map(path) as one:
        write_grains(tmp_path / "grains.h5", grains, one.header, one.raster, chosen)
    np.testing.assert_array_equal(read_labels(tmp_path / "grains.h5"), grains.labels)
    with h5py.File(tmp_path / "grains.h5") as file:
        assert file["labels"].dtype == np.int32
        np.testing.assert_array_equal(file["orientation"], grains.orientation)
        assert {key: file.attrs[key] for key in chosen} == chosen
        assert "SIMULATED" in file.attrs["notice"]


def test_other_files_hold_no_labels(polycrystal):
    with pytest.raises(InputError, match=r"map\.h5: / lacks 'labels'"):
        read_labels(polycrystal[0])


def test_samples_are_even_and_pooled_by_size(tmp_path):
    values = random_orientations(100, 6)
    labels = np.repeat([0, 1], [80, 20])[None].astype(np.int32)
    with open_map(written(tmp_path / "map.h5", values[None])) as one:
        sample = sampled(one, labels, np.array([80, 20]))
    assert (
        misorientation_deg(torch.as_tensor(sample[0, :27]), torch.as_tensor(values[:80:3])).max()
        < 0.1
    )
    assert np.isfinite(sample).all(-1).sum(1).tolist() == [27, 20]
    both = pooled(sample[None], np.array([[80, 20]]))[0]
    is_first = (both[:, None] == sample[0]).all(-1).any(-1)
    is_second = (both[:, None] == sample[1]).all(-1).any(-1)
    assert (is_first | is_second).all()
    assert is_first.sum() == 26  # of 32 points, 80 % and 20 %
    assert len(np.unique(both[is_first], axis=0)) == 26
