"""specimen.py: what a specimen's file holds is checked."""

import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.archive.specimen import LEAVE_OUT, UNINDEXED, validate_specimen
from workflow.lib.runtime.files import InputError

SIGNALS = np.random.default_rng(0).integers(0, 256, (9, 6, 72)).astype(np.uint8)
EULER = np.random.default_rng(1).uniform((-3, 0, -3), (3, 3, 3), (9, 3))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i8", "f2", ">f4", "f8"])
def test_signals_of_any_number_type_become_the_same_uint8(dtype):
    signals, euler, warnings = validate_specimen(SIGNALS.astype(dtype), EULER, "01.npy")
    assert warnings == []
    assert signals.dtype == np.uint8
    assert signals.flags.c_contiguous
    assert euler.dtype == np.float64
    np.testing.assert_array_equal(signals, SIGNALS)
    np.testing.assert_array_equal(euler, EULER)


@pytest.mark.parametrize(
    "limits_rad",
    [
        (2 * np.pi, np.pi, 2 * np.pi),
        (-2 * np.pi, -np.pi, -2 * np.pi),
        (2 * np.pi + 9e-4, np.pi + 9e-4, -2 * np.pi - 9e-4),
        (np.pi / 2, 0, 0),
    ],
)
def test_angles_within_the_range_are_accepted(limits_rad):
    euler = np.vstack([EULER[1:], limits_rad])
    accepted = validate_specimen(SIGNALS, euler, "01.npy").euler_zyz_rad
    np.testing.assert_array_equal(accepted, euler)
    validate_specimen(SIGNALS, euler.astype(np.float32), "01.npy")


LAST = "; 1 of 9 rows, the first is row 8, counted from 0$"


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        ((0, np.pi + 2e-3, 0), f"the Euler angle β reaches ±3.144 rad.*{LAST}"),
        ((0, -4.0, 0), f"the Euler angle β reaches ±4 rad.*{LAST}"),
        ((2 * np.pi + 2e-3, 0, 0), f"looks like degrees{LAST}"),
        ((0, 0, -360.0), f"reach 360, expected radians up to 2π: this looks like degrees{LAST}"),
        ((0, -np.inf, 0), f"reach inf, .* infinite angles are no orientation{LAST}"),
    ],
)
def test_angles_out_of_range_are_named_with_their_rows(angles, message):
    with pytest.raises(InputError, match=message):
        validate_specimen(SIGNALS, np.vstack([EULER[1:], angles]), "01.npy")


def test_the_same_impossible_angles_again_and_again_look_like_a_mark():
    euler = EULER.copy()
    euler[[3, 5]] = 999
    message = (
        "reach 999.* a mark of points without an orientation.; 2 of 9 rows, the first is row 3"
    )
    with pytest.raises(InputError, match=message):
        validate_specimen(SIGNALS, euler, "01.npy")
    with pytest.raises(InputError, match="looks like degrees; 9 of 9 rows"):
        validate_specimen(SIGNALS, np.full((9, 3), 90.0), "01.npy")


# Points that EBSD could not index

MARKED = {
    "NaN": (np.nan, np.nan, np.nan),
    "partly NaN": (1.0, np.nan, 1.0),
    "zeros": (0.0, -0.0, 0.0),
    "4π": (4 * np.pi,) * 3,
    "4π in float32": (np.float32(4 * np.pi),) * 3,
    "4π once": (4 * np.pi, 1.0, 1.0),
    "4π of two decimals": (12.57, 12.57, 12.57),
    "degrees of 4π": (720.0, 720.0, 720.0),
    "minus one": (-1.0, -1.0, -1.0),
}


@pytest.mark.parametrize("mark", MARKED.values(), ids=MARKED)
def test_points_that_ebsd_did_not_index_are_refused_or_left_out(mark):
    euler, signals = EULER.copy(), SIGNALS.astype(float)
    euler[[2, 6, 7]] = mark
    signals[[2, 6]] = np.nan  # nothing was recorded there either
    found = r"3 of 9 rows, the first is row 2, counted from 0 \(3 × "
    with pytest.raises(InputError, match=f"^01.npy: EBSD did not index {found}.*leave_out in"):
        validate_specimen(signals, euler, "01.npy")
    left = validate_specimen(signals, euler, "01.npy", LEAVE_OUT)
    kept = [0, 1, 3, 4, 5, 8]
    np.testing.assert_array_equal(left.signals, SIGNALS[kept])
    np.testing.assert_array_equal(left.euler_zyz_rad, EULER[kept])
    (warning,) = left.warnings
    assert re.match(f"points that EBSD did not index are left out: {found}", warning)


@pytest.mark.parametrize("near", [(0, 0, 1e-9), (-1, -1, -1.0001), (2 * np.pi, np.pi, 2 * np.pi)])
def test_what_is_only_like_a_mark_is_an_orientation(near):
    euler = np.vstack([EULER[1:], near])
    assert len(validate_specimen(SIGNALS, euler, "01.npy").signals) == 9


def test_marks_are_counted_by_kind_and_errors_name_the_rows_of_the_file():
    euler = EULER.copy()
    euler[[0, 1, 4]] = [[0, 0, 0], [np.nan, 0, 0], [0, 0, 0]]
    with pytest.raises(InputError, match=r"3 of 9 rows, .* row 0, .* \(1 × NaN, 2 × \(0, 0, 0\)\)"):
        validate_specimen(SIGNALS, euler, "01.npy")
    signals = SIGNALS.astype(int)
    signals[[1, 8]] = -1  # row 1 is left out
    with pytest.raises(InputError, match="1 of 6 rows, the first is row 8"):
        validate_specimen(signals, euler, "01.npy", LEAVE_OUT)
    euler[5] = 7
    with pytest.raises(InputError, match="looks like degrees; 1 of 6 rows, the first is row 5"):
        validate_specimen(SIGNALS, euler, "01.npy")


@pytest.mark.parametrize("unindexed", UNINDEXED)
def test_a_set_without_a_single_orientation_is_refused(unindexed):
    with pytest.raises(InputError, match="EBSD indexed no point of this set: 9 of 9 rows"):
        validate_specimen(SIGNALS, np.zeros((9, 3)), "01.npy", unindexed)


def test_unindexed_points_in_another_convention_are_told():
    """Bunge's (0, 0, 0) in ZYZ; and as SciPy has it, which puts both angles into one."""
    bunge = Rotation.from_euler("ZXZ", [0, 0, 0]).as_matrix()
    for angles in ((-np.pi / 2, 0, np.pi / 2), (1.5 * np.pi, 0, np.float32(np.pi / 2))):
        np.testing.assert_allclose(Rotation.from_euler("ZYZ", angles).as_matrix(), bunge, atol=1e-7)
        (warning,) = validate_specimen(SIGNALS, np.vstack([EULER[1:], angles]), "01.npy").warnings
        assert warning.startswith("exactly the cube orientation: 1 of 9 rows, the first is row 8")


def test_angles_on_another_scale_are_told():
    signals = np.concatenate([SIGNALS, SIGNALS])
    euler = np.concatenate([EULER, EULER]) / (2 * np.pi)
    (warning,) = validate_specimen(signals, euler, "01.npy").warnings
    assert warning.startswith("no Euler angle exceeds 0.4")


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
