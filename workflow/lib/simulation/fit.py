"""From starts to the modes of the posterior: Levenberg–Marquardt for all starts at once.

A fit is an orientation with the six numbers of its grain, see `likelihood`.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from workflow.lib.orientation import CUBIC_SYMMETRY, conjugate, misorientation_deg, multiply
from workflow.lib.simulation.likelihood import UNKNOWN, Expansion, Model
from workflow.lib.simulation.screen import Starts

MAX_STEPS = 40
FIRST_DAMPING, LARGEST_DAMPING = 1e-2, 1e8
LEAST_GAIN = 2e-3  # of the log posterior in a step; a fit that gains less has arrived
LARGEST_TURN_RAD = math.radians(6)  # of a step
LARGEST_CHANGE = 1.0  # of a logarithm or of the background, in a step
HOPELESS = ((4, 80.0), (8, 40.0), (12, 25.0))  # after so many steps: so far behind the best one
SAME_DEG = 1.0  # fits that end this near each other are one mode
LEAST_SHARE = 1e-4  # a mode has at least this share of the best one's Laplace weight
WIDEST_RAD = math.radians(20)  # standard deviation of a mode, where the signal says nothing


@dataclass(frozen=True)
class Modes:
    """The modes of n signals, the heaviest first; places that are empty have share 0.

    orientation: (n, m, 4), grain: (n, m, 6), value: negative log posterior there (n, m),
    curvature: (n, m, 9, 9), share: of the mode by Laplace's approximation (n, m), sums to 1.
    """

    orientation: Tensor
    grain: Tensor
    value: Tensor
    curvature: Tensor
    share: Tensor


def turned(orientation: Tensor, turn_rad: Tensor) -> Tensor:
    """Orientations (..., 4), turned further by rotation vectors (..., 3) of the specimen."""
    half = turn_rad.norm(dim=-1, keepdim=True) / 2
    vector = 0.5 * torch.sinc(half / math.pi) * turn_rad
    return multiply(torch.cat((half.cos(), vector), -1), orientation)


def turn_between(of: Tensor, to: Tensor) -> Tensor:
    """The rotation vectors (..., 3), in rad, that turn `of` to `to` (..., 4), without symmetry."""
    difference = multiply(to, conjugate(of))
    difference = torch.where(difference[..., :1] < 0, -difference, difference)
    half = torch.atan2(difference[..., 1:].norm(dim=-1, keepdim=True), difference[..., :1])
    return 2 * difference[..., 1:] / torch.sinc(half / math.pi)


def find_modes(model: Model, counts: Tensor, starts: Starts) -> Modes:
    """The modes that the starts (n, s) lead to; counts: (n, 432)."""
    n, s = starts.present.shape
    signal = torch.arange(n, device=counts.device).repeat_interleave(s)
    fit = _State(
        starts.orientation.reshape(-1, 4),
        starts.grain.reshape(-1, 6),
        signal,
        starts.present.reshape(-1),
    )
    _descend(model, counts, fit)
    shape = (n, s)
    return _merged(
        fit.orientation.view(*shape, 4),
        fit.grain.view(*shape, 6),
        fit.value.view(shape),
        fit.curvature.view(*shape, UNKNOWN, UNKNOWN),
    )


class _State:
    """Fits on their way, (b, …) each; those that are not active stay where they are."""

    def __init__(self, orientation: Tensor, grain: Tensor, signal: Tensor, active: Tensor) -> None:
        b = len(orientation)
        self.orientation, self.grain = orientation.clone(), grain.clone()
        self.signal, self.active = signal, active.clone()
        self.damping = orientation.new_full((b,), FIRST_DAMPING)
        self.value = orientation.new_full((b,), torch.inf)
        self.gradient = orientation.new_zeros(b, UNKNOWN)
        self.curvature = torch.eye(UNKNOWN).to(orientation).repeat(b, 1, 1)


def _descend(model: Model, counts: Tensor, fit: _State) -> None:
    """Take steps until no fit is active."""
    rows = fit.active.nonzero().squeeze(1)
    about = model.expand(counts[fit.signal[rows]], fit.orientation[rows], fit.grain[rows])
    _take(fit, rows, fit.orientation[rows], fit.grain[rows], about)
    for step in range(1, MAX_STEPS + 1):
        rows = fit.active.nonzero().squeeze(1)
        if len(rows) == 0:
            return
        change = _step(fit, rows)
        orientation = turned(fit.orientation[rows], change[:, :3])
        orientation = orientation / orientation.norm(dim=-1, keepdim=True)
        grain = fit.grain[rows] + change[:, 3:]
        about = model.expand(counts[fit.signal[rows]], orientation, grain)
        gain = fit.value[rows] - about.value
        better = gain > 0
        arrived = better & (gain < LEAST_GAIN)
        _take(fit, rows[better], orientation[better], grain[better], _select(about, better))
        fit.damping[rows] *= torch.where(better, 0.2, 6.0).to(fit.damping)
        fit.active[rows[arrived]] = False
        # A step of almost nothing that does not help: rounding is all that is left.
        small = (change * fit.gradient[rows]).sum(-1).abs() < LEAST_GAIN
        fit.active[rows[~better & small]] = False
        fit.active &= fit.damping < LARGEST_DAMPING
        for at, margin in HOPELESS:
            if step == at:
                best = fit.value.new_full((len(counts),), torch.inf)
                best.scatter_reduce_(0, fit.signal, fit.value, "amin")
                fit.active &= fit.value <= best[fit.signal] + margin


def _select(about: Expansion, chosen: Tensor) -> Expansion:
    return Expansion(*(getattr(about, field.name)[chosen] for field in fields(Expansion)))


def _take(fit: _State, rows: Tensor, orientation: Tensor, grain: Tensor, about: Expansion) -> None:
    fit.orientation[rows], fit.grain[rows] = orientation, grain
    fit.value[rows], fit.gradient[rows] = about.value, about.gradient
    fit.curvature[rows] = about.curvature


def _step(fit: _State, rows: Tensor) -> Tensor:
    """Each fit's damped step, (b, 9), shortened where it is too bold."""
    damped = fit.curvature[rows].clone()
    diagonal = damped.diagonal(dim1=-2, dim2=-1)
    diagonal *= 1 + fit.damping[rows].unsqueeze(-1)
    diagonal += 1e-6
    change = -torch.linalg.solve(damped, fit.gradient[rows])
    turn = change[:, :3].norm(dim=-1) / LARGEST_TURN_RAD
    rest = change[:, 3:].abs().amax(-1) / LARGEST_CHANGE
    return change / torch.maximum(turn, rest).clamp_min(1).unsqueeze(-1)


def _merged(orientation: Tensor, grain: Tensor, value: Tensor, curvature: Tensor) -> Modes:
    """One mode of all fits (n, s) that came to the same, the heaviest first, none too slight."""
    curvature = _definite(curvature)
    weight = -value - 0.5 * torch.logdet(curvature)
    value, order = value.sort(dim=-1)
    orientation, grain = _along(orientation, order), _along(grain, order)
    curvature, weight = _along(curvature, order), weight.gather(1, order)
    same = misorientation_deg(orientation.unsqueeze(2), orientation.unsqueeze(1)) < SAME_DEG
    kept = torch.ones_like(same[:, 0])
    for i in range(1, kept.shape[1]):  # the fits of a signal, best first
        kept[:, i] = ~(same[:, i, :i] & kept[:, :i]).any(-1)
    weight = torch.where(kept & value.isfinite(), weight, -torch.inf)
    weight, order = weight.sort(dim=-1, descending=True)
    share = torch.exp(weight - weight[:, :1])
    share = torch.where(share < LEAST_SHARE, 0, share)
    used = int((share > 0).sum(-1).max())
    order, share = order[:, :used], share[:, :used]
    return Modes(
        _along(orientation, order),
        _along(grain, order),
        value.gather(1, order),
        _along(curvature, order),
        share / share.sum(-1, keepdim=True),
    )


def _definite(curvature: Tensor) -> Tensor:
    """Curvatures (..., 9, 9) with a bound on the width of a mode.

    Of a fit that was left on its way, rounding may have made one that is not positive definite:
    then its diagonal has to do.
    """
    curvature = curvature.clone()
    curvature[..., range(3), range(3)] += WIDEST_RAD**-2
    bad = torch.linalg.cholesky_ex(curvature).info > 0
    diagonal = torch.diag_embed(curvature.diagonal(dim1=-2, dim2=-1).clamp_min(1))
    return torch.where(bad[..., None, None], diagonal, curvature)


def _along(values: Tensor, order: Tensor) -> Tensor:
    """Values (n, s, …) in the order (n, m) of their second axis."""
    return values[torch.arange(len(order), device=order.device).unsqueeze(1), order]


def nearest_turn(of: Tensor, to: Tensor) -> Tensor:
    """The turns (..., a, m, 3), in rad, from each of `of` (..., m, 4) to the nearest equivalent
    of each of `to` (..., a, 4)."""
    operators = CUBIC_SYMMETRY.to(to)
    images = multiply(of.unsqueeze(-2), conjugate(operators))  # of S⁻¹, (..., m, 24, 4)
    cosines = to.float() @ images.flatten(-3, -2).float().mT
    operator = cosines.abs_().unflatten(-1, images.shape[-3:-1]).argmax(-1)  # (..., a, m)
    return turn_between(of.unsqueeze(-3), multiply(to.unsqueeze(-2), operators[operator]))
