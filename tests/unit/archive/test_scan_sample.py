"""look_at: a scan that is dark, clipped, or in another order is told; one of sim-v1 is not."""

import numpy as np
import pytest

from workflow.lib.archive.scan.sample import AS_TEXT, look_at
from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

# Signals of the forward model, which knows nothing of this check.
SIGNALS = [
    simulate_specimen(150, specimen, stream(5, 1, number))[0]
    for number, specimen in enumerate(SPECIMENS)
]
RANDOM = np.random.default_rng(0)


def looked_at(tmp_path, signals):
    np.save(tmp_path / "scan.npy", np.ascontiguousarray(signals))
    with open_signals(tmp_path / "scan.npy") as scan:
        return look_at(scan, "scan.npy")


def warnings_of(tmp_path, signals):
    return looked_at(tmp_path, signals).warnings


@pytest.mark.parametrize("signals", SIGNALS)
def test_specimens_as_they_should_be_are_not_warned_of(tmp_path, signals):
    assert warnings_of(tmp_path, signals) == []
    assert warnings_of(tmp_path, signals.reshape(15, 10, 6, 72)) == []
    turned = np.roll(signals, 31, axis=2)[:, :, ::-1]  # begins elsewhere, rises the other way
    assert warnings_of(tmp_path, turned) == []


@pytest.mark.parametrize("signals", SIGNALS)
def test_another_order_is_told(tmp_path, signals):
    (told,) = warnings_of(tmp_path, signals[:, ::-1])
    assert "are elevations in the order 65° to 15°?" in told
    names = sorted(f"az{5 * azimuth}" for azimuth in range(72))  # as a folder lists them
    azimuths = [int(name[2:]) // 5 for name in names]
    assert azimuths == AS_TEXT
    (told,) = warnings_of(tmp_path, signals[:, :, azimuths])
    assert "if the azimuths were sorted as text" in told
    (told,) = warnings_of(tmp_path, signals.swapaxes(1, 2).reshape(-1, 6, 72))
    assert "if the azimuths were the outer of the two axes" in told
    (told,) = warnings_of(tmp_path, signals[:, :, RANDOM.permutation(72)])
    assert "neighbouring azimuths are less alike than some far apart" in told
    (told,) = warnings_of(tmp_path, signals[:, :, np.r_[0:72:2, 1:72:2]])
    assert "neighbouring azimuths are less alike than some far apart" in told


def test_signals_without_any_pattern_say_nothing_of_their_order(tmp_path):
    assert warnings_of(tmp_path, RANDOM.integers(0, 256, (150, 6, 72), dtype=np.uint8)) == []


def test_dark_and_clipped_scans_are_told(tmp_path):
    signals = SIGNALS[0]
    (told,) = warnings_of(tmp_path, signals // 4)
    assert "too dark?" in told
    bright = np.minimum(signals.astype(int) * 8, 255).astype(np.uint8)
    assert any("are clipped at 255" in told for told in warnings_of(tmp_path, bright))
    black = np.maximum(signals.astype(int) - 60, 0).astype(np.uint8)
    assert any("are clipped at 0" in told for told in warnings_of(tmp_path, black))


def test_few_pixels_are_not_judged(tmp_path):
    assert warnings_of(tmp_path, SIGNALS[0][:1]) == []
    assert warnings_of(tmp_path, SIGNALS[0][:99, ::-1]) == []


def test_a_scan_of_one_value_is_refused(tmp_path):
    line = "scan.npy: every value of the 20 pixels looked at is 7, expected intensities from 0"
    with pytest.raises(InputError, match=line):
        looked_at(tmp_path, np.full((4, 5, 6, 72), 7, np.uint8))


def test_the_digest_tells_scans_apart_and_not_the_files_they_are_in(tmp_path):
    scan = SIGNALS[0].reshape(15, 10, 6, 72)
    changed = scan.copy()
    changed[7, 3, 2, 1] ^= 1
    first = looked_at(tmp_path, scan).sha256
    assert looked_at(tmp_path, scan.copy()).sha256 == first
    assert looked_at(tmp_path, changed).sha256 != first


def test_a_large_scan_is_looked_at_from_end_to_end_and_in_part(tmp_path):
    scan = np.zeros((300, 300, 6, 72), np.uint8)
    scan[-1] = 9
    sample = looked_at(tmp_path, scan)
    assert sample.count <= 64 * 256
    assert sample.levels[9] > 0
    assert sample.levels[0] > 0
