"""Weighted orientations merged into few distinct ones, each with its share of the weight."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from workflow.lib.orientation.pairs import nearest_cosines, rows_at_once
from workflow.lib.orientation.weighted import symmetric_mean
from workflow.lib.runtime.threads import share_out

_SETS_TOGETHER = 16  # of as many points as fill a table: calling PyTorch takes time as well
_LEADERS = 192  # points of a set, evenly taken, that may lead: what they cost grows with the rest


@dataclass(frozen=True)
class Clusters:
    """Of n sets the k heaviest clusters, the heaviest first.

    orientation (n, k, 4): symmetric means; NaN where there are fewer. probability (n, k): the
    members' weight; 0 where there are fewer. left_out (n,): what is in none of them, of 1.
    """

    orientation: Tensor
    probability: Tensor
    left_out: Tensor


def cluster(q: Tensor, weights: Tensor, radius_deg: float, k: int) -> Clusters:
    """Merge the points q (n, m, 4) of each set into at most k orientations.

    weights (n, m): of a sum up to 1; what lacks is left out. Points that are NaN or whose weight
    is 0 or NaN take no part. A leader is the point with the greatest remaining weight within
    `radius_deg` of it, of near equals the one amid its neighbours. Its neighbours' symmetric mean
    takes its place, so that a leader beside the middle cuts no mode in halves; what remains within
    the radius of that mean is a cluster, and is removed. Of more than 192 points, only so many,
    evenly taken, may lead, which can miss clusters of fewer than m / 192 points. Memory is bounded
    whatever n.
    """
    rows = _SETS_TOGETHER * rows_at_once(q.shape[1] ** 2, q.device)
    found = share_out(lambda *sets: _clusters(*sets, radius_deg, k), rows, q, weights)
    orientation, probability = (torch.cat(part) for part in zip(*found, strict=True))
    left_out = (1 - probability.sum(1)).clamp(min=0)
    return Clusters(orientation, probability, left_out)


def _clusters(q: Tensor, weights: Tensor, radius_deg: float, k: int) -> tuple[Tensor, Tensor]:
    limit = math.cos(math.radians(radius_deg) / 2)
    part = (weights > 0) & q.isfinite().all(-1)
    points = torch.where(part[..., None], q, 0)  # zeros are near nothing
    remaining = torch.where(part, weights, 0)
    m = points.shape[1]
    may_lead = torch.arange(min(m, _LEADERS), device=q.device) * m // min(m, _LEADERS)
    neighbours = _neighbours(points[:, may_lead], points, limit)
    every = torch.arange(len(q), device=q.device)
    centres, shares = [], []
    for _ in range(k):
        around = (neighbours @ remaining.to(neighbours)[..., None])[..., 0]
        first = torch.where(remaining[:, may_lead] > 0, around, -1).argmax(1)
        leader = points[every, may_lead[first]]
        centre = symmetric_mean(points, _within(points, remaining, leader, limit), leader)
        members = _within(points, remaining, centre, limit)
        centres.append(symmetric_mean(points, members, centre))
        shares.append(members.sum(1))
        remaining = torch.where(members > 0, 0, remaining)
    probability = torch.stack(shares, 1)
    order = probability.argsort(dim=1, descending=True, stable=True)
    orientation = torch.stack(centres, 1).gather(1, order[..., None].expand(-1, -1, 4))
    return orientation, probability.gather(1, order)


def _neighbours(leaders: Tensor, points: Tensor, limit: float) -> Tensor:
    """(n, a, m): 0 for pairs further apart than the radius, and a little over 1 for others.

    The little, up to 1 − limit, decides among leaders with the same neighbours, whatever the order
    of the points. float32 suffices: it moves the radius by a millionth of a radian.
    """
    cosines = nearest_cosines(leaders.float(), points.float())
    return functional.threshold_(cosines.add_(1 - limit), 1.0, 0.0)


def _within(points: Tensor, weights: Tensor, centre: Tensor, limit: float) -> Tensor:
    """The weights (n, m) of points within the radius of `centre` (n, 4), 0 for others."""
    near = nearest_cosines(centre[:, None], points)[:, 0] >= limit
    return torch.where(near, weights, 0)
