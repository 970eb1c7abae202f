"""What to answer from the weighted samples of a posterior: candidates, one answer, a level.

Everything is for n signals at once; see `importance.Samples` and `fit.Modes`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from workflow.lib.orientation import misorientation_deg, symmetric_mean
from workflow.lib.simulation.fit import Modes, nearest_turn, turned
from workflow.lib.simulation.importance import Samples
from workflow.lib.simulation.reflectance import LABEL_NOISE_RMS_DEG

LABEL_STD_RAD = math.radians(LABEL_NOISE_RMS_DEG) / math.sqrt(3)  # of each component of its turn
SEED = 20220112  # of the labels' noise


def from_modes(modes: Modes, samples: Samples) -> tuple[Tensor, Tensor]:
    """The turns (n, a, m, 3) in rad from each mode to the samples, and the nearest mode (n, a)."""
    turn = nearest_turn(modes.orientation, samples.orientation)
    missing = (modes.share == 0).unsqueeze(1)
    return turn, torch.where(missing, torch.inf, turn.norm(dim=-1)).argmin(-1)


def grouped(
    modes: Modes, samples: Samples, mode: Tensor, candidates: int, radius_deg: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Modes that lie within the radius of a heavier one count with it: their mean and weight."""
    n, m = modes.share.shape
    weight = torch.zeros_like(modes.share).scatter_add_(1, mode, samples.weight)
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
    member = group.gather(1, mode)  # of each sample
    chosen, order = probability.sort(dim=-1, descending=True, stable=True)
    chosen, order = chosen[:, :k], order[:, :k]
    sample_weight = samples.weight.unsqueeze(1) * (member.unsqueeze(1) == order.unsqueeze(-1))
    heaviest = sample_weight.argmax(-1, keepdim=True).expand(-1, -1, 4)
    heaviest = samples.orientation.gather(1, heaviest)
    mean = symmetric_mean(samples.orientation.unsqueeze(1), sample_weight, heaviest)
    missing = k - chosen.shape[1]
    if missing > 0:
        mean = torch.cat((mean, mean.new_full((n, missing, 4), torch.nan)), 1)
        chosen = torch.cat((chosen, chosen.new_zeros(n, missing)), 1)
    return mean, chosen, (1 - chosen.sum(-1)).clamp_min(0)


@dataclass(frozen=True)
class Shape:
    """A mixture of normal distributions of turns about the modes, (n, m, …): the samples' own.

    precision: (n, m, 3, 3), label noise included; log_height: of each one's peak (n, m).
    """

    orientation: Tensor
    precision: Tensor
    log_height: Tensor


def shape_of(modes: Modes, samples: Samples, turn: Tensor, mode: Tensor) -> Shape:
    m = modes.share.shape[1]
    member = torch.nn.functional.one_hot(mode, m) * samples.weight.unsqueeze(-1)
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
    turn = nearest_turn(shape.orientation, at)
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
