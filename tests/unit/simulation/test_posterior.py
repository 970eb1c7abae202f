"""The exact posterior: what it recovers, what stays ambiguous, and that its claims hold."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from scipy.stats import binom

from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    azimuth_rotation,
    misorientation_deg,
    multiply,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.posterior import Settings, posterior, specimen_of_fold
from workflow.lib.simulation.reflectance import (
    SPECIMENS,
    Specimen,
    add_label_noise,
    random_orientations,
    simulate_signals,
)

FEW = Settings(starts=8, samples=256)


def fresh(n, c, seed, specimen=SPECIMENS[0]):
    """Signals of no set, their orientations and their labels."""
    rng = np.random.default_rng((seed, 2026))
    orientation = random_orientations(n, specimen.fibre_fraction, rng)
    signals = simulate_signals(orientation, specimen, rng, c)
    label = add_label_noise(orientation, rng)
    return signals, torch.as_tensor(orientation), torch.as_tensor(label)


@pytest.fixture(scope="module")
def at_benchmark():
    signals, orientation, label = fresh(40, 0.15, 1)
    return posterior(signals, label, SPECIMENS[0], 0.15, FEW), orientation, label


@pytest.fixture(scope="module")
def at_zero():
    signals, orientation, label = fresh(20, 0.0, 2)
    return posterior(signals, label, SPECIMENS[0], 0.0, FEW), orientation, label


def test_probabilities_are_complete(at_benchmark, at_zero):
    for found, *_ in (at_benchmark, at_zero):
        total = found.candidate_probability.sum(1) + found.left_out_probability
        torch.testing.assert_close(total, torch.ones_like(total))
        assert (found.candidate_probability.diff(dim=1) <= 0).all()
        empty = found.candidate_probability == 0
        assert (found.candidate_orientation.isnan().all(-1) == empty).all()


def test_candidates_are_further_apart_than_the_radius(at_zero):
    found, *_ = at_zero
    q, p = found.candidate_orientation, found.candidate_probability
    angle = misorientation_deg(q[:, 0], q[:, 1])[p[:, 1] > 0.1]
    assert (angle > 9).all()


def test_errors_are_those_of_the_reference(at_benchmark):
    """0.88° against labels in the median of 750 signals: that of 40 is between the quarters."""
    found, orientation, label = at_benchmark
    assert 0.6 < misorientation_deg(found.least_expected_orientation, label).median() < 1.4
    noise_free = misorientation_deg(found.most_probable_orientation, orientation)
    assert 0.4 < noise_free.median() < 1.2


@pytest.mark.parametrize("claimed", [0.5, 0.8, 0.9, 0.95])
def test_sets_hold_the_labels_as_often_as_they_claim(at_benchmark, at_zero, claimed):
    level = torch.cat([found.level for found, *_ in (at_benchmark, at_zero)])
    low, high = binom.interval(0.99, len(level), claimed)
    assert low <= (level <= claimed).sum() <= high


def test_the_density_of_labels_is_what_counting_gives(at_benchmark):
    """exp(−log density) under the posterior has mean 1 over labels that fill the zone; in the
    median a label 0.9° from the truth lies in a peak of e^10 to e^12 times uniform."""
    found, *_ = at_benchmark
    assert 10 < found.log_density.median() < 12.5


def test_without_facets_half_a_turn_is_as_good(at_zero):
    found, orientation, _ = at_zero
    p, q = found.candidate_probability, found.candidate_orientation
    half_turn = azimuth_rotation(36)
    apart = misorientation_deg(multiply(half_turn, orientation), orientation) > 15
    assert apart.sum() > 15
    # The two are equally probable; what is between them comes from the samples.
    difference = (p[:, 0] - p[:, 1])[apart]
    assert difference.quantile(0.8) < 0.08
    assert p[apart, 1].median() == pytest.approx(0.49, abs=0.03)
    other = misorientation_deg(multiply(half_turn, q[:, 0]), q[:, 1])
    assert other[p[:, 1] > 0.4].median() < 0.3
    nearest = misorientation_deg(q[:, :2], orientation[:, None]).nan_to_num(90).amin(1)
    assert nearest.median() < 2


def test_a_signal_without_noise_is_recovered():
    clear = Specimen(fibre_fraction=0.0, noise=0.01, background=0.3, tilt=0.0)
    signals, orientation, label = fresh(8, 0.15, 3, clear)
    found = posterior(signals, label, clear, 0.15, FEW)
    assert misorientation_deg(found.least_expected_orientation, orientation).median() < 0.2


def test_equivalent_labels_are_the_same_and_neighbours_matter_no_more_than_rounding():
    signals, _, label = fresh(10, 0.05, 4, SPECIMENS[3])
    found = posterior(signals, label, SPECIMENS[3], 0.05, FEW)
    equivalent = multiply(label, CUBIC_SYMMETRY[[5] * 5 + [17] * 5])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        again = posterior(signals, equivalent, SPECIMENS[3], 0.05, FEW)
    finally:
        torch.set_num_threads(threads)
    for name in ("candidate_orientation", "candidate_probability", "least_expected_orientation"):
        torch.testing.assert_close(
            getattr(again, name), getattr(found, name), rtol=0, atol=0, equal_nan=True
        )
    torch.testing.assert_close(again.level, found.level, rtol=0, atol=1e-9)
    alone = posterior(signals[3:5], label[3:5], SPECIMENS[3], 0.05, FEW)
    for name, value in vars(alone).items():
        whole = getattr(found, name)[3:5]
        torch.testing.assert_close(value, whole, rtol=0.02, atol=0.02, equal_nan=True)
    torch.testing.assert_close(again.log_density, found.log_density, rtol=0, atol=0.05)


@pytest.mark.parametrize("value", [0, 60, 255])
def test_a_constant_signal_has_a_broad_answer(value):
    label = torch.as_tensor(Rotation.random(2, rng=np.random.default_rng(8)).as_quat())
    signals = np.full((2, 6, 72), value, np.uint8)
    found = posterior(signals, label, SPECIMENS[0], 0.15, Settings(starts=4, samples=96))
    total = found.candidate_probability.sum(1) + found.left_out_probability
    torch.testing.assert_close(total, torch.ones_like(total))
    assert torch.isfinite(found.least_expected_orientation).all()
    assert torch.isfinite(found.log_density).all()


@pytest.mark.parametrize(
    ("signals", "n_labels", "message"),
    [
        (np.zeros((3, 6, 71), np.uint8), 3, r"signals: found torch.uint8 \(3, 6, 71\)"),
        (np.zeros((3, 6, 72), np.int16), 3, r"signals: found torch.int16"),
        (np.zeros((0, 6, 72), np.uint8), 0, r"signals: found"),
        (np.zeros((3, 6, 72), np.uint8), 2, r"labels: found \(2, 4\)"),
    ],
)
def test_other_signals_are_refused(signals, n_labels, message):
    with pytest.raises(InputError, match=message):
        posterior(signals, np.zeros((n_labels, 4)), SPECIMENS[0])


@pytest.mark.parametrize("fold", [0, 11])
def test_a_specimen_that_is_not_simulated_is_refused(fold):
    with pytest.raises(InputError, match=rf"^fold {fold}: no such specimen .* 1 to 10$"):
        specimen_of_fold(fold)
