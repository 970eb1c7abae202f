"""specimen.py: what a specimen's file holds is checked."""

import numpy as np
import pytest

from workflow.lib.files import InputError
from workflow.lib.specimen import validate_specimen

SIGNALS = np.random.default_rng(0).integers(0, 256, (9, 6, 72)).astype(np.uint8)
EULER = np.random.default_rng(1).uniform((-3, 0, -3), (3, 3, 3), (9, 3))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i8", "f2", ">f4", "f8"])
def test_signals_of_any_number_type_become_the_same_uint8(dtype):
    signals, euler = validate_specimen(SIGNALS.astype(dtype), EULER, "01.npy")
    assert signals.dtype == np.uint8
    assert signals.flags.c_contiguous
    assert euler.dtype == np.float64
    np.testing.assert_array_equal(signals, SIGNALS)
    np.testing.assert_array_equal(euler, EULER)


def test_fractions_are_rounded_to_the_nearest_integer():
    signals = np.full((1, 6, 72), 100.0)
    signals[0, 0, :4] = [0.4, 0.6, 254.6, 7.5]
    rounded, _ = validate_specimen(signals, EULER[:1], "01.npy")
    assert rounded[0, 0, :5].tolist() == [0, 1, 255, 8, 100]


def test_dark_and_saturated_integers_are_data():
    for value in (0, 1, 255):
        validate_specimen(np.full_like(SIGNALS, value), EULER, "01.npy")


@pytest.mark.parametrize(
    "limits_rad",
    [
        (2 * np.pi, np.pi, 2 * np.pi),
        (-2 * np.pi, -np.pi, -2 * np.pi),
        (2 * np.pi + 9e-4, np.pi + 9e-4, -2 * np.pi - 9e-4),
        (0, 0, 0),
    ],
)
def test_angles_within_the_range_are_accepted(limits_rad):
    euler = np.vstack([EULER[1:], limits_rad])
    _, accepted = validate_specimen(SIGNALS, euler, "01.npy")
    np.testing.assert_array_equal(accepted, euler)
    validate_specimen(SIGNALS, euler.astype(np.float32), "01.npy")


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        ((0, np.pi + 2e-3, 0), "the Euler angle β reaches ±3.144 rad"),
        ((0, -4.0, 0), "the Euler angle β reaches ±4 rad"),
        ((2 * np.pi + 2e-3, 0, 0), "looks like degrees"),
        ((0, 0, -360.0), "reach 360, expected radians up to 2π: this looks like degrees"),
    ],
)
def test_angles_out_of_range_are_named(angles, message):
    with pytest.raises(InputError, match=message):
        validate_specimen(SIGNALS, np.vstack([EULER[1:], angles]), "01.npy")


@pytest.mark.parametrize(
    ("signals", "euler", "message"),
    [
        (SIGNALS[..., None], EULER, r"xtr has shape \(9, 6, 72, 1\)"),
        (SIGNALS[:0], EULER[:0], "the specimen is empty"),
        (SIGNALS[:8], EULER, "8 signals in xtr but 9 orientations in ytr"),
        (SIGNALS, EULER[:, :2], r"ytr has shape \(9, 2\), expected \(n, 3\)"),
        (SIGNALS > 9, EULER, "xtr has type bool"),
        (SIGNALS.astype(int) - 1, EULER, "reach from -1 to"),
        (SIGNALS.astype(int) + 1, EULER, "to 256, expected 0 to 255"),
        (SIGNALS / 255.0, EULER, "scaled to 0–1"),
    ],
)
def test_wrong_contents_are_one_line_that_names_the_file(signals, euler, message):
    with pytest.raises(InputError, match=f"^somewhere/01.npy: .*{message}") as caught:
        validate_specimen(signals, euler, "somewhere/01.npy")
    assert len(str(caught.value).splitlines()) == 1
