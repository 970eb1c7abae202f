"""How probable a signal is under the forward model, and what surrounds it: for fits.

What is unknown of a grain: its orientation, and six numbers called `grain` here, (..., 6): the
logarithms of how much of each variant it holds, its background, the logarithm of its gain. Its
counts are normal about 50 · gain · response · (Σ w_k signal_k + background), with a standard
deviation of 50 · noise · mean(Σ w_k signal_k), which gain and response don't scale, and with the
variance 1/12 of rounding. A pixel at 0 or 255 says that its count was no more, or no less: it
counts with that probability, neither left out nor taken at its word.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.forward import PIXELS, basis
from workflow.lib.simulation.prior import log_prior
from workflow.lib.simulation.reflectance import (
    BACKGROUND_STD,
    COUNTS_PER_INTENSITY,
    GAIN_LOG_STD,
    WEIGHT_LOG_STD,
    Specimen,
    row_response,
)

UNKNOWN = 9  # three of the orientation, six of the grain
GRAIN = 6
ROUNDING_VARIANCE = 1 / 12
HIGHEST = 255
_AT_ONCE = 128  # fits evaluated together, within the processor's cache


@dataclass(frozen=True)
class Expansion:
    """The negative log posterior about some points: value (b,), gradient (b, 9) and curvature.

    The curvature (b, 9, 9) is Fisher's information, with the prior's, and positive definite. The
    first three unknowns are a further turn about the specimen's axes, in rad.
    """

    value: Tensor
    gradient: Tensor
    curvature: Tensor


@dataclass(frozen=True)
class Model:
    """The forward model of one specimen, with facet amplitude c, and with its priors."""

    specimen: Specimen
    c: float
    dtype: torch.dtype = torch.float32  # of the pixels

    def expand(self, counts: Tensor, orientation: Tensor, grain: Tensor) -> Expansion:
        """The negative log posterior about points, relative to a uniform density of orientations.

        counts: (b, 432), 0 to 255. orientation: (b, 4), grain: (b, 6), float64.
        """
        parts = share_out(self._expand, _AT_ONCE, counts, orientation, grain)
        return Expansion(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def response(self, like: Tensor) -> Tensor:
        """Counts per unit of intensity at each pixel, (432,), at gain 1."""
        rows = COUNTS_PER_INTENSITY * np.repeat(row_response(self.specimen), PIXELS // 6)
        return torch.as_tensor(rows, dtype=self.dtype, device=like.device)

    def _expand(
        self, counts: Tensor, orientation: Tensor, grain: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        weights, background, gain = self._unpacked(grain)
        about = basis(orientation, self.c, self.dtype)
        scale = gain * self.response(counts)
        by_weight = about.signal * weights.unsqueeze(-1)
        ideal = by_weight.sum(1)
        intensity = ideal + background
        mean = intensity * scale
        brightness = ideal.mean(-1, keepdim=True)
        variance = self._variance(brightness)

        slopes = counts.new_empty(len(grain), UNKNOWN, PIXELS, dtype=self.dtype)  # of the mean
        slopes[:, :3] = about.turned(weights)
        slopes[:, 3:7] = by_weight
        # Those of log σ: σ goes with the ideal signal's mean alone.
        noise_slope = slopes.new_zeros(len(grain), UNKNOWN)
        noise_slope[:, :7] = slopes[:, :7].mean(-1)
        noise_slope *= (1 - ROUNDING_VARIANCE / variance) / brightness.clamp_min(1e-12)
        slopes[:, 7] = 1
        slopes[:, 8] = intensity
        slopes *= scale.unsqueeze(1)

        z = (counts.to(self.dtype) - mean) * variance.rsqrt()
        # Each pixel's term: how it goes with the mean and with log σ, and so for its curvature.
        by_mean, by_noise = -z * variance.rsqrt(), 1 - z.square()
        terms = 0.5 * z.square() + 0.5 * variance.log()
        mean_mean = (1 / variance).expand_as(z)
        mean_noise, noise_noise = torch.zeros_like(z), torch.full_like(z, 2)
        clipped = _clipped(counts)
        if clipped is not None:
            rows, pixels, bound, side = clipped
            inverse = variance[rows, 0].rsqrt()
            z = side * (mean[rows, pixels] - bound) * inverse
            logarithm = torch.special.log_ndtr(z)
            ratio = torch.exp(-0.5 * z.square() - logarithm) / math.sqrt(2 * math.pi)
            bend = ratio * (ratio + z)
            terms[rows, pixels] = -logarithm
            by_mean[rows, pixels] = -ratio * side * inverse
            by_noise[rows, pixels] = ratio * z
            mean_mean = mean_mean.clone()
            mean_mean[rows, pixels] = bend * inverse.square()
            mean_noise[rows, pixels] = -bend * side * z * inverse
            noise_noise[rows, pixels] = bend * z.square()

        gradient = torch.bmm(slopes, by_mean.unsqueeze(-1)).squeeze(-1)
        gradient += by_noise.sum(-1, keepdim=True) * noise_slope
        curvature = torch.bmm(slopes * mean_mean.unsqueeze(1), slopes.mT)
        cross = torch.bmm(slopes, mean_noise.unsqueeze(-1)) * noise_slope.unsqueeze(1)
        curvature += cross + cross.mT
        outer = noise_slope.unsqueeze(-1) * noise_slope.unsqueeze(1)
        curvature += noise_noise.sum(-1).view(-1, 1, 1) * outer

        log_density, log_slope = self.oriented(orientation)
        value = self._prior(grain) + terms.sum(-1).double() - log_density
        gradient, curvature = gradient.double(), curvature.double()
        gradient[:, :3] -= log_slope
        centre, precision = self.prior_moments(grain)
        gradient[:, 3:] += (grain - centre) * precision
        curvature[:, 3:, 3:] += torch.diag(precision)
        return value, gradient, curvature

    def _unpacked(self, grain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (b, 4), background (b, 1) and gain (b, 1)."""
        grain = grain.to(self.dtype)
        return grain[:, :4].exp(), grain[:, 4:5], grain[:, 5:].exp()

    def _variance(self, brightness: Tensor) -> Tensor:
        noise = COUNTS_PER_INTENSITY * self.specimen.noise * brightness
        return noise.square() + ROUNDING_VARIANCE

    def oriented(self, orientation: Tensor) -> tuple[Tensor, Tensor]:
        """Log density (b,) of orientations (b, 4) before the signal, and its slope, `log_prior`."""
        if self.specimen.fibre_fraction == 0:
            return orientation.new_zeros(len(orientation)), orientation.new_zeros(1, 3)
        return log_prior(orientation, self.specimen.fibre_fraction)

    def prior_moments(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and inverse variance of the six numbers of a grain, (6,) each."""
        background = self.specimen.background
        std = [WEIGHT_LOG_STD] * 4 + [BACKGROUND_STD * background, GAIN_LOG_STD]
        centre = like.new_tensor([0, 0, 0, 0, background, 0])
        return centre, like.new_tensor(std) ** -2

    def _prior(self, grain: Tensor) -> Tensor:
        centre, precision = self.prior_moments(grain)
        return 0.5 * ((grain - centre).square() * precision).sum(-1)


def _clipped(counts: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Rows and pixels at an end of the scale, the bound they passed, and the side: 1 above.

    None where there is no such pixel.
    """
    rows, pixels = ((counts <= 0) | (counts >= HIGHEST)).nonzero(as_tuple=True)
    if len(rows) == 0:
        return None
    above = counts[rows, pixels] > 0
    bound = torch.where(above, HIGHEST - 0.5, 0.5).to(counts.dtype)
    return rows, pixels, bound, torch.where(above, 1.0, -1.0).to(counts.dtype)
