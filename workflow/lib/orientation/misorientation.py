"""Misorientation of cubic crystals, and the medoid by it, at the speed of the machine.

The conventions are those of `orientation`, from where both functions are imported.

In here quaternions lie component by component, (4, ...), because torch is slow on strided
numbers, and every step writes into memory that a former one has left in the cache.
"""

import math

import torch
from torch import Tensor

from workflow.lib.runtime.threads import share_out

# Pairs compared at once. Each of the CPU's threads compares so many in its cache, with 7 MB of
# scratch in float64; with far fewer, calling PyTorch would take longer than computing.
_PAIRS_ON_CPU = 75_000
_PAIRS_ON_GPU = 4_000_000


@torch.no_grad()
def misorientation_deg(q1: Tensor, q2: Tensor) -> Tensor:
    """Smallest rotation angle between cubic crystals, in degrees, 0 to 62.8.

    q1, q2: unit quaternions (..., 4) that broadcast against each other; their norms cancel,
    so that those a little off do no harm. NaN gives NaN. The result carries no gradient: a
    loss takes `orientation.disorientation_loss`.

    Closed form of the minimum over the 24 operators (errata of Eq. 1 and 2 settled). Let
    a ≥ b ≥ c ≥ d be the absolute components of q1⁻¹ q2. The equivalents of smallest angle θ
    have one of the scalar parts on the left, and the square of their vector part beside it:

        cos θ/2 = a                     sin² θ/2 = b² + c² + d²
                  (a + b)/√2                       (a − b)²/2 + c² + d²
                  (a + b + c + d)/2                (a − b)²/2 + (c − d)²/2 + (a + b − c − d)²/4

    where c² + d² = (c − d)²/2 + (c + d)²/2. The angle is the atan2 of the least sine and the
    largest cosine, which belong together; the sine keeps it exact near 0°.
    """
    q1, q2 = torch.broadcast_tensors(q1, q2)
    p, q = q1.reshape(-1, 4), q2.reshape(-1, 4)
    angle = torch.empty(len(p), dtype=torch.result_type(p, q), device=p.device)
    share_out(_compare, _pairs_at_once(p.device), p, q, angle)
    return angle.reshape(q1.shape[:-1])


def medoid(q: Tensor, valid: Tensor | None = None) -> Tensor:
    """The member with the least mean misorientation to the others, (..., k, 4) → (..., 4).

    `valid` (..., k), boolean: members that may neither vote nor be chosen are False; a
    set without a valid member gives NaN. Ties go to the first. Sets are compared in
    chunks, so memory does not grow with the leading shape.
    """
    k = q.shape[-2]
    sets = q.reshape(-1, k, 4)
    votes = torch.ones(sets.shape[:2], dtype=torch.bool, device=q.device)
    if valid is not None:
        votes = valid.reshape(-1, k)
    at_once = max(1, _pairs_at_once(q.device) // (k * k // 2 + 1))
    chosen = share_out(_medoids, at_once, sets, votes)
    return torch.cat(chosen).reshape(*q.shape[:-2], 4)


def _pairs_at_once(device: torch.device) -> int:
    return _PAIRS_ON_CPU if device.type == "cpu" else _PAIRS_ON_GPU


def _compare(p: Tensor, q: Tensor, angle: Tensor) -> None:
    """The misorientations of p and q, (n, 4), into `angle` (n,)."""
    scratch = angle.new_empty(4, 3, len(p))  # not (3, 4, …), into which torch transposes slowly
    left, right, difference = scratch.unbind(1)
    left.copy_(p.T)
    right.copy_(q.T)
    _difference(left, right, difference)
    _reduced_angle_deg(difference, left, angle)


def _medoids(q: Tensor, valid: Tensor) -> Tensor:
    # Zero instead of an invalid vote makes zero of its angles.
    total = total_misorientation(torch.where(valid.unsqueeze(-1), q, 0))
    best = torch.where(valid, total, torch.inf).argmin(-1)
    members = q[torch.arange(len(q), device=q.device), best]
    return torch.where(valid.any(-1, keepdim=True), members, torch.nan)


@torch.no_grad()
def total_misorientation(q: Tensor, weights: Tensor | None = None) -> Tensor:
    """Each member's misorientations from the others of its set, summed, (n, k, 4) → (n, k).

    weights (n, k): of the others; all 1 if there are none. All sets at once: memory is 100 bytes
    for each pair of a set in float64.
    The members stand on a circle. Those 1, 2, … k/2 places apart are all pairs, each once.
    """
    n, k, _ = q.shape
    circle = q.permute(2, 1, 0).repeat(1, 2, 1)  # (4, 2k, n): twice round
    turned = circle.unfold(1, k, 1).movedim(-1, 2)[:, 1 : k // 2 + 1]  # (4, k/2, k, n)
    difference, spare = q.new_empty(2, 4, k // 2, k, n)
    _difference(circle[:, None, :k], turned, difference)
    angle = q.new_empty(k // 2, 2 * k, n)  # twice round as well
    _reduced_angle_deg(difference, spare, angle[:, :k])
    if k % 2 == 0 and k > 0:  # opposite members would meet twice
        angle[-1, k // 2 : k] = 0
    if weights is None:
        onward = angle[:, :k].sum(0)
    else:
        twice = weights.T.repeat(2, 1)
        onward = (angle[:, :k] * twice.unfold(0, k, 1).movedim(-1, 1)[1 : k // 2 + 1]).sum(0)
        angle[:, :k] *= twice[:k]
    angle[:, k:] = angle[:, :k]
    # from the one before, from the one before that, …: a row on and a place back each time
    back = angle.as_strided((k // 2, k, n), ((2 * k - 1) * n, n, 1), (k - 1) * n).sum(0)
    return (onward + back).T


def _difference(p: Tensor, q: Tensor, out: Tensor) -> None:
    """p⁻¹ q into `out`, components first: (4, ...)."""
    pw, px, py, pz = p
    qw, qx, qy, qz = q
    w, x, y, z = out
    torch.mul(pw, qw, out=w).addcmul_(px, qx).addcmul_(py, qy).addcmul_(pz, qz)
    torch.mul(pw, qx, out=x).addcmul_(pz, qy).addcmul_(px, qw, value=-1).addcmul_(py, qz, value=-1)
    torch.mul(pw, qy, out=y).addcmul_(px, qz).addcmul_(py, qw, value=-1).addcmul_(pz, qx, value=-1)
    torch.mul(pw, qz, out=z).addcmul_(py, qx).addcmul_(pz, qw, value=-1).addcmul_(px, qy, value=-1)


def _reduced_angle_deg(q: Tensor, spare: Tensor, out: Tensor) -> Tensor:
    """`misorientation_deg`'s formula: the angles of q (4, ...) into `out` (...), returned.

    Every step writes over something that is no longer needed: q and `spare` (4, ...) are
    destroyed.
    """
    w, x, y, z = q.abs_()
    s, t, u, v = spare
    w, x, s = _ordered(w, x, s)
    y, z, s = _ordered(y, z, s)
    a, y, s = _ordered(w, y, s)
    x, d, s = _ordered(x, z, s)
    b, c, s = _ordered(x, y, s)
    sum_ab, difference_ab = torch.add(a, b, out=s), torch.sub(a, b, out=t)
    sum_cd, difference_cd = torch.add(c, d, out=u), c.sub_(d)
    difference_abcd = torch.sub(sum_ab, sum_cd, out=v)
    # Twice the squared sines, without (c − d)², which is in all three.
    square_cd, square_ab = torch.mul(sum_cd, sum_cd, out=d), difference_ab.square_()
    first = torch.addcmul(square_cd, b, b, value=2, out=b)
    second = square_cd.add_(square_ab)
    third = square_ab.addcmul_(difference_abcd, difference_abcd, value=0.5)
    least = torch.minimum(torch.minimum(first, second, out=first), third, out=first)
    sine = least.addcmul_(difference_cd, difference_cd).sqrt_()  # √2 of it, like the cosine
    largest = torch.maximum(a.mul_(math.sqrt(2)), sum_ab, out=a)
    cosine = torch.maximum(largest, sum_cd.add_(sum_ab).mul_(math.sqrt(0.5)), out=a)
    return torch.atan2(sine, cosine, out=out).mul_(math.degrees(2))


def _ordered(a: Tensor, b: Tensor, spare: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The larger and the smaller of a and b, and what is spare now; a step of a sorting network."""
    torch.maximum(a, b, out=spare)
    return spare, torch.minimum(a, b, out=b), a
