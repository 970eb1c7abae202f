"""intensity.py: signals on another scale are refused or told; dark and simulated ones pass."""

import numpy as np
import pytest

from workflow.lib.archive.intensity import brightness_warnings, checked_signals, grey_levels
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

GRAINS = simulate_specimen(40, SPECIMENS[0], stream(3, 1, 1))[0]
SHARE = GRAINS / 255  # 0–1
ROWS = np.arange(40)


def check(signals):
    return checked_signals(signals, ROWS[: len(signals)], "set")


def refusal(signals):
    with pytest.raises(InputError, match=r"^set: ") as caught:
        check(signals)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 250
    return str(caught.value)


def test_fractions_are_rounded_to_the_nearest_integer():
    signals = GRAINS[:1].astype(float)
    signals[0, 0, :5] = [0.4, 0.6, 254.6, 7.5, 100]
    assert check(signals)[0][0, 0, :5].tolist() == [0, 1, 255, 8, 100]


def test_levels_are_counted_as_numpy_counts_them():
    expected = np.bincount(GRAINS.reshape(-1), minlength=256)
    np.testing.assert_array_equal(grey_levels(GRAINS), expected)
    np.testing.assert_array_equal(grey_levels(GRAINS[:, :, ::-1]), expected)


@pytest.mark.parametrize("specimen", range(1, 11))
@pytest.mark.parametrize("n", [10, 50, 900])
def test_simulated_sets_pass_without_a_word(specimen, n):
    signals = simulate_specimen(n, SPECIMENS[specimen - 1], stream(1, 1, specimen))[0]
    for given in (signals, signals.astype(np.float32), signals * 0.999):
        checked, warnings = checked_signals(given, np.arange(n), "set")
        assert warnings == []
        np.testing.assert_array_equal(checked, np.rint(given))


@pytest.mark.parametrize(
    ("highest", "dtype"),
    [(1.0000001, np.float32), (1.02, float), (1.02, np.float16), (3.7, np.float32), (10, float)],
)
def test_rounding_that_leaves_few_grey_levels_is_refused(highest, dtype):
    message = refusal((SHARE * highest).astype(dtype))
    assert (
        f"signals reach {np.max(SHARE * highest).astype(dtype):.9g}, half of them span" in message
    )
    assert "undo the scaling" in message
    one_hot_pixel = SHARE * highest
    one_hot_pixel[7, 3, 3] = 255
    assert "signals reach 255, half of them span" in refusal(one_hot_pixel)


@pytest.mark.parametrize(
    ("signals", "scale"),
    [
        (SHARE, "no signal exceeds 1: scaled to 0–1?"),
        (2 * SHARE - 1, "scaled to −1–1? add 1 and multiply by 127.5"),
        ((SHARE - SHARE.mean()) / SHARE.std(), "standardised?"),
        (GRAINS * 1.05, "if only noise or interpolation exceeds 255, clip them"),
        (GRAINS.astype(int) * 4, "10-bit? multiply by 255/1023"),
        (GRAINS.astype(np.uint16) * 16, "12-bit? multiply by 255/4095"),
        (SHARE * 16383, "14-bit? multiply by 255/16383"),
        (GRAINS.astype(np.uint16) * 257, "16-bit? multiply by 255/65535"),
        (GRAINS.astype(np.uint32) << 16, "more than 16-bit?"),
        (GRAINS.view(np.int8), "uint8 read as int8?"),
        ((GRAINS.astype(np.uint16) * 257).view(np.int16), "uint16 read as int16"),
        (GRAINS - 3.0, "something subtracted?"),
        (GRAINS * 1e300, "more than 16-bit?"),
        (GRAINS * -1e300, "something subtracted?"),
    ],
)
def test_a_scale_is_recognised_by_its_numbers(signals, scale):
    assert scale in refusal(signals)


def test_refusals_count_rows_and_name_the_first():
    bad = GRAINS.astype(float)
    bad[[3, 9]] = np.nan
    assert (
        "NaN or infinite signals, expected 0 to 255; 2 of 40 rows, the first is row 3"
        in refusal(bad)
    )
    bad = GRAINS.astype(int)
    bad[5, 0, 0] = 256
    assert "reach from 0 to 256, expected 0 to 255; 1 of 40 rows, the first is row 5" in refusal(
        bad
    )


@pytest.mark.parametrize(("low", "high"), [(0, 0), (1, 1), (255, 255), (0, 1), (0, 255)])
@pytest.mark.parametrize("dtype", [np.uint8, int])
def test_one_value_or_two_are_no_signals(low, high, dtype):
    message = refusal(np.where(GRAINS > 60, high, low).astype(dtype))
    found = f"{low} or {high}" if low < high else f"{low}"
    assert f"every pixel of its 40 signals is {found}, expected intensities" in message


UNLIKELY = {
    "dark": (GRAINS // 16, "half of the 40 signals span 7 or fewer of 255 grey levels"),
    "very dark": (GRAINS // 64, "half of the 40 signals span 1 or fewer"),
    "per cent": (100 * SHARE, "no pixel exceeds 100 of 255: per cent, or too dark?"),
    "few levels": (GRAINS // 25 * 25, "only 11 different values from 0 to 250 occur"),
    "saturated": (np.clip(GRAINS.astype(int) * 5, 0, 255), "% of the pixels are clipped at 255"),
    "cut off": (GRAINS.clip(60) - 60, "% of the pixels are clipped at 0"),
    "one signal": (GRAINS[:1].repeat(40, 0), "all 40 signals are the same"),
    "low contrast": (100 + GRAINS // 12, "signals span 9 or fewer"),
}


@pytest.mark.parametrize(("signals", "message"), UNLIKELY.values(), ids=UNLIKELY)
def test_what_is_unlikely_is_told_and_kept(signals, message):
    checked, warnings = check(signals)
    np.testing.assert_array_equal(checked, np.rint(signals))
    assert any(message in warning for warning in warnings), warnings


def test_single_signals_without_a_pattern_are_counted():
    signals = GRAINS.copy()
    signals[[4, 7]] = 0
    signals[9] //= 64
    (warning,) = check(signals)[1]
    assert warning == (
        "signals that span fewer than 8 grey levels: 3 of 40 rows, the first is row 4, counted "
        "from 0; of one value everywhere: 2"
    )
    mixed = GRAINS.astype(float)
    mixed[30:] /= 255  # a quarter of the set on another scale
    (warning,) = check(mixed)[1]
    assert "10 of 40 rows, the first is row 30" in warning


def test_sets_on_different_scales_are_told():
    means = {"training_sets/01.npy": 55.0, "training_sets/02.npy": 12.0, "training_sets/03.npy": 50}
    (warning,) = brightness_warnings(means)
    assert warning.startswith(
        "training_sets/02.npy: its pixels have a mean of 12, those of the typ"
    )
    assert brightness_warnings({"a": 40.0, "b": 80.0, "c": 130.0}) == []
