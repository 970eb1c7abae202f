"""The subspace of training signals against covariances by hand, and anomalies of the simulator."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from scipy.stats import mannwhitneyu, norm

from workflow.lib.maps.signal_space import SignalSpace, fit_signal_space
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.polycrystal import scan_specimen
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

COMPONENTS = 32


def simulated(n: int, seed: int, specimens=range(1, 8)) -> np.ndarray:
    """n signals of each specimen."""
    sets = [simulate_specimen(n, SPECIMENS[k - 1], stream(seed, 1, k))[0] for k in specimens]
    return np.concatenate(sets)


@pytest.fixture(scope="module")
def space() -> SignalSpace:
    return fit_signal_space(simulated(300, 1), simulated(50, 2), COMPONENTS, 0.001)


def by_hand(signals: np.ndarray) -> np.ndarray:
    """Standardised rows, float64 (n, 432)."""
    rows = signals.reshape(len(signals), -1).astype(float)
    return (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)


def test_components_are_those_of_all_rolls_copied():
    train = simulated(9, 3)
    space = fit_signal_space(train, train, COMPONENTS, 0.1)
    rolled = np.concatenate([np.roll(train, k, axis=2) for k in range(72)])
    rows = by_hand(rolled)
    np.testing.assert_allclose(space.mean, rows.mean(0), atol=1e-6)
    variances, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))
    kept = len(space.components)
    assert kept in (COMPONENTS - 1, COMPONENTS)
    assert variances[-kept] > variances[-kept - 1]  # so that the subspace is one
    largest = vectors[:, -kept:]
    ours = space.components.numpy().astype(float)
    np.testing.assert_allclose(ours @ ours.T, np.eye(kept), atol=1e-5)
    np.testing.assert_allclose(ours.T @ ours, largest @ largest.T, atol=1e-4)


def test_score_is_the_distance_relative_to_that_of_training_signals():
    train, others = simulated(20, 4), simulated(5, 5)
    space = fit_signal_space(train, others, COMPONENTS, 0.1)
    basis, mean = space.components.numpy().astype(float), space.mean.numpy().astype(float)

    def squares(signals: np.ndarray) -> np.ndarray:
        centred = by_hand(signals) - mean
        return ((centred - centred @ basis.T @ basis) ** 2).sum(1)

    expected = np.sqrt(squares(others) / squares(train).mean())
    found = space.score(torch.from_numpy(others))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@given(roll=st.integers(0, 71), dimmed=st.integers(1, 3), lifted=st.integers(0, 60))
def test_neither_rolls_nor_exposure_change_the_score(space, roll, dimmed, lifted):
    signals = simulated(3, 6) // 4
    other = np.roll(signals, roll, axis=2) * dimmed + lifted
    assert other.max() <= 255
    np.testing.assert_allclose(
        space.score(torch.from_numpy(other)), space.score(torch.from_numpy(signals)), rtol=1e-3
    )


def test_score_of_a_signal_does_not_depend_on_those_beside_it(space):
    signals = torch.from_numpy(simulated(100, 7))
    together = space.score(signals)
    alone = torch.cat([space.score(part) for part in signals.split(7)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=0)
    assert space.score(signals[:0]).shape == (0,)


def test_what_is_no_signal_is_an_anomaly(space):
    dead, saturated, spike, noise = (np.zeros((1, 6, 72), np.uint8) for _ in range(4))
    saturated += 255
    spike[0, 3, 40] = 1
    noise[:] = np.random.default_rng(1).integers(0, 6, noise.shape)
    others = torch.from_numpy(np.concatenate([dead, saturated, spike, noise]))
    scores = space.score(others)
    assert scores.isfinite().all()
    assert (scores > 1.5 * space.threshold).all()


def test_threshold_is_a_quantile_of_the_logarithms_of_validation_signals():
    train, validation = simulated(40, 8), simulated(60, 9)
    for share in (0.001, 0.2):
        space = fit_signal_space(train, validation, COMPONENTS, share)
        logs = space.score(torch.from_numpy(validation)).double().log().numpy()
        expected = np.exp(norm.ppf(1 - share, logs.mean(), logs.std(ddof=1)))
        assert space.threshold == pytest.approx(expected, rel=1e-5)
    unseen = simulated(300, 10)
    above = (space.score(torch.from_numpy(unseen)) > space.threshold).float().mean().item()
    assert above == pytest.approx(0.2, abs=0.03)


def test_one_validation_signal_is_enough():
    train, validation = simulated(10, 11), simulated(1, 12)[:1]
    space = fit_signal_space(train, validation, 4, 0.001)
    score = space.score(torch.from_numpy(validation)).item()
    assert space.threshold == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("specimen", [4, 8, 10])
def test_simulated_pores_and_under_etching_stand_out(specimen):
    others = [k for k in range(1, 11) if k != specimen]
    space = fit_signal_space(simulated(300, 1, others), simulated(50, 2, others), COMPONENTS, 0.001)
    rng = stream(103, 4, specimen)
    scan = scan_specimen((64, 64), SPECIMENS[specimen - 1], rng, anomalies=True)
    scores = space.score(torch.from_numpy(scan.signals).flatten(0, 1)).numpy().reshape(64, 64)
    is_pore = scan.pore_share >= 0.5
    is_band = np.broadcast_to(scan.etch <= 0.5, is_pore.shape)
    sound = ~(is_pore | is_band)

    def area(anomalies: np.ndarray) -> float:
        pairs = anomalies.sum() * sound.sum()
        return mannwhitneyu(scores[anomalies], scores[sound]).statistic / pairs

    assert area(is_pore) > 0.98
    assert area(is_pore | is_band) > 0.95
    assert (scores[is_pore] > space.threshold).mean() > 0.85
    # what is partly etched or partly pore counts as sound here
    assert (scores[sound] > space.threshold).mean() < 0.02


def test_boundaries_of_grains_are_no_anomalies():
    others = [k for k in range(1, 11) if k != 3]
    space = fit_signal_space(simulated(300, 1, others), simulated(50, 2, others), COMPONENTS, 0.001)
    scan = scan_specimen((64, 64), SPECIMENS[2], stream(5, 3, 3))
    scores = space.score(torch.from_numpy(scan.signals).flatten(0, 1)).numpy()
    mixed = (scan.grains != scan.grains[..., :1]).any(-1).ravel()
    assert 0.05 < mixed.mean() < 0.4
    assert (scores[mixed] > space.threshold).mean() <= 0.005


def test_a_file_gives_back_the_space(space, tmp_path):
    path = tmp_path / "8.safetensors"
    space.save(path)
    found = SignalSpace.load(path)
    assert (found.mean == space.mean).all()
    assert (found.components == space.components).all()
    assert (found.scale, found.threshold) == (space.scale, space.threshold)
    assert found.to_bytes() == space.to_bytes() == path.read_bytes()


def broken_spaces() -> dict[str, bytes]:
    good = {
        "mean": torch.zeros(432),
        "components": torch.eye(432)[:3],
        "scale": torch.tensor(1.0),
        "threshold": torch.tensor(2.0),
    }
    changed = {
        "a name is missing": {"threshold": None},
        "a name is new": {"more": torch.zeros(1)},
        "a shape": {"mean": torch.zeros(6, 72)},
        "another geometry": {"components": torch.zeros(3, 5 * 72)},
        "integers": {"components": torch.zeros(3, 432, dtype=torch.int64)},
        "NaN": {"mean": torch.full((432,), torch.nan)},
        "a scale of zero": {"scale": torch.tensor(0.0)},
        "all of the space": {"components": torch.eye(432)},
    }
    files = {
        name: save({key: value for key, value in (good | change).items() if value is not None})
        for name, change in changed.items()
    }
    whole = save(good)
    return files | {"truncated": whole[:-9], "empty": b"", "a pickle": pickle.dumps([1, 2])}


@pytest.mark.parametrize(("name", "content"), broken_spaces().items())
def test_other_files_are_refused_in_a_line(name, content, tmp_path):
    path = tmp_path / "space.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        SignalSpace.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        SignalSpace.load(tmp_path / "space.safetensors")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ((0, 0.1), "components: found 0, expected 1 to 431"),
        ((432, 0.1), "components: found 432"),
        ((3, 0.0), "false_alarms: found 0.0"),
        ((3, 1.0), "false_alarms: found 1.0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, text):
    signals = simulated(2, 13)
    with pytest.raises(InputError, match=text):
        fit_signal_space(signals, signals, *settings)


def test_constant_signals_are_left_out_and_alone_refused():
    signals, constant = simulated(2, 14), np.full((3, 6, 72), 7, np.uint8)
    alone = fit_signal_space(signals, signals, 4, 0.1)
    mixed = fit_signal_space(np.concatenate([signals, constant]), signals, 4, 0.1)
    assert mixed.to_bytes() == alone.to_bytes()
    for train, validation, what in ((constant, signals, "training"), (signals, constant, "valid")):
        with pytest.raises(InputError, match=f"{what}.* all 3 are constant"):
            fit_signal_space(train, validation, 4, 0.1)
