"""Where a posterior of weighted samples is highest, and at which level a label lies.

Everything is for n signals at once; see `importance.Samples` and `fit.Modes`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from workflow.lib.simulation.fit import Modes, nearest_turn, turned
from workflow.lib.simulation.importance import Samples
from workflow.lib.simulation.reflectance import LABEL_NOISE_RMS_DEG

LABEL_STD_RAD = math.radians(LABEL_NOISE_RMS_DEG) / math.sqrt(3)  # of each component of its turn
SEED = 20220112  # of the labels' noise


@dataclass(frozen=True)
class Shape:
    """A mixture of normal distributions of turns about the modes, (n, m, …): the samples' own.

    precision: (n, m, 3, 3), label noise included; log_height: of each one's peak (n, m).
    """

    orientation: Tensor
    precision: Tensor
    log_height: Tensor


def shape_of(modes: Modes, samples: Samples) -> Shape:
    """Each sample belongs to the nearest mode."""
    m = modes.share.shape[1]
    turn = nearest_turn(modes.orientation, samples.orientation)  # (n, a, m, 3)
    missing = (modes.share == 0).unsqueeze(1)
    mode = torch.where(missing, torch.inf, turn.norm(dim=-1)).argmin(-1)
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
