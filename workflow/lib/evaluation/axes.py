"""An error by specimen axes: how much of it turns about the normal, how much tilts it.

The disorientation of an answer g from a reference g₀ is Δ = g S g₀⁻¹, with the one of the 24
operators S that makes its angle least. It acts on the left, g S = Δ g₀, so that its rotation vector
ω has specimen coordinates, and |ω| is the misorientation.

In-plane is |ω_Z|, a turn about the specimen's normal, which is an azimuth that was misread.
Out-of-plane is (ω_X² + ω_Y²)^½, about an axis that lies in the surface. To first order it is the
angle by which Δ tilts the normal, and exactly so where ω_Z is 0; else it is larger, by less than 2°
at the angles that cubic crystals can have.

X, Y and Z are errors as the released code of Wittwer & Seita (2022) has them: the angle between the
crystal directions *along* that specimen axis, of answer and reference, each reduced to the standard
triangle on its own. They are what an inverse pole figure map shows in each of its three colourings.
A turn about Z leaves that in Z at 0, and they do not add up to the misorientation.
"""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from workflow.lib.data.pole_figure import to_standard_triangle
from workflow.lib.orientation import (
    MAX_MISORIENTATION_DEG,
    conjugate,
    multiply,
    to_fundamental_zone,
)

PARTS = ("x", "y", "z", "in_plane", "out_of_plane")


def parts_deg(answer: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
    """The errors of unit quaternions (n, 4) by PARTS, in degrees, (n,) each.

    An answer that is no orientation, NaN, counts in each part with the largest misorientation there
    is, 62.8°, which no part exceeds: so it does in `Predictions`, and no model gains by it.
    """
    x, y, z = np.abs(rotation_vector_deg(answer, reference)).T
    along = [direction_deg(answer, reference, axis) for axis in np.eye(3)]
    return {
        part: np.nan_to_num(value, nan=MAX_MISORIENTATION_DEG)
        for part, value in zip(PARTS, (*along, z, np.hypot(x, y)), strict=True)
    }


def direction_deg(answer: np.ndarray, reference: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Angle (n,) in degrees, 0 to 54.7, between the crystal directions along a specimen axis (3,).

    Of unit quaternions (n, 4); NaN gives NaN. Directions are reduced to the standard triangle.
    """
    found = np.full(len(answer), np.nan)
    given = np.isfinite(answer).all(1)
    first, second = (
        to_standard_triangle(Rotation.from_quat(q[given], scalar_first=True).inv().apply(axis))
        for q in (answer, reference)
    )
    sine = np.linalg.norm(np.cross(first, second), axis=1)
    found[given] = np.degrees(np.arctan2(sine, (first * second).sum(1)))
    return found


def rotation_vector_deg(answer: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """ω (n, 3) in degrees and specimen coordinates, of unit quaternions (n, 4); NaN gives NaN.

    On the border of the fundamental zone, where several S make the angle least, it is that of one
    of them.
    """
    g, g0 = torch.from_numpy(answer), torch.from_numpy(reference)
    in_crystal = to_fundamental_zone(multiply(conjugate(g0), g))  # g₀⁻¹ g S
    q = multiply(multiply(g0, in_crystal), conjugate(g0)).numpy()  # g S g₀⁻¹, w ≥ 0 as in_crystal
    sine = np.linalg.norm(q[:, 1:], axis=1)
    angle_deg = np.degrees(2 * np.arctan2(sine, q[:, 0]))
    per_sine = np.divide(angle_deg, sine, out=np.full_like(sine, np.degrees(2)), where=sine > 0)
    return per_sine[:, None] * q[:, 1:]
