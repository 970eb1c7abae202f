"""What the Euler angles of an EBSD map mean, and whether they can.

Three angles (a, b, c) stand for the product Rz(a) R(b) Rz(c) of right-handed rotations of vectors,
the middle one about y for `zyz` and about x for `bunge`. `direction` tells which coordinates the
product takes to which: for the dataset's ZYZ angles, crystal to specimen. Bunge's own angles
(φ1, Φ, φ2), as EDAX, Oxford, MTEX and orix write them, take crystal to specimen in this sense too:
they are introduced as the turns of the specimen's axes onto the crystal's, and for that reason
called specimen to crystal as often. Where they are called so, nobody can know which is meant, and
they are refused with a line that says this.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from workflow.lib.archive.specimen import ANGLE_TOLERANCE_RAD, BETA_LIMIT_RAD
from workflow.lib.archive.unindexed import is_unindexed
from workflow.lib.runtime.files import InputError

SEQUENCES = {"zyz": "ZYZ", "bunge": "ZXZ"}
FULL_TURN_RAD = 2 * np.pi
NOTHING = -1.0  # each of three angles in degrees, as a mark


def check_settings(settings: Mapping[str, str], path: Path) -> None:
    """Raise InputError where the settings of a scan's `ebsd` leave in doubt what is meant."""
    if settings["angles"] == "bunge" and settings["direction"] == "specimen_to_crystal":
        raise InputError(
            f"{path}: angles bunge with direction specimen_to_crystal: found two meanings, "
            "expected one: for Bunge's own angles as EBSD programs write them, leave direction "
            "out; for angles of the inverse rotation, save (−φ2, −Φ, −φ1) of them and leave it out"
        )


def in_radians(angles: np.ndarray, unit: str) -> np.ndarray:
    """Angles (…, 3) in radians, float64; NaN where they are the marks of points not indexed."""
    found = np.array(angles, dtype=np.float64)
    if unit == "degree":
        found[(found == NOTHING).all(axis=-1)] = np.nan
        found = np.deg2rad(found)
    found[is_unindexed(found)] = np.nan
    return found


def check_radians(
    angles_rad: np.ndarray,
    settings: Mapping[str, str],
    place: Callable[[np.ndarray], str],
    path: Path,
) -> None:
    """Raise InputError unless angles (n, 3) are possible; NaN passes.

    place: says where the pixels are that are True in a mask (n,).
    """
    first, middle, last = np.abs(angles_rad.T)
    is_bad = np.maximum(np.maximum(first, last), middle) > FULL_TURN_RAD + ANGLE_TOLERANCE_RAD
    in_degrees = settings["unit"] == "degree"
    if is_bad.any():
        highest = np.nanmax(np.abs(angles_rad))
        found = f"{np.rad2deg(highest):.4g}°" if in_degrees else f"{highest:.4g}"
        expected = "up to 360°" if in_degrees else "radians up to 2π: set unit: degree?"
        raise InputError(
            f"{path}: Euler angles reach {found}, expected {expected}; {place(is_bad)}"
        )
    is_bad = middle > BETA_LIMIT_RAD + ANGLE_TOLERANCE_RAD
    if is_bad.any():
        highest = np.nanmax(middle)
        found = f"{np.rad2deg(highest):.4g}°" if in_degrees else f"{highest:.4g} rad"
        raise InputError(
            f"{path}: the second Euler angle reaches ±{found}, expected at most ±"
            f"{'180°' if in_degrees else 'π'}: are the three angles in another order? "
            f"{place(is_bad)}"
        )


def orientations(angles_rad: np.ndarray, settings: Mapping[str, str]) -> np.ndarray:
    """Orientations (…, 4), crystal to specimen, of angles (…, 3); NaN where these are.

    Unit quaternions, float64, scalar first and not negative.
    """
    found = np.full((*angles_rad.shape[:-1], 4), np.nan)
    known = np.isfinite(angles_rad).all(axis=-1)
    if known.any():
        rotation = Rotation.from_euler(SEQUENCES[settings["angles"]], angles_rad[known])
        if settings["direction"] == "specimen_to_crystal":
            rotation = rotation.inv()
        found[known] = rotation.as_quat(canonical=True, scalar_first=True)
    return found
