"""A disorientation by specimen axes: how much of it turns about the normal, how much tilts it.

The disorientation of an answer g from a reference g₀ is Δ = g S g₀⁻¹, with the one of the 24
operators S that makes its angle least. It acts on the left, g S = Δ g₀, so that its rotation vector
ω has specimen coordinates: |ω| is the misorientation, and |ω_X|, |ω_Y|, |ω_Z| are parts of it about
the specimen's axes.

In-plane is |ω_Z|, a turn about the specimen's normal, which is an azimuth that was misread.
Out-of-plane is (ω_X² + ω_Y²)^½, about an axis that lies in the surface. To first order it is the
angle by which Δ tilts the normal, and exactly so where ω_Z is 0; else it is larger, by less than 2°
at the angles that cubic crystals can have.

The released code of Wittwer & Seita (2022) has other errors in X, Y and Z: the mean angle between
the crystal directions *along* an axis, of answer and reference, each reduced to the standard
triangle on its own. A turn about Z leaves theirs in Z at 0. These are not to be compared.
"""

import numpy as np
import torch

from workflow.lib.orientation import (
    MAX_MISORIENTATION_DEG,
    conjugate,
    multiply,
    to_fundamental_zone,
)

PARTS = ("x", "y", "z", "in_plane", "out_of_plane")


def parts_deg(answer: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
    """The parts of the disorientations of unit quaternions (n, 4), by PARTS, in degrees, (n,) each.

    An answer that is no orientation, NaN, counts in each part with the largest misorientation there
    is, 62.8°, which no part exceeds: so it does in `Predictions`, and no model gains by it.
    """
    x, y, z = np.abs(rotation_vector_deg(answer, reference)).T
    values = (x, y, z, z, np.hypot(x, y))
    return {
        part: np.nan_to_num(value, nan=MAX_MISORIENTATION_DEG)
        for part, value in zip(PARTS, values, strict=True)
    }


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
