"""What a model takes for possible, as weighted orientations: of one view and of all 72.

Letters: n signals, v views (rolls), m draws of a view, a orientations asked about.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from workflow.lib.models.task import Draws, Task, all_rolls
from workflow.lib.orientation import Clusters, cluster, kernel_log_density

KINDS = ("one_view", "mixture", "product")
"""The signal as it is; the mean of its 72 views' distributions; their normalised product."""

FLOOR = 1e-3
"""The uniform distribution's share in every kernel density: that all may be wrong."""

_POINTS_OF_PRODUCT = 128  # of all draws; few of them have any weight

# Whose draws of 72 views are handled at once: on a CPU what fits its cache, on a GPU its memory
SIGNALS_PER_BATCH = {"cpu": 16, "cuda": 256}


@dataclass(frozen=True)
class Settings:
    """The config's `several`."""

    candidates: int  # kept of each distribution
    radius_deg: float  # within which answers are one orientation
    draws: int  # of one view
    draws_per_view: int  # of each of 72
    beam_width: int
    seed: int


@dataclass(frozen=True)
class Support:
    """Weighted orientations (n, m, 4), weights (n, m) of a sum up to 1.

    What lacks to 1 is an answer that is no orientation; such a draw is NaN and weighs 0.
    """

    orientation: Tensor
    weights: Tensor


def seeds_of(n: int, seed: int, device: torch.device) -> Tensor:
    """A seed (n,) for each signal's random numbers, int64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2**62, (n,), generator=generator).to(device)


def no_rolls(signals: Tensor) -> Tensor:
    """The roll of the one view there is of signals as they are, (n, 1)."""
    return torch.zeros(len(signals), 1, dtype=torch.int64, device=signals.device)


def drawn(
    task: Task, signals: Tensor, seeds: Tensor, settings: Settings, temperature: float
) -> tuple[Draws, Draws]:
    """Draws of one view (n, 1, m, 4), and of all views (n, v, m, 4)."""
    one = task.draw(signals, no_rolls(signals), settings.draws, seeds, temperature)
    views = task.draw(signals, all_rolls(signals), settings.draws_per_view, seeds, temperature)
    return one, views


def support(kind: str, one: Draws, views: Draws, bandwidth_deg: float) -> Support:
    """The weighted orientations of a kind; the bandwidth is the product's."""
    draws = one if kind == "one_view" else views
    points = draws.orientation.flatten(1, 2)
    if kind == "product":
        return _heaviest(Support(points, _product_weights(views.orientation, bandwidth_deg)))
    valid = points.isfinite().all(-1)
    return Support(points, valid / valid.new_full((), points.shape[1], dtype=points.dtype))


def merged(points: Support, settings: Settings) -> Clusters:
    """The candidates that the points merge into."""
    return cluster(points.orientation, points.weights, settings.radius_deg, settings.candidates)


def uniform_share(points: Support) -> Tensor:
    """What of a density is uniform, (n, 1): answers that are no orientation, and FLOOR of others.

    An answer that is no orientation says nothing.
    """
    return 1 - (1 - FLOOR) * points.weights.sum(1, keepdim=True).clamp(max=1)


def log_density(at: Tensor, points: Support, bandwidth_deg: float) -> Tensor:
    """Log density (n, a) at (n, a, 4), relative to uniform: kernels, and the uniform share."""
    kernels = kernel_log_density(at, points.orientation, points.weights, bandwidth_deg)
    return torch.logaddexp(kernels + math.log1p(-FLOOR), uniform_share(points).log())


def _heaviest(points: Support) -> Support:
    """The points of greatest weight, scaled to the same sum, in the order that they had."""
    kept = min(_POINTS_OF_PRODUCT, points.weights.shape[1])
    index = points.weights.topk(kept).indices.sort().values
    weights = points.weights.gather(1, index)
    total = points.weights.sum(1, keepdim=True)
    weights = weights * (total / weights.sum(1, keepdim=True)).nan_to_num(0)
    return Support(points.orientation.gather(1, index[..., None].expand(-1, -1, 4)), weights)


def _product_weights(views: Tensor, bandwidth_deg: float) -> Tensor:
    """Weights (n, v m) of all views' draws (n, v, m, 4) for the product of the views' densities.

    The draws are of the mixture: each weighs Π f(g) / mean f(g), f a view's density at it. They
    sum to 1 unless no draw is valid.
    """
    n, v, m, _ = views.shape
    valid = views.isfinite().all(-1)
    # float32: a weight's error is a thousandth of it
    own = views.float().flatten(0, 1)
    weights = (valid / valid.sum(-1, keepdim=True).clamp(min=1)).float().flatten(0, 1)
    at = views.float().reshape(n, 1, v * m, 4).expand(-1, v, -1, -1).flatten(0, 1)
    density = log_density(at, Support(own, weights), bandwidth_deg).view(n, v, v * m).double()
    exponent = density.sum(1) - density.logsumexp(1)
    exponent = torch.where(valid.flatten(1), exponent, -torch.inf)
    return exponent.softmax(1).nan_to_num(0)
