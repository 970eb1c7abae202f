"""Rolls, gains and standardisation of signals; the roll–rotation identity on the simulator."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from workflow.lib.orientation import azimuth_rotation, multiply
from workflow.lib.signals.rolls import random_gain, roll_azimuth, standardise
from workflow.lib.simulation import reflectance as simulator

SIGNALS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 6, 72), dtype=np.uint8))


@given(st.lists(st.integers(0, 71), min_size=8, max_size=8))
def test_each_signal_rolls_by_its_own_number(rolls):
    rolled = roll_azimuth(SIGNALS, torch.tensor(rolls))
    assert rolled.dtype == torch.uint8
    for signal, k, result in zip(SIGNALS, rolls, rolled, strict=True):
        np.testing.assert_array_equal(result, np.roll(signal, k, axis=-1))


def test_rolling_a_signal_is_rotating_its_orientation():
    """The identity that augmentation and TTA stand on, with no noise in the way."""
    rotation = Rotation.random(20, rng=np.random.default_rng(1))
    orientation = torch.from_numpy(rotation.as_quat(scalar_first=True))
    rolls = torch.arange(20) * 7 % 72
    turned = multiply(azimuth_rotation(rolls), orientation)
    signal = torch.from_numpy(simulator.ideal_signal(orientation.numpy()))
    expected = torch.from_numpy(simulator.ideal_signal(turned.numpy()))
    torch.testing.assert_close(roll_azimuth(signal, rolls), expected, atol=1e-9, rtol=0)
    backwards = roll_azimuth(signal, (72 - rolls) % 72)
    assert (backwards - expected).abs().max() > 0.1  # the other direction is wrong


def test_gain_keeps_the_shape_and_the_range():
    torch.manual_seed(0)
    bright = random_gain(SIGNALS.repeat(200, 1, 1), sd=0.2)
    assert bright.min() >= 0
    assert bright.max() == 255
    dim = SIGNALS.repeat(200, 1, 1).float() / 4
    ratio = random_gain(dim, sd=0.2).sum((1, 2)) / dim.sum((1, 2))
    assert abs(ratio.mean() - 1) < 0.02
    assert abs(ratio.std() - 0.2) < 0.02


def test_standardised_signals_forget_gain_and_offset():
    narrow = 100 + SIGNALS[:, :, :].float() * 0.1
    result = standardise(narrow)
    torch.testing.assert_close(result, standardise(2 * narrow - 30), atol=1e-2, rtol=0)
    assert abs(result.mean() - 128) < 1
    assert abs(result.std() - 64) < 1
    assert (standardise(torch.full((1, 6, 72), 7, dtype=torch.uint8)) == 128).all()
