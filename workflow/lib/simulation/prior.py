"""What is known of a grain's orientation before its signal: uniform, mixed with the fibre.

Densities are relative to the uniform one: with respect to Haar's measure, 1 for a specimen
without texture, and the same for all 24 equivalents of an orientation.
"""

import math

import torch
from torch import Tensor

from workflow.lib.orientation import to_matrix
from workflow.lib.simulation.reflectance import FIBRE_SPREAD_DEG

SMALLEST_RAD = 1e-4  # nearer to the fibre's axis the limit of θ/sin θ and of its slope is taken


def fibre_density(orientation: Tensor) -> Tensor:
    """Density (...,) of the ⟨001⟩ fibre along specimen x, relative to uniform; q (..., 4).

    [001] is turned away from x by a vector of two normal components of 12°, of length θ, so that
    its density on the sphere, relative to uniform, is 2/σ² exp(−θ²/2σ²) θ/sin θ. About [001] a
    grain turns freely. Each of the six ⟨001⟩ directions may be the one: their mean. Deflections
    of more than 180°, fifteen standard deviations, are left out.
    """
    return _by_direction(to_matrix(orientation)[..., 0, :])[0].mean((-1, -2))


def log_prior(orientation: Tensor, fibre_fraction: float) -> tuple[Tensor, Tensor]:
    """Log density of a specimen's orientations, relative to uniform, and how it changes.

    orientation: unit quaternions (..., 4). fibre_fraction: share of the grains in the fibre.

    Returns the logarithm (...,) and its gradient (..., 3) with respect to a further small turn
    about the specimen's axes, in 1/rad.
    """
    matrix = to_matrix(orientation)
    density, slope = _by_direction(matrix[..., 0, :])
    total = (1 - fibre_fraction) + fibre_fraction * density.mean((-1, -2))
    slope = fibre_fraction * (slope[..., 0, :] - slope[..., 1, :]) / 6  # of the density
    # A turn ω moves a direction a by ω × a, whose x component is ω_y a_z − ω_z a_y.
    zero = torch.zeros_like(total)
    along_y = (slope * matrix[..., 2, :]).sum(-1)
    along_z = -(slope * matrix[..., 1, :]).sum(-1)
    return total.log(), torch.stack((zero, along_y, along_z), -1) / total.unsqueeze(-1)


def _by_direction(cosine: Tensor) -> tuple[Tensor, Tensor]:
    """The density of each ⟨001⟩ direction and its slope with the cosine of its angle with x.

    cosine: (..., 3), of the angles of ⟨100⟩, ⟨010⟩ and ⟨001⟩ with specimen x. Both results are
    (..., 2, 3): the direction itself and its opposite.
    """
    variance = math.radians(FIBRE_SPREAD_DEG) ** 2
    both = torch.stack((cosine, -cosine), -2).clamp(-1, 1)
    angle = torch.arccos(both).clamp(SMALLEST_RAD, math.pi - SMALLEST_RAD)
    sine = torch.sin(angle)
    density = 2 / variance * torch.exp(-angle.square() / (2 * variance)) * angle / sine
    return density, density * (angle / variance - 1 / angle + both / sine) / sine
