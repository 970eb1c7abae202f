"""For tests of EBSD maps: orientations without symmetry, and how they are read and compared."""

import numpy as np
import pytest
from orix.quaternion import Rotation as OrixRotation
from scipy.spatial.transform import Rotation

from workflow.lib.archive.scan.ebsd import open_ebsd
from workflow.lib.runtime.files import InputError

SETTINGS = {
    "array": None, "angles": "zyz", "unit": "radian", "direction": "crystal_to_specimen",
}  # fmt: skip
BUNGE = SETTINGS | {"angles": "bunge"}
RANDOM = np.random.default_rng(0)
SHAPE = (5, 3)
# Crystal to specimen, (5, 3); no symmetric ones.
TRUE = Rotation.random(15, rng=RANDOM)


def whole(path, settings=SETTINGS):
    with open_ebsd(path, settings) as ebsd:
        a, b = ebsd.shape
        return ebsd.read(slice(0, a), slice(0, b))


def refusal(path, settings=SETTINGS):
    with pytest.raises(InputError) as caught:
        whole(path, settings)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    return line


def degrees_apart(found, expected):
    """Rotation angles between quaternions and rotations, without symmetry."""
    found = Rotation.from_quat(found.reshape(-1, 4), scalar_first=True)
    return np.rad2deg((found * expected.inv()).magnitude())


def bunge_rad():
    """Bunge's angles of TRUE by orix, which keeps rotations from specimen to crystal."""
    return OrixRotation(TRUE.inv().as_quat(scalar_first=True)).to_euler()
