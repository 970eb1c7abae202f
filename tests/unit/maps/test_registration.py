"""registration.py: shift and rotation of EBSD maps, against moves that are known."""

import json

import numpy as np
import pytest
from scipy.ndimage import affine_transform, shift
from scipy.spatial import cKDTree

from workflow.lib.maps.registration import (
    LARGEST_DISPLACEMENT_PX,
    LEAST_PEAK,
    Moved,
    label_edges,
    register,
    signal_edges,
)
from workflow.lib.simulation.polycrystal import SUBPIXELS, Scan, scan_specimen
from workflow.lib.simulation.reflectance import SPECIMENS

PIXELS, MARGIN = 96, 12


def simulated(seed: int, specimen: int) -> Scan:
    size = PIXELS + 2 * MARGIN
    return scan_specimen((size, size), SPECIMENS[specimen], np.random.default_rng(seed))


def edges_of(scan: Scan) -> np.ndarray:
    """Of the middle of a scan whose first index is x, as a map's raster has it."""
    signals = scan.signals[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return signal_edges(lambda first, last: signals[first:last], (PIXELS, PIXELS)).T


def labels_of(scan: Scan, moved: Moved) -> np.ndarray:
    """The grains that an EBSD map has which must be moved by `moved`, at centres of its pixels."""
    size = PIXELS + 2 * MARGIN
    fine = scan.grains.reshape(size, size, SUBPIXELS, SUBPIXELS).transpose(0, 2, 1, 3)
    fine = fine.reshape(size * SUBPIXELS, size * SUBPIXELS)
    middle = (PIXELS - 1) / 2
    y, x = np.mgrid[:PIXELS, :PIXELS] - middle
    angle = np.deg2rad(moved.rotation_deg)
    seen_x = np.cos(angle) * x - np.sin(angle) * y + moved.x_px + middle + MARGIN
    seen_y = np.sin(angle) * x + np.cos(angle) * y + moved.y_px + middle + MARGIN
    subpixels = (
        np.rint(SUBPIXELS * place + SUBPIXELS // 2).astype(int) for place in (seen_x, seen_y)
    )
    return fine[tuple(subpixels)].astype(np.int32)


@pytest.mark.parametrize("specimen", [0, 4, 7])
@pytest.mark.parametrize(
    "moved", [Moved(), Moved(3.4, -1.7, 0.0), Moved(-5.2, 0.6, 2.1), Moved(0.3, 4.8, -1.2)]
)
def test_shift_and_rotation_of_simulated_pairs_are_found(specimen, moved):
    scan = simulated(specimen, specimen)
    found = register(edges_of(scan), label_edges(labels_of(scan, moved)))
    assert found.moved.x_px == pytest.approx(moved.x_px, abs=0.15)
    assert found.moved.y_px == pytest.approx(moved.y_px, abs=0.15)
    assert found.moved.rotation_deg == pytest.approx(moved.rotation_deg, abs=0.15)
    assert found.agreement_best >= found.agreement_given
    assert found.agreement_best > 0.7
    assert found.peak > 2 * LEAST_PEAK
    is_moved = moved != Moved()
    assert (found.displacement_px > LARGEST_DISPLACEMENT_PX) == is_moved
    assert [len(found.warnings), *("lies beside" in line for line in found.warnings)] == (
        [1, True] if is_moved else [0]
    )


@pytest.mark.parametrize("specimen", [0, 4, 7])
def test_maps_of_different_places_do_not_pass_for_moved_ones(specimen):
    edges, labels = edges_of(simulated(1, specimen)), labels_of(simulated(2, specimen), Moved())
    found = register(edges, label_edges(labels))
    assert found.peak < LEAST_PEAK
    assert "same place, and not mirrored?" in found.warnings[0]
    mirrored = register(edges, label_edges(labels_of(simulated(1, specimen), Moved())[:, ::-1]))
    assert "same place, and not mirrored?" in mirrored.warnings[0]


def test_moves_are_those_of_scipy_also_of_oblong_and_binned_pictures():
    """Of 700 × 560 pixels, twice as many as the first search sees; a picture moved by SciPy."""
    rng = np.random.default_rng(0)
    shape = (560, 700)
    places = np.stack(np.mgrid[: shape[0], : shape[1]], -1)
    grains = cKDTree(rng.random((900, 2)) * shape).query(places)[1]
    ebsd = label_edges(grains.astype(np.int32))
    moved = Moved(-9.5, 14.25, -0.8)
    inverse = moved.matrix().T[::-1, ::-1]
    middle = (np.array(shape) - 1) / 2
    goal = middle + np.array([moved.y_px, moved.x_px])
    seen = affine_transform(ebsd, inverse, middle - inverse @ goal)
    found = register(seen + rng.normal(0, 0.4, shape), ebsd)
    assert found.moved.x_px == pytest.approx(moved.x_px, abs=0.1)
    assert found.moved.y_px == pytest.approx(moved.y_px, abs=0.1)
    assert found.moved.rotation_deg == pytest.approx(moved.rotation_deg, abs=0.03)
    corners = [
        np.hypot(*((moved.matrix() - np.eye(2)) @ corner + (moved.x_px, moved.y_px)))
        for corner in [(349.5, 279.5), (-349.5, 279.5), (349.5, -279.5), (-349.5, -279.5)]
    ]
    assert moved.displacement_px(shape) == pytest.approx(max(corners))


def test_a_shift_of_whole_pixels_is_that_of_scipy():
    rng = np.random.default_rng(3)
    picture = rng.random((60, 80)) ** 8
    found = register(shift(picture, (2, -5), order=0), picture)
    assert (found.moved.x_px, found.moved.y_px) == pytest.approx((-5, 2), abs=0.02)


def test_edges_of_signals_are_correlations_in_any_strips(monkeypatch):
    rng = np.random.default_rng(1)
    signals = rng.integers(0, 256, (7, 5, 6, 72), dtype=np.uint8)
    signals[2, 2] = 9  # constant: correlates with nothing
    whole = signal_edges(lambda first, last: signals[first:last], (7, 5))
    flat = signals.reshape(7, 5, 432).astype(float)
    for i, j in [(1, 1), (4, 2), (0, 3), (6, 4), (5, 0)]:
        r_first = np.corrcoef(flat[max(i - 1, 0), j], flat[min(i + 1, 6), j])[0, 1]
        r_second = np.corrcoef(flat[i, max(j - 1, 0)], flat[i, min(j + 1, 4)])[0, 1]
        assert whole[i, j] == pytest.approx(np.sqrt(2 - r_first - r_second), abs=1e-5)
    assert np.isfinite(whole).all()
    monkeypatch.setattr("workflow.lib.maps.registration.PIXELS_AT_ONCE", 1)
    strips = signal_edges(lambda first, last: signals[first:last], (7, 5))
    np.testing.assert_allclose(strips, whole, atol=1e-6)
    scaled = (0.5 * signals).astype(np.uint8) + 60  # other gain and offset
    seen = signal_edges(lambda first, last: scaled[first:last], (7, 5))
    np.testing.assert_allclose(seen, whole, atol=0.01)


def test_edges_of_grains_by_hand():
    labels = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [-1, 2, 2, 2]], np.int32)
    expected = np.sqrt([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 2, 2], [0, 1, 1, 1]])
    # the lower left corner and its neighbours: −1 is no grain and makes no boundary
    np.testing.assert_allclose(label_edges(labels), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3)])
def test_maps_without_boundaries_are_told(shape):
    labels = np.zeros(shape, np.int32)
    signals = np.random.default_rng(0).integers(0, 256, (*shape, 6, 72), dtype=np.uint8)
    edges = signal_edges(lambda first, last: signals[first:last], shape)
    found = register(edges, label_edges(labels))
    assert np.isnan(found.agreement_best)
    assert "can't be checked" in found.warnings[0]
    facts = json.loads(json.dumps(found.facts(), allow_nan=False))
    assert facts["agreement_best"] is None
    assert (facts["shift_px"], facts["warnings"]) == ([0, 0], found.warnings)


def test_tiny_maps_come_to_an_end():
    labels = np.array([[0, 0, 1, 1]], np.int32)
    noise = np.array([[0.1, 0, 0, 0.2]])
    found = register(label_edges(labels) + noise, label_edges(labels))
    assert len(found.warnings) == 1
