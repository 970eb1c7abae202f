"""Where a fixed choice of Euler angles jumps: how far orientations are from these seams.

One set of ZYZ angles has to be chosen for each orientation of a cubic crystal. The choice here
takes of the ⟨100⟩ axes the one nearest the specimen normal as the crystal's z, so that β is least,
and reduces γ by the fourfold symmetry about it to ±45° and α to ±180°. Three things can go wrong:

- the gimbal: at β = 0 the axis lies along the normal, and only α + γ is defined;
- the sheet: another ⟨100⟩ axis is as near the normal, or γ is ±45°, and the angles of another
  equivalent, far away, are as good;
- the azimuth: at α = ±180° they jump by a full turn. Which orientations these are follows from
  where the azimuth begins: it is a property of the roll as much as of the orientation.

No choice avoids seams altogether (the orientations are a closed manifold, which no continuous map
embeds in three numbers), but another one has them elsewhere, and a network chooses for itself:
distances from these seams are those from the usual ones.

Every distance is the least misorientation, in degrees, to an orientation on the seam. With
u = g⁻¹z, the specimen normal in the crystal, gimbal and sheet are sets of directions u, and the
distance is an angle between directions, because a turn by θ moves none by more than θ.

The conventions are those of the package: see `workflow.lib.orientation`.
"""

import math

import torch
from torch import Tensor

from workflow.lib.orientation.quaternion import to_matrix


def euler_gimbal_deg(q: Tensor) -> Tensor:
    """From β = 0, (...,), 0 to 54.7: the angle of the normal and the nearest ⟨100⟩ axis."""
    cosine, middle, least = _normal_in_crystal(q)
    return torch.rad2deg(torch.atan2(torch.hypot(middle, least), cosine))


def euler_sheet_deg(q: Tensor) -> Tensor:
    """From another ⟨100⟩ axis as near the normal or from γ = ±45°, (...,), 0 to about 20.

    That is, from the planes u_z = |u_x| and |u_x| = |u_y|, where |u_z| ≥ |u_x| ≥ |u_y|.
    """
    largest, middle, least = _normal_in_crystal(q)
    to_plane = torch.minimum(largest - middle, middle - least) / math.sqrt(2)
    return torch.rad2deg(torch.asin(to_plane.clamp(0, 1)))


def euler_azimuth_deg(q: Tensor) -> Tensor:
    """From α = ±180° of the chosen angles, (...,), 0 to 54.7.

    The angle from the ⟨100⟩ axis nearest the normal to the quarter of a great circle on which
    α = 180°; it begins at the pole, so that this is at most the distance from the gimbal.
    """
    axes = to_matrix(q)  # its columns: ⟨100⟩ in the specimen
    nearest = axes[..., 2, :].abs().argmax(-1)[..., None, None].expand(*q.shape[:-1], 3, 1)
    axis = axes.gather(-1, nearest)[..., 0]
    axis = torch.where(axis[..., 2:] < 0, -axis, axis)
    x, y, z = axis.unbind(-1)
    to_pole = torch.atan2(torch.hypot(x, y), z)
    return torch.rad2deg(torch.where(x <= 0, torch.asin(y.abs().clamp(max=1)), to_pole))


def euler_seam_deg(q: Tensor) -> Tensor:
    """From the nearest place where the chosen angles jump, (...,): the sheet's or the azimuth's."""
    return torch.minimum(euler_sheet_deg(q), euler_azimuth_deg(q))


def _normal_in_crystal(q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The absolute components of u = g⁻¹z, the largest first, (...,) each."""
    components = to_matrix(q)[..., 2, :].abs()  # gᵀ z is g's last row
    return components.sort(-1, descending=True).values.unbind(-1)
