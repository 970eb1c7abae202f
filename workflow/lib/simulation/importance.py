"""Weighted samples of a density of orientations: population Monte Carlo (Cappé et al. 2004).

Samples are drawn from a mixture of Student distributions of turns. Then the mixture is fitted to
where they found weight, a distribution about each of some of them, and more are drawn, and again
where few carry the weight. Each sample counts by the mean of all mixtures (Veach & Guibas 1995:
the balance heuristic), so that none is lost. All signals share one set of evenly spread random
numbers: neither chunks nor threads change a sample.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from scipy import stats
from torch import Tensor

from workflow.lib.simulation.fit import Modes, nearest_turn, turned

FREEDOM = 4.0  # degrees of freedom of the Student distributions
FIRST = 0.4  # of the samples: in the first round
CENTRES = 24  # of a later round's distributions
BANDWIDTH = 0.9  # of each: its width, to that of the samples around it
AROUND = 2.0  # standard deviations of the first distributions: samples so near say that width
AGAIN = 0.2  # of a later round's samples come from the first mixture
FLAT = 0.15  # of the samples, at least, are to share the weights that a mixture is fitted to
ENOUGH = 0.2  # of the samples, by their weights: no need to draw more
MORE_ROUNDS = 2  # elsewhere, with as many samples again each
EVEN_SHARE = 0.3  # of the first samples is spread evenly over the modes, whatever their weight
WIDER, WIDE_SHARE = 2.5, 0.4  # a second distribution about each mode, and its share
SEED = 20220111

Target = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Mixture:
    """Student distributions of turns about orientations: one mixture a signal.

    centre: (n, k, 4). root: (n, k, 3, 3), R with R Rᵀ the inverse of the covariance, in rad.
    share: (n, k), sums to 1; 0 in empty places.
    """

    centre: Tensor
    root: Tensor
    share: Tensor

    def of(self, rows: Tensor) -> "Mixture":
        return Mixture(self.centre[rows], self.root[rows], self.share[rows])


@dataclass(frozen=True)
class Samples:
    """Weighted orientations for each of n signals.

    orientation: (n, m, 4). weight: (n, m), sums to 1. log_evidence: (n,), the logarithm of the
    target's integral, with turns measured in rad. effective: how many samples of equal weight
    those were worth that were drawn for it, (n,).
    """

    orientation: Tensor
    weight: Tensor
    log_evidence: Tensor
    effective: Tensor


def mixture(centre: Tensor, covariance: Tensor, share: Tensor) -> Mixture:
    """centre: (n, k, 4), covariance: (n, k, 3, 3) of turns in rad, share: (n, k)."""
    return Mixture(centre, torch.linalg.cholesky(torch.linalg.inv(covariance)), share)


def about_modes(modes: Modes) -> Mixture:
    """Where to begin: two distributions about each mode, as wide as its curvature says, and wider.

    A mode that is bent goes on beyond its ellipsoid.
    """
    covariance = torch.linalg.inv(modes.curvature)[..., :3, :3]
    present = (modes.share > 0).to(modes.share)
    even = present / present.sum(-1, keepdim=True)
    share = EVEN_SHARE * even + (1 - EVEN_SHARE) * modes.share
    return mixture(
        torch.cat((modes.orientation, modes.orientation), 1),
        torch.cat((covariance, WIDER**2 * covariance), 1),
        torch.cat(((1 - WIDE_SHARE) * share, WIDE_SHARE * share), 1),
    )


def draw_samples(target: Target, first: Mixture, count: int) -> Samples:
    """`count` weighted samples of each signal's density.

    target: given the indices of signals (r,) and orientations (r, a, 4), their log densities
    (r, a), the same for equivalent orientations. first: where to begin.
    """
    everyone = torch.arange(len(first.share), device=first.share.device)
    begun = max(int(FIRST * count), 1)
    numbers = [begun, count - begun]
    samples, drawn = _drawn(target, everyone, first, numbers)
    poor = (samples.effective < ENOUGH * count).nonzero().squeeze(1)
    if len(poor) > 0:
        more = [count] * MORE_ROUNDS
        again, _ = _drawn(target, poor, first.of(poor), more, drawn.of(poor))
        kept = thinned(again, count)
        for old, new in zip(vars(samples).values(), vars(kept).values(), strict=True):
            old[poor] = new
    return samples


@dataclass(frozen=True)
class _Rounds:
    """What there is so far: samples (n, m), the target's logarithms and what they came from."""

    orientation: Tensor
    value: Tensor
    proposal: Mixture

    def of(self, rows: Tensor) -> "_Rounds":
        return _Rounds(self.orientation[rows], self.value[rows], self.proposal.of(rows))


def _drawn(
    target: Target, rows: Tensor, first: Mixture, numbers: list[int], so_far: _Rounds | None = None
) -> tuple[Samples, _Rounds]:
    """Rounds of so many samples for the signals `rows`, after those so far."""
    for number in numbers:
        before = 0 if so_far is None else so_far.value.shape[1]
        proposal = first if so_far is None else _adapted(first, so_far, _log_weight(so_far))
        orientation = _from_mixture(proposal, before, number)
        value = target(rows, orientation)
        if so_far is not None:
            orientation = torch.cat((so_far.orientation, orientation), 1)
            value = torch.cat((so_far.value, value), 1)
            proposal = _joined(so_far.proposal, proposal, number / (before + number))
        so_far = _Rounds(orientation, value, proposal)
    log_weight = _log_weight(so_far)
    total = log_weight.logsumexp(-1, keepdim=True)
    weight = torch.exp(log_weight - total)
    evidence = total.squeeze(-1) - math.log(weight.shape[1])
    return Samples(so_far.orientation, weight, evidence, 1 / weight.square().sum(-1)), so_far


def _log_weight(rounds: _Rounds) -> Tensor:
    return rounds.value - _log_components(rounds.proposal, rounds.orientation).logsumexp(-1)


def _joined(one: Mixture, other: Mixture, share: float) -> Mixture:
    return Mixture(
        torch.cat((one.centre, other.centre), 1),
        torch.cat((one.root, other.root), 1),
        torch.cat(((1 - share) * one.share, share * other.share), 1),
    )


def _adapted(first: Mixture, rounds: _Rounds, log_weight: Tensor) -> Mixture:
    """The first mixture, and distributions about samples, each as wide as its surroundings."""
    weight = _flattened(log_weight)
    n = len(weight)
    signal = torch.arange(n, device=weight.device).unsqueeze(1)
    centre = rounds.orientation[signal, _systematic(weight, CENTRES)]
    own = first.root[signal, _log_components(first, centre).argmax(-1)]
    turn = nearest_turn(centre, rounds.orientation).movedim(2, 1)  # (n, k, m, 3)
    distance = (turn @ own).square().sum(-1) / AROUND**2
    near = weight.unsqueeze(1) * torch.exp(-0.5 * distance)
    covariance = (turn * near.unsqueeze(-1)).mT @ turn / near.sum(-1)[..., None, None]
    covariance = covariance + 0.05 * torch.cholesky_inverse(own)
    share = weight.new_full((n, CENTRES), 1 / CENTRES)
    return _joined(first, mixture(centre, BANDWIDTH**2 * covariance, share), 1 - AGAIN)


def _flattened(log_weight: Tensor) -> Tensor:
    """Powers (n, m) of the weights, of the largest exponent that lets enough samples share them."""
    enough = FLAT * log_weight.shape[1]
    logarithm = log_weight - log_weight.amax(-1, keepdim=True)
    exponent, step = torch.ones_like(log_weight[:, :1]), 1.0
    for _ in range(12):
        few = 1 / torch.softmax(exponent * logarithm, -1).square().sum(-1, keepdim=True) < enough
        step /= 2
        exponent = torch.where(few, exponent - step, exponent + step).clamp_max(1)
    return torch.softmax(exponent * logarithm, -1)


def _systematic(weight: Tensor, count: int) -> Tensor:
    """Indices (n, count) of the weights (n, m), each as often as its weight has it, in order."""
    places = (torch.arange(count, dtype=torch.float64, device=weight.device) + 0.5) / count
    bounds = weight.cumsum(-1)
    bounds = bounds / bounds[:, -1:]
    return torch.searchsorted(bounds, places.expand(len(weight), -1).contiguous())


def thinned(samples: Samples, count: int) -> Samples:
    """So many samples of equal weight, each of the given ones as often as its weight has it."""
    signal = torch.arange(len(samples.weight), device=samples.weight.device).unsqueeze(1)
    chosen = _systematic(samples.weight, count)
    weight = samples.weight.new_full((len(chosen), count), 1 / count)
    return Samples(
        samples.orientation[signal, chosen], weight, samples.log_evidence, samples.effective
    )


@lru_cache(maxsize=4)
def _base(count: int) -> Tensor:
    """Evenly spread draws (count, 3) of the standard Student distribution."""
    sequence = stats.qmc.Sobol(4, rng=SEED)
    uniform = sequence.random_base2(max(1, math.ceil(math.log2(count))))[:count]
    uniform = uniform.clip(1e-9, 1 - 1e-9)
    scale = (FREEDOM / stats.chi2.ppf(uniform[:, 3:], FREEDOM)) ** 0.5
    return torch.as_tensor(stats.norm.ppf(uniform[:, :3]) * scale)


def _from_mixture(proposal: Mixture, before: int, count: int) -> Tensor:
    """Orientations (n, count, 4), of each distribution as many as its share."""
    part = _systematic(proposal.share, count)
    signal = torch.arange(len(part), device=part.device).unsqueeze(1)
    base = _base(before + count)[before:].to(proposal.root).expand(len(part), -1, -1)
    root = proposal.root[signal, part]
    turn = torch.linalg.solve_triangular(root.mT, base.unsqueeze(-1), upper=True).squeeze(-1)
    return turned(proposal.centre[signal, part], turn)


def _log_components(proposal: Mixture, orientation: Tensor) -> Tensor:
    """Log densities (n, a, k) of the mixture's parts at orientations (n, a, 4)."""
    turn = nearest_turn(proposal.centre, orientation)  # (n, a, k, 3)
    scaled = (turn.movedim(2, 1) @ proposal.root).square().sum(-1).mT
    constant = (
        math.lgamma((FREEDOM + 3) / 2)
        - math.lgamma(FREEDOM / 2)
        - 1.5 * math.log(FREEDOM * math.pi)
    )
    height = constant + proposal.root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    log_student = height.unsqueeze(1) - (FREEDOM + 3) / 2 * torch.log1p(scaled / FREEDOM)
    # From turns to Haar's measure, which a large turn fills less.
    log_volume = 2 * torch.sinc(turn.norm(dim=-1) / (2 * math.pi)).log()
    return proposal.share.log().unsqueeze(1) + log_student - log_volume
