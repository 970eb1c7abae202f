"""The faces of the cubic fundamental zone: how far an orientation is from them, what lies beyond.

The zone holds of the 24 equivalents of an orientation the one nearest the identity. In Rodrigues
space it is a truncated cube: six faces across ⟨100⟩ at tan(22.5°), where a turn by 90° leads to
another equivalent as near, and eight across ⟨111⟩ at tan(30°), where one by 120° does (Frank 1988;
Morawiec and Field 1996). On unit quaternions the faces are great spheres, so that an angle to one
is an arcsine.

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import math

import torch
from torch import Tensor

from workflow.lib.orientation.quaternion import canonical_sign, multiply
from workflow.lib.orientation.symmetry import CUBIC_SYMMETRY, to_fundamental_zone

MAX_DEPTH_DEG = 45.0
"""The identity's distance from the faces: no orientation is further from them."""


def zone_face_deg(q: Tensor) -> Tensor:
    """From orientations (..., 4) to the nearest face of the zone, in degrees, (...,), 0 to 45.

    It is the least misorientation to an orientation that has two equivalents nearest the identity:
    a smaller turn leaves what a writer of that equivalent has to write continuous.
    """
    return depth_deg(to_fundamental_zone(q)).clamp(min=0)  # not −1e-15 on a face


def depth_deg(q: Tensor) -> Tensor:
    """How deep in the zone unit quaternions (..., 4) with w ≥ 0 lie, as they are, in degrees.

    The angle to the nearest face; outside the zone, minus the angle to the face most violated.
    """
    w, vector = q[..., 0], q[..., 1:].abs()
    half = math.pi / 8  # half of the 45° of the six faces
    to_cube = math.sin(half) * w - math.cos(half) * vector.amax(-1)
    to_corners = (w - vector.sum(-1)) / 2  # half of 60°: sin 30° w − cos 30° (|x|+|y|+|z|)/√3
    return torch.rad2deg(2 * torch.asin(torch.minimum(to_cube, to_corners).clamp(-1, 1)))


def spellings(q: Tensor, margin_deg: float) -> tuple[Tensor, Tensor]:
    """The 24 equivalents (..., 24, 4) of orientations (..., 4), w ≥ 0, and which could be written.

    Those, bool (..., 24), that lie in the zone or no further than `margin_deg` beyond a face of
    it: what someone might write who misjudges the orientation by so much.
    """
    equivalents = canonical_sign(multiply(q[..., None, :], CUBIC_SYMMETRY.to(q)))
    return equivalents, depth_deg(equivalents) >= -margin_deg
