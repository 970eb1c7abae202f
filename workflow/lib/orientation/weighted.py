"""The middle of weighted orientations under cubic symmetry: their mean, and what is best to say.

The conventions are those of the package: see `workflow.lib.orientation`. Letters: m points of a
set.
"""

import math

import torch
from torch import Tensor

from workflow.lib.orientation.misorientation import misorientation_deg, total_misorientation
from workflow.lib.orientation.pairs import nearest_equivalent, rows_at_once
from workflow.lib.orientation.quaternion import canonical_sign, conjugate, multiply
from workflow.lib.orientation.symmetry import to_fundamental_zone
from workflow.lib.runtime.threads import share_out

_POINTS = 3  # the points of a set from which the search for the least begins
_DESCENTS = 2  # how many of all starts are followed
_STEPS = 20
_STILL_DEG = 0.005  # an answer that a step moves no further has come to rest
_SAME_RAD = 1e-6  # an answer so near a point lies on it


def symmetric_mean(q: Tensor, weights: Tensor, near: Tensor) -> Tensor:
    """The mean of points q (..., m, 4), each in its equivalent nearest `near` (..., 4).

    It is the eigenvector of the largest eigenvalue of Σ w q qᵀ (Markley et al. 2007), which a
    quaternion's sign does not change. weights (..., m): ≥ 0, any sum; points that are NaN or whose
    weight is 0 or NaN take no part. Without any weight, or where `near` is NaN, the mean is NaN.
    """
    weights, q = _usable(q, weights)
    known = near.isfinite().all(-1) & (weights.sum(-1) > 0)
    middle = torch.where(known[..., None], near, _identity(q))
    aligned = nearest_equivalent(q, middle[..., None, :])
    moment = (weights[..., None] * aligned).mT @ aligned
    mean = canonical_sign(torch.linalg.eigh(moment).eigenvectors[..., -1])
    return torch.where(known[..., None], mean, torch.nan)


def expected_misorientation_deg(answer: Tensor, q: Tensor, weights: Tensor) -> Tensor:
    """Mean misorientation of answers (..., a, 4) to weighted points q (..., m, 4): (..., a).

    weights (..., m) as in `symmetric_mean`; without any the mean is NaN.
    """
    weights, q = _usable(q, weights)
    angle = misorientation_deg(answer[..., :, None, :], q[..., None, :, :])
    return (angle * weights[..., None, :]).sum(-1) / weights.sum(-1, keepdim=True)


def least_expected(q: Tensor, weights: Tensor, starts: Tensor | None = None) -> Tensor:
    """The orientation (..., 4) of least mean misorientation to points q (..., m, 4).

    It may lie between the points. weights (..., m) as in `symmetric_mean`; NaN without any.
    starts (..., s, 4): where to look as well, such as the means of clusters; NaN is passed over.
    The search begins at the best of the points, so that no point (nor their medoid) is better than
    the result, and descends by Weiszfeld's steps in the tangent space, with the nearest equivalent
    of each point and the rule of Vardi & Zhang (2000) for an answer that lies on a point.
    """
    sets, rows = q.reshape(-1, *q.shape[-2:]), weights.reshape(-1, q.shape[-2])
    begin = sets[:, :0] if starts is None else starts.reshape(len(sets), -1, 4)
    at_once = 8 * rows_at_once(q.shape[-2] * (_DESCENTS + 24), q.device)
    found = share_out(_least_expected, at_once, sets, rows, begin)
    return torch.cat(found).reshape(*q.shape[:-2], 4)


def _usable(q: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and points, with 0 and the identity for those that take no part."""
    part = (weights > 0) & q.isfinite().all(-1)
    return torch.where(part, weights, 0), torch.where(part[..., None], q, _identity(q))


def _identity(q: Tensor) -> Tensor:
    return q.new_tensor((1.0, 0.0, 0.0, 0.0))


def _least_expected(q: Tensor, weights: Tensor, starts: Tensor) -> Tensor:
    weights, q = _usable(q, weights)
    weighs = weights.sum(-1, keepdim=True)
    weights = weights / weighs.clamp(min=torch.finfo(weights.dtype).tiny)
    begin = torch.cat((starts, _best_points(q, weights)), 1)
    begin = torch.cat((begin, symmetric_mean(q, weights, begin[:, -_POINTS])[:, None]), 1)
    value = expected_misorientation_deg(begin, q, weights).nan_to_num(torch.inf)
    kept = value.topk(min(_DESCENTS, value.shape[1]), largest=False).indices
    answer = begin.gather(1, kept[..., None].expand(-1, -1, 4)).nan_to_num(0.5)
    answer, value = _descended(answer, value.gather(1, kept), q, weights)
    best = answer[torch.arange(len(q), device=q.device), value.argmin(1)]
    return torch.where(weighs > 0, canonical_sign(best), torch.nan)


def _best_points(q: Tensor, weights: Tensor) -> Tensor:
    """Of each set the points (n, 3, 4) nearest to all others; some repeat where there are fewer."""
    rows = rows_at_once(q.shape[1] ** 2, q.device)
    total = torch.cat(share_out(total_misorientation, rows, q, weights))
    total = torch.where(weights > 0, total, torch.inf)
    order = total.topk(min(_POINTS, q.shape[1]), largest=False).indices
    order = order[:, torch.arange(_POINTS, device=q.device).clamp(max=order.shape[1] - 1)]
    return q.gather(1, order[..., None].expand(-1, -1, 4))


def _descended(answer: Tensor, value: Tensor, q: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Answers (n, s, 4) and what they expect (n, s), after steps that each lower it.

    Each comes to rest by itself, so that it does not depend on the others.
    """
    moving = torch.ones_like(value, dtype=torch.bool)
    for _ in range(_STEPS):
        step = _step(answer, q, weights)
        tried = multiply(answer, _rotation(step))
        tried = tried / tried.norm(dim=-1, keepdim=True)
        expected = expected_misorientation_deg(tried, q, weights)
        better = moving & (expected < value)
        answer = torch.where(better[..., None], tried, answer)
        value = torch.where(better, expected, value)
        moving = better & (torch.rad2deg(step.norm(dim=-1)) > _STILL_DEG)
        if not moving.any():
            break
    return answer, value


def _step(answer: Tensor, q: Tensor, weights: Tensor) -> Tensor:
    """Weiszfeld's step from answers (n, s, 4), as a rotation vector (n, s, 3) in radians."""
    difference = to_fundamental_zone(multiply(conjugate(answer)[:, :, None], q[:, None]))
    sine = difference[..., 1:].norm(dim=-1)
    angle = 2 * torch.atan2(sine, difference[..., 0])
    apart = angle > _SAME_RAD
    pull = torch.where(apart, weights[:, None] / sine.clamp(min=_SAME_RAD / 4), 0)
    force = (pull[..., None, :] @ difference[..., 1:]).squeeze(-2)  # Σ w of unit vectors
    inverse = torch.where(apart, weights[:, None] / angle.clamp(min=_SAME_RAD), 0).sum(-1)
    here = torch.where(apart, 0, weights[:, None]).sum(-1)
    tiny = torch.finfo(force.dtype).tiny
    free = (1 - here / force.norm(dim=-1).clamp(min=tiny)).clamp(min=0)
    return force * (free / inverse.clamp(min=tiny))[..., None]


def _rotation(vector: Tensor) -> Tensor:
    """Quaternions (..., 4) of rotation vectors (..., 3) in radians."""
    angle = vector.norm(dim=-1, keepdim=True)
    return torch.cat((torch.cos(angle / 2), vector * torch.sinc(angle / (2 * math.pi)) / 2), -1)
