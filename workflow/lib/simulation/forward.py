"""The forward model of `reflectance` again, on tensors and with derivatives, for fits.

A signal is linear in how much of each {111} variant a grain holds. So what is computed here is
the basis: the ideal signal of each variant alone. `reflectance` makes the data and is frozen;
tests hold one against the other.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from workflow.lib.orientation import to_matrix
from workflow.lib.simulation.reflectance import (
    FACET_WIDTH_RAD,
    PLANE_NORMALS,
    RIDGE_AMPLITUDE,
    RIDGE_WIDTH,
    half_vectors,
)

PIXELS = 432
_HALF = 216  # ridges repeat after half a turn of the azimuth
_NEAR = 1e-6  # a normal so near z has no trace, and no ridge


@dataclass(frozen=True)
class Basis:
    """Ideal signals of the four variants of some orientations, and how a turn changes them.

    Pixels are in the order of a signal's rows, (6, 72) flattened.
    signal: (n, 4, 432). ridge, facet: what the derivatives are made of, see `turned`.
    """

    signal: Tensor
    ridge: tuple[Tensor, Tensor, Tensor, Tensor]
    facet: tuple[Tensor, Tensor] | None

    def turned(self, weights: Tensor) -> Tensor:
        """Derivative (n, 3, 432) of Σ w_k signal_k by a turn about x, y and z, in 1/rad.

        weights: (n, 4) of the variants. The turn comes after the orientation, in the specimen.
        """
        height, height_slope, sine_slope, azimuth_slope = self.ridge
        # Of each variant's ridge, by a change of the normal's sine and of its azimuth.
        by_sine = sine_slope * weights.unsqueeze(-1)
        by_azimuth = azimuth_slope * weights.unsqueeze(-1)
        change = by_sine.mT @ height + by_azimuth.mT @ height_slope
        change = _whole_circle(change)
        if self.facet is not None:
            normals, slope = self.facet
            x, y, z = ((normals * weights.unsqueeze(-1)).mT @ slope).unbind(-2)
            hx, hy, hz = _half_vectors(slope.dtype, slope.device).unbind(0)
            change[:, 0] += y * hz - z * hy
            change[:, 1] += z * hx - x * hz
            change[:, 2] += x * hy - y * hx
        return change


def basis(orientation: Tensor, c: float, dtype: torch.dtype = torch.float32) -> Basis:
    """The ideal signals of each variant alone, for orientations (n, 4).

    c: amplitude of the facet term. dtype: of the pixels.
    """
    half = _half_vectors(dtype, orientation.device)
    normals = to_matrix(orientation) @ _plane_normals(orientation.device).T  # (n, 3, 4)
    normals = torch.where(normals[:, 2:] < 0, -normals, normals).mT.to(dtype)  # (n, 4, 3)
    x, y, z = normals.unbind(-1)
    sine = torch.hypot(x, y).clamp_min(_NEAR)
    cos_azimuth, sin_azimuth = x / sine, y / sine
    hx, hy = half[0].view(6, 72)[:, :36].reshape(-1), half[1].view(6, 72)[:, :36].reshape(-1)
    across = sin_azimuth.unsqueeze(-1) * hx - cos_azimuth.unsqueeze(-1) * hy  # h·t
    along = cos_azimuth.unsqueeze(-1) * hx + sin_azimuth.unsqueeze(-1) * hy
    height = torch.exp(across.square() * (-0.5 / RIDGE_WIDTH**2)).mul_(RIDGE_AMPLITUDE)
    height_slope = (across * along).mul_(height).mul_(-1 / RIDGE_WIDTH**2)
    signal = _whole_circle(height * sine.unsqueeze(-1))
    # A turn ω moves a normal by ω × n: what that does to its sine, and to its azimuth times it.
    zero = torch.zeros_like(z)
    sine_slope = torch.stack((-z * sin_azimuth, z * cos_azimuth, zero), -1)
    azimuth_slope = torch.stack((-z * cos_azimuth, -z * sin_azimuth, sine), -1)
    facet = None
    if c != 0:
        cosine = (normals @ half).clamp_(-1 + 1e-7, 1 - 1e-7)
        angle = torch.arccos(cosine)
        mirror = torch.exp(angle.square() * (-0.5 / FACET_WIDTH_RAD**2)).mul_(c)
        signal += mirror
        slope = mirror * angle.mul_(torch.rsqrt(1 - cosine.square())) / FACET_WIDTH_RAD**2
        facet = (normals, slope)
    return Basis(signal, (height, height_slope, sine_slope, azimuth_slope), facet)


def _whole_circle(half: Tensor) -> Tensor:
    """Pixels of half a turn of the azimuth, twice: (..., 216) → (..., 432)."""
    rows = half.view(*half.shape[:-1], 6, 1, 36)
    return rows.expand(*half.shape[:-1], 6, 2, 36).reshape(*half.shape[:-1], PIXELS)


@cache
def _half_vectors(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Half vectors of all pixels, (3, 432)."""
    return torch.as_tensor(half_vectors().reshape(PIXELS, 3).T.copy(), dtype=dtype, device=device)


@cache
def _plane_normals(device: torch.device) -> Tensor:
    return torch.as_tensor(PLANE_NORMALS, device=device)
