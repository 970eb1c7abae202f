"""Mixtures of de la Vallée Poussin kernels, a density on the orientations of cubic crystals.

The kernel of texture analysis (Schaeben, Texture Microstruct. 33, 365 (1999); Hielscher, J.
Multivar. Anal. 119, 119 (2013)) is a power of the cosine of half the rotation angle θ from its
centre,

    K(θ) = Γ(κ + 2) √π / Γ(κ + ½) · (cos θ/2)^2κ,

whose mean over all rotations is 1, exactly, for every κ ≥ 0: relative to the uniform density it
is normalised, and κ = 0 is the uniform density itself. It is summed over the 24 equivalents of
its centre and divided by 24, so that the mean over the fundamental zone is 1 as well, and neither
an equivalent of the centre nor one of the orientation asked about changes it. For large κ it is
the Gaussian exp(−θ²/2σ²) with σ = √(2/κ), its `width`.

Letters: … any leading shape, c components, a orientations, m draws. The conventions are those of
the package: see `workflow.lib.orientation`.
"""

import functools
import math
from dataclasses import dataclass

import torch
from scipy.special import betaincinv
from torch import Tensor

from workflow.lib.orientation.quaternion import conjugate, multiply
from workflow.lib.orientation.symmetry import CUBIC_SYMMETRY
from workflow.lib.orientation.uniform import directions

NUMBERS = 4
"""How many random numbers a draw takes."""


@dataclass(frozen=True)
class Mixture:
    """mean: unit quaternions (…, c, 4). log_weight (…, c), of weights that sum to 1.

    concentration: κ ≥ 0, (…, c). All float64: the Gamma functions of a κ of 10⁴ nearly cancel.
    """

    mean: Tensor
    log_weight: Tensor
    concentration: Tensor

    def widened(self, by_rad: float) -> "Mixture":
        """Each component smoothed by a Gaussian of that width; 2/κ, a variance, grows by it."""
        concentration = 2 / (2 / self.concentration + by_rad**2)
        return Mixture(self.mean, self.log_weight, concentration)


def log_density(mixture: Mixture, at: Tensor) -> Tensor:
    """Natural log (…, a) of the density at orientations (…, a, 4), relative to the uniform one.

    All 24 equivalents count, as kernels can be wide. Differentiable. Where the cosine is 0, 1e-6
    stands for it.
    """
    difference = multiply(conjugate(mixture.mean)[..., None, :], at[..., None, :, :].double())
    cosines = difference @ _operators(difference.device).T  # (…, c, a, 24)
    concentration = mixture.concentration[..., None, None]
    exponent = concentration * cosines.square().clamp(min=1e-12).log()
    share = mixture.log_weight + _log_peak(mixture.concentration) - math.log(len(CUBIC_SYMMETRY))
    return (exponent + share[..., None, None]).logsumexp((-3, -1))


def draw(mixture: Mixture, numbers: Tensor) -> Tensor:
    """Orientations (…, m, 4) of the mixture from numbers (…, m, 4) uniform on [0, 1).

    The first chooses the component. (sin θ/2)² follows the Beta distribution of 3/2 and κ + 1/2,
    whose quantile is taken, and the axis is uniform on the sphere. Not differentiable. NaN where
    the weights are.
    """
    cumulated = mixture.log_weight.exp().cumsum(-1)
    level = numbers[..., 0] * cumulated[..., -1:]
    last = cumulated.shape[-1] - 1
    chosen = torch.searchsorted(cumulated, level, right=True).clamp(max=last)
    mean = mixture.mean.gather(-2, chosen[..., None].expand(*chosen.shape, 4))
    second_shape = mixture.concentration.gather(-1, chosen) + 0.5
    quantile = betaincinv(1.5, second_shape.cpu().numpy(), numbers[..., 1].cpu().numpy())
    squared_sine = torch.as_tensor(quantile, device=mean.device)
    vector = squared_sine.sqrt()[..., None] * directions(numbers[..., 2:])
    drawn = multiply(mean, torch.cat(((1 - squared_sine).sqrt()[..., None], vector), -1))
    return torch.where(level[..., None].isfinite(), drawn, torch.nan)


def _log_peak(concentration: Tensor) -> Tensor:
    """Log of the kernel at its centre."""
    gammas = torch.lgamma(concentration + 2) - torch.lgamma(concentration + 0.5)
    return gammas + math.log(math.pi) / 2


@functools.cache
def _operators(device: torch.device) -> Tensor:
    return CUBIC_SYMMETRY.to(device)
