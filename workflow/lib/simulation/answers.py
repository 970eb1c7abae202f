"""What to answer from the weighted samples of a posterior: candidates, one answer, a level.

Everything is for n signals at once; see `importance.Samples` and `fit.Modes`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workflow.lib.orientation import misorientation_deg
from workflow.lib.simulation.fit import LABEL_STD_RAD, Modes, nearest_equivalent, turned
from workflow.lib.simulation.importance import Samples

CONSIDERED = 24  # of the weightiest samples, where the search for the best answer starts
IMPROVEMENTS = 10  # steps of that search
SEED = 20220112  # of the labels' noise


def grouped(
    modes: Modes, samples: Samples, candidates: int, radius_deg: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Modes that lie within the radius of a heavier one count with it: their mean and weight."""
    n, m = modes.share.shape
    weight = torch.zeros_like(modes.share).scatter_add_(1, samples.mode, samples.weight)
    near = misorientation_deg(modes.orientation.unsqueeze(2), modes.orientation.unsqueeze(1))
    near = near <= radius_deg
    group = torch.full((n, m), -1, device=weight.device)
    everyone = torch.arange(n, device=weight.device)
    for place in range(m):  # modes of a signal, at most as many as starts
        free = torch.where(group < 0, weight, -1)
        heaviest = free.argmax(-1)
        joins = near[everyone, heaviest] & (group < 0)
        group = torch.where(joins, place, group)
    probability = torch.zeros_like(weight).scatter_add_(1, group, weight)
    k = candidates
    member = group.gather(1, samples.mode)  # of each sample
    chosen, order = probability.sort(dim=-1, descending=True, stable=True)
    chosen, order = chosen[:, :k], order[:, :k]
    sample_weight = samples.weight.unsqueeze(1) * (member.unsqueeze(1) == order.unsqueeze(-1))
    mean = _mean(samples.orientation.unsqueeze(1), sample_weight)
    mean = torch.where((chosen > 0).unsqueeze(-1), mean, torch.nan)
    missing = k - chosen.shape[1]
    if missing > 0:
        mean = torch.cat((mean, mean.new_full((n, missing, 4), torch.nan)), 1)
        chosen = torch.cat((chosen, chosen.new_zeros(n, missing)), 1)
    return mean, chosen, (1 - chosen.sum(-1)).clamp_min(0)


def _mean(q: Tensor, weight: Tensor) -> Tensor:
    """Mean (..., 4) of weighted orientations (..., a, 4) that lie near each other."""
    q, weight = torch.broadcast_tensors(q, weight.unsqueeze(-1))
    weight = weight[..., 0]
    heaviest = weight.argmax(-1, keepdim=True).unsqueeze(-1).expand(*weight.shape[:-1], 1, 4)
    mean = q.gather(-2, heaviest)
    for _ in range(2):
        turn = nearest_equivalent(q, mean)[0].squeeze(-2)
        total = weight.sum(-1, keepdim=True).clamp_min(1e-300)
        mean = turned(mean.squeeze(-2), (turn * weight.unsqueeze(-1)).sum(-2) / total).unsqueeze(-2)
    return mean.squeeze(-2)


def least_expected(q: Tensor, weight: Tensor) -> Tensor:
    """The orientation (n, 4) of least mean misorientation to weighted ones, (n, a, 4), (n, a).

    The best of the weightiest, then steps of Weiszfeld's as long as they help.
    """
    # The first of equals: of samples of one weight, those spread over all of them.
    spread = torch.linspace(0, q.shape[1] - 1, CONSIDERED).long()
    spread = spread.to(q.device).expand(len(q), -1)
    heavy = weight.topk(min(CONSIDERED, q.shape[1]), dim=-1).indices
    places = torch.cat((heavy, spread), 1)
    start = q.gather(1, places.unsqueeze(-1).expand(-1, -1, 4))
    expected = _expected(start, q, weight)
    least, best = expected.min(-1)
    answer = start[torch.arange(len(q), device=q.device), best]
    for _ in range(IMPROVEMENTS):
        turn = nearest_equivalent(q, answer.unsqueeze(1))[0].squeeze(2)
        pull = weight / turn.norm(dim=-1).clamp_min(1e-3)
        step = (turn * pull.unsqueeze(-1)).sum(1) / pull.sum(-1, keepdim=True)
        moved = turned(answer, step)
        value = _expected(moved.unsqueeze(1), q, weight).squeeze(1)
        answer = torch.where((value < least).unsqueeze(-1), moved, answer)
        least = torch.minimum(least, value)
    return answer


def _expected(at: Tensor, q: Tensor, weight: Tensor) -> Tensor:
    """Mean misorientation (n, b) of weighted orientations (n, a, 4) from each of `at` (n, b, 4)."""
    angle = misorientation_deg(at.unsqueeze(2), q.unsqueeze(1))
    return (angle * weight.unsqueeze(1)).sum(-1)


@dataclass(frozen=True)
class Shape:
    """A mixture of normal distributions of turns about the modes, (n, m, …): the samples' own.

    precision: (n, m, 3, 3), label noise included; log_height: of each one's peak (n, m).
    """

    orientation: Tensor
    precision: Tensor
    log_height: Tensor


def shape_of(modes: Modes, samples: Samples) -> Shape:
    turn = nearest_equivalent(samples.orientation, modes.orientation)[0]
    m = modes.share.shape[1]
    member = torch.nn.functional.one_hot(samples.mode, m) * samples.weight.unsqueeze(-1)
    total = member.sum(1)
    part = member / total.clamp_min(1e-300).unsqueeze(1)
    mean = torch.einsum("nam,nami->nmi", part, turn)
    turn = turn - mean.unsqueeze(1)
    covariance = torch.einsum("nam,nami,namj->nmij", part, turn, turn)
    own = torch.linalg.inv(modes.curvature)[..., :3, :3]
    covariance = covariance + 0.05 * own
    covariance[..., range(3), range(3)] += LABEL_STD_RAD**2
    precision = torch.linalg.inv(covariance)
    log_height = total.log() + 0.5 * torch.logdet(precision)
    return Shape(turned(modes.orientation, mean), precision, log_height)


def peak(shape: Shape) -> Tensor:
    best = shape.log_height.argmax(-1)
    return shape.orientation[torch.arange(len(best), device=best.device), best]


def _log_height(shape: Shape, at: Tensor) -> Tensor:
    """Log density (n, a) of the mixture at orientations (n, a, 4), up to a constant."""
    turn = nearest_equivalent(at, shape.orientation)[0]
    distance = torch.einsum("nami,nmij,namj->nam", turn, shape.precision, turn)
    return (shape.log_height.unsqueeze(1) - 0.5 * distance).logsumexp(-1)


def level(shape: Shape, samples: Samples, reference: Tensor) -> Tensor:
    """How probable a label is (n,) at which the mixture is higher than at the one there is.

    The mixture has only to say which orientations come first. The probability is the samples':
    each is a true orientation, turned by a label's noise.
    """
    count = samples.orientation.shape[1]
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(count, 3, generator=generator, dtype=torch.float64) * LABEL_STD_RAD
    labels = turned(samples.orientation, noise.to(reference.device).expand(len(reference), -1, -1))
    higher = _log_height(shape, labels) > _log_height(shape, reference.unsqueeze(1))
    return (samples.weight * higher).sum(-1)
