"""The posterior as weighted samples: drawn about its modes, weighed by what they are worth.

About each mode lies a Student distribution with the inverse curvature as its covariance; its
tails are heavier than the posterior's, so that no weight grows without bound. Samples are drawn
from their mixture and weighed by it as a whole, so that modes may overlap. All signals share one
set of evenly spread random numbers: neither chunks nor threads change a sample.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import torch
from scipy import stats
from torch import Tensor

from workflow.lib.simulation.fit import Modes, label_term, nearest_equivalent, turned
from workflow.lib.simulation.forward import permutations
from workflow.lib.simulation.likelihood import UNKNOWN, Model

FREEDOM = 6.0  # degrees of freedom of the proposal: light enough to be of use in nine dimensions
EVEN_SHARE = 0.3  # of the samples is spread evenly over the modes, whatever Laplace makes of them
FINAL = 4
WIDER, WIDE_SHARE = 2.0, 0.4  # a second proposal about each mode, and its share
ENOUGH = 0.2  # of the samples, by their weights: no need to draw anew
WELL_KNOWN = 20.0  # samples of a mode, by their weights: enough for its covariance
FLAT = 0.25  # of the samples, by their flattened weights
SEED = 20220111


@dataclass(frozen=True)
class Samples:
    """Weighted orientations for each of n signals.

    orientation: (n, m, 4). weight: (n, m), sums to 1. mode: the index of the nearest mode, (n, m).
    log_evidence: (n,), with turns measured in rad, up to a constant of the signal. effective: how
    many samples of equal weight those were worth that were drawn for it, (n,).
    """

    orientation: Tensor
    weight: Tensor
    mode: Tensor
    log_evidence: Tensor
    effective: Tensor


Parts = TypeVar("Parts", Modes, Samples)


def draw_samples(
    model: Model, counts: Tensor, modes: Modes, count: int, label: Tensor | None = None
) -> Samples:
    """`count` weighted samples of each signal's posterior; counts (n, 432).

    Where few of them carry the weight, the modes are no ellipsoids. Then they are drawn anew from
    what the first ones tell of the modes' shape, and once more, `FINAL` times as many, of which
    `count` are kept by their weights. label: (n, 4), if its probability is to count as well.
    """
    samples, change = _weighed(model, counts, modes, _with_wide(modes), count, label)
    poor = (samples.effective < ENOUGH * count).nonzero().squeeze(1)
    if len(poor) == 0:
        return samples
    about, some = _rows(modes, poor), None if label is None else label[poor]
    again, change = _rows(samples, poor), change[poor]
    for times in (1, FINAL):
        proposal = _adapted(about, again, change)
        again, change = _weighed(model, counts[poor], about, proposal, times * count, some)
    kept = _kept(again, count)
    for old, new in zip(vars(samples).values(), vars(kept).values(), strict=True):
        old[poor] = new
    return samples


def _rows(parts: Parts, rows: Tensor) -> Parts:
    return type(parts)(*(part[rows] for part in vars(parts).values()))


def _kept(samples: Samples, count: int) -> Samples:
    """As many of equal weight, each as often as its weight has it, at even distances."""
    n, m = samples.weight.shape
    places = (torch.arange(count, dtype=torch.float64, device=samples.weight.device) + 0.5) / count
    bounds = samples.weight.cumsum(-1)
    chosen = torch.searchsorted(bounds, places.expand(n, -1).contiguous()).clamp_max(m - 1)
    signal = torch.arange(n, device=chosen.device).unsqueeze(1)
    weight = torch.full_like(samples.weight[:, :count], 1 / count)
    return Samples(
        samples.orientation[signal, chosen],
        weight,
        samples.mode[signal, chosen],
        samples.log_evidence,
        samples.effective,
    )


def _weighed(
    model: Model,
    counts: Tensor,
    modes: Modes,
    proposal: Modes,
    count: int,
    label: Tensor | None,
) -> tuple[Samples, Tensor]:
    """Samples of a proposal, weighed, and how far (n, count, 9) each is from its nearest mode."""
    root = torch.linalg.cholesky(proposal.curvature)  # of a mode's inverse covariance
    orientation, grain = _drawn(proposal, root, count)
    n = len(counts)
    value = model.value(
        counts.repeat_interleave(count, 0), orientation.flatten(0, 1), grain.flatten(0, 1)
    ).view(n, count)
    if label is not None:
        value = value + label_term(orientation, label.unsqueeze(1))
    change = _from_modes(proposal, orientation, grain)
    log_weight = -value - _log_density(proposal, root, change)
    total = log_weight.logsumexp(-1)
    weight = torch.exp(log_weight - total.unsqueeze(-1))
    m = modes.share.shape[1]  # the proposal's first ones
    angle = change[:, :, :m, :3].norm(dim=-1)
    nearest = torch.where((modes.share == 0).unsqueeze(1), torch.inf, angle).argmin(-1)
    change = change.gather(2, nearest[..., None, None].expand(-1, -1, 1, UNKNOWN)).squeeze(2)
    effective = 1 / weight.square().sum(-1)
    return Samples(orientation, weight, nearest, total - math.log(count), effective), change


def _with_wide(modes: Modes) -> Modes:
    """The modes, and each once more, wider: one that is bent goes on beyond its ellipsoid."""
    return Modes(
        torch.cat((modes.orientation, modes.orientation), 1),
        torch.cat((modes.grain, modes.grain), 1),
        torch.cat((modes.value, modes.value), 1),
        torch.cat((modes.curvature, modes.curvature / WIDER**2), 1),
        torch.cat(((1 - WIDE_SHARE) * modes.share, WIDE_SHARE * modes.share), 1),
    )


def _adapted(modes: Modes, samples: Samples, change: Tensor) -> Modes:
    """The modes, and beside each another one with the samples' mean and covariance.

    The weights are flattened until enough samples share them; where a mode has few, its own
    covariance counts as well.
    """
    weight = _flattened(samples.weight)
    m = modes.share.shape[1]
    member = torch.nn.functional.one_hot(samples.mode, m) * weight.unsqueeze(-1)  # (n, a, m)
    total = member.sum(1)
    member = member / total.clamp_min(1e-30).unsqueeze(1)
    effective = 1 / member.square().sum(1).clamp_min(1e-30)
    trust = (effective / WELL_KNOWN).clamp(max=1) * (total > 0)
    mean = torch.einsum("nam,nai->nmi", member, change)
    second = torch.einsum("nam,nai,naj->nmij", member, change, change)
    covariance = second - mean.unsqueeze(-1) * mean.unsqueeze(-2)
    own = torch.linalg.inv(modes.curvature)
    trust = trust[..., None, None]
    mean = mean * trust[..., 0]
    curvature = torch.linalg.inv(trust * covariance + (1 - trust) * own + 0.02 * own)
    curvature = (curvature + curvature.mT) / 2
    wide = _with_wide(modes)
    return Modes(
        torch.cat((wide.orientation, turned(modes.orientation, mean[..., :3])), 1),
        torch.cat((wide.grain, modes.grain + mean[..., 3:]), 1),
        torch.cat((wide.value, modes.value), 1),
        torch.cat((wide.curvature, curvature / 1.2), 1),
        torch.cat((0.4 * wide.share, 0.6 * total * (modes.share > 0)), 1),
    )


def _flattened(weight: Tensor) -> Tensor:
    """Powers (n, a) of the weights, of the largest exponent that lets enough samples share them."""
    enough = FLAT * weight.shape[1]
    logarithm = weight.clamp_min(1e-300).log()
    low, high = torch.zeros_like(weight[:, :1]), torch.ones_like(weight[:, :1])
    for _ in range(12):
        middle = (low + high) / 2
        few = 1 / torch.softmax(middle * logarithm, -1).square().sum(-1, keepdim=True) < enough
        low, high = torch.where(few, low, middle), torch.where(few, middle, high)
    return torch.softmax(low * logarithm, -1)


@lru_cache(maxsize=4)
def _base(count: int) -> Tensor:
    """Evenly spread draws (count, 9) of the standard Student distribution."""
    sequence = stats.qmc.Sobol(UNKNOWN + 1, rng=SEED)
    uniform = sequence.random_base2(max(1, math.ceil(math.log2(count))))[:count]
    uniform = uniform.clip(1e-9, 1 - 1e-9)
    normal = stats.norm.ppf(uniform[:, :UNKNOWN])
    scale = (FREEDOM / stats.chi2.ppf(uniform[:, UNKNOWN:], FREEDOM)) ** 0.5
    return torch.as_tensor(normal * scale)


def _mixture(modes: Modes) -> Tensor:
    """How many of the samples each mode gets, (n, m)."""
    present = (modes.share > 0).to(modes.share)
    return EVEN_SHARE * present / present.sum(-1, keepdim=True) + (1 - EVEN_SHARE) * modes.share


def _drawn(modes: Modes, root: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Orientations (n, count, 4) and grains (n, count, 6), of each mode as many as its share."""
    places = (torch.arange(count, dtype=torch.float64, device=root.device) + 0.5) / count
    bounds = _mixture(modes).cumsum(-1)
    last = (modes.share > 0).to(torch.int8).cumsum(-1).argmax(-1, keepdim=True)
    bounds.scatter_(1, last, torch.inf)
    mode = torch.searchsorted(bounds, places.expand(len(bounds), -1).contiguous())
    signal = torch.arange(len(bounds), device=root.device).unsqueeze(1)
    base = _base(count).to(root).expand(len(bounds), -1, -1)
    change = torch.linalg.solve_triangular(
        root[signal, mode].mT, base.unsqueeze(-1), upper=True
    ).squeeze(-1)
    orientation = turned(modes.orientation[signal, mode], change[..., :3])
    return orientation, modes.grain[signal, mode] + change[..., 3:]


def _from_modes(modes: Modes, orientation: Tensor, grain: Tensor) -> Tensor:
    """How far samples (n, a) are from each mode, (n, a, m, 9), along the unknowns of a fit.

    The symmetric equivalent nearest to a mode counts, its weights in their new order.
    """
    turn, operator = nearest_equivalent(orientation, modes.orientation)  # (n, a, m, …)
    planes = permutations(turn.device)[operator]
    weights = grain[..., None, :4].expand(*planes.shape).gather(-1, planes)
    rest = grain[..., None, 4:].expand(*planes.shape[:-1], -1)
    return torch.cat((turn, torch.cat((weights, rest), -1) - modes.grain.unsqueeze(1)), -1)


def _log_density(modes: Modes, root: Tensor, change: Tensor) -> Tensor:
    """Log density (n, a) of the mixture at its samples; change: (n, a, m, 9) from its modes."""
    scaled = torch.einsum("nmij,nami->namj", root, change)
    log_student = (
        math.lgamma((FREEDOM + UNKNOWN) / 2)
        - math.lgamma(FREEDOM / 2)
        - UNKNOWN / 2 * math.log(FREEDOM * math.pi)
        + root.diagonal(dim1=-2, dim2=-1).log().sum(-1).unsqueeze(1)
        - (FREEDOM + UNKNOWN) / 2 * torch.log1p(scaled.square().sum(-1) / FREEDOM)
    )
    # From turns to Haar's measure, which a large turn fills less.
    log_volume = 2 * torch.sinc(change[..., :3].norm(dim=-1) / (2 * math.pi)).log()
    return (_mixture(modes).log().unsqueeze(1) + log_student - log_volume).logsumexp(-1)
