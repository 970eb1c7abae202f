"""How probable a signal is at an orientation, whatever the grain: its six numbers integrated out.

But for pixels at an end of the scale, all that a signal says at a given orientation is in its
products with five columns, one a variant and the background, and in theirs with each other. So
the best six numbers are found without its pixels, by Newton's steps, and Laplace's approximation
about them is taken for the integral.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.forward import basis
from workflow.lib.simulation.likelihood import GRAIN, HIGHEST, ROUNDING_VARIANCE, Model
from workflow.lib.simulation.reflectance import COUNTS_PER_INTENSITY
from workflow.lib.simulation.screen import first_grain, non_negative

_AT_ONCE = 512  # orientations evaluated together
_PIXELS_AT_ONCE = 64  # and their pixels, within the processor's cache
_SWEEPS = 8  # of the least squares that a search begins with
_STEPS = 12  # of a search, at most
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e5
_LEAST_GAIN = 0.05  # of the log probability in a step: fits that would gain less have arrived
_LARGEST_LOSS = 0.8  # of a variant's weight, in a step


def log_evidence(model: Model, counts: Tensor, orientation: Tensor) -> Tensor:
    """Log probability (n, a), float64, of each signal at orientations, and of those themselves.

    counts: (n, 432), 0 to 255. orientation: (n, a, 4). The signal's is up to a constant that it
    has everywhere; the orientation's is relative to uniform.
    """
    n, a = orientation.shape[:2]
    work = partial(_some, model)
    rows = counts.repeat_interleave(a, 0)
    return torch.cat(share_out(work, _AT_ONCE, rows, orientation.flatten(0, 1))).view(n, a)


@dataclass(frozen=True)
class _Known:
    """What signals (b, …) say at given orientations.

    gram (b, 5, 5), products (b, 5), square (b,) and number (b,): of the pixels within the scale.
    brightness (b, 4): mean ideal signal of each variant. columns (b, 5, k), bound and side (b, k):
    of the pixels at an end of it, filled up with side 0.
    """

    gram: Tensor
    products: Tensor
    square: Tensor
    number: Tensor
    brightness: Tensor
    columns: Tensor
    bound: Tensor
    side: Tensor

    def of(self, rows: Tensor) -> "_Known":
        return _Known(*(part[rows] for part in _parts(self)))


def _parts(known: _Known) -> list[Tensor]:
    return list(vars(known).values())


def _some(model: Model, counts: Tensor, orientation: Tensor) -> Tensor:
    ends = int(_at_end(counts).sum(-1).max())
    parts = share_out(partial(_known, model, ends), _PIXELS_AT_ONCE, counts, orientation)
    known = _Known(*(torch.cat(part) for part in zip(*map(_parts, parts), strict=True)))
    return _integrated(model, known) + model.oriented(orientation)[0]


def _integrated(model: Model, known: _Known) -> Tensor:
    found = _first(model, known)
    value, gradient, curvature = _about(model, known, found)
    damping = torch.full_like(value, _FIRST_DAMPING)
    rows = torch.arange(len(value), device=value.device)
    for _ in range(_STEPS):
        step = _step(found[rows], gradient[rows], curvature[rows], damping[rows])
        tried = found[rows] + step
        about = _about(model, known.of(rows), tried)
        better = about[0] < value[rows]
        damping[rows] *= torch.where(better, 0.1, 10.0).double()
        taken = rows[better]
        found[taken] = tried[better]
        value[taken], gradient[taken], curvature[taken] = (part[better] for part in about)
        foreseen = (gradient[rows] * torch.linalg.solve(curvature[rows], gradient[rows])).sum(-1)
        rows = rows[(foreseen > 2 * _LEAST_GAIN) & (damping[rows] < _LARGEST_DAMPING)]
        if len(rows) == 0:
            break
    root = torch.linalg.cholesky(curvature)
    scaled = torch.linalg.solve_triangular(root, gradient.unsqueeze(-1), upper=False)
    # What the last step would have gained, and the volume about it.
    value = value - 0.5 * scaled.square().sum((-2, -1)).clamp_max(2 * _LEAST_GAIN)
    volume = root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    volume = volume + found[:, :4].log().sum(-1) + found[:, 5]
    return -value - volume + GRAIN / 2 * math.log(2 * math.pi)


def _step(found: Tensor, gradient: Tensor, curvature: Tensor, damping: Tensor) -> Tensor:
    """Damped steps (b, 6), shortened where they are too bold."""
    diagonal = curvature.diagonal(dim1=-2, dim2=-1) * damping.unsqueeze(-1)
    change = -torch.linalg.solve(curvature + torch.diag_embed(diagonal), gradient)
    lost = (-change[:, :4] / found[:, :4]).amax(-1) / _LARGEST_LOSS
    bold = torch.maximum(lost, change[:, 5].abs())
    return change / bold.clamp_min(1).unsqueeze(-1)


def _first(model: Model, known: _Known) -> Tensor:
    """Where the search begins, (b, 6): least squares that hold each amount near its usual one.

    Else variants whose ridges coincide would share their weight in any way at all.
    """
    usual = known.products.new_tensor([1, 1, 1, 1, model.specimen.background])
    brightness = known.brightness.sum(-1, keepdim=True)
    variance = (COUNTS_PER_INTENSITY * model.specimen.noise * brightness).square()
    gram = known.gram + torch.diag_embed(variance / usual.square())
    found, _ = non_negative(gram.movedim(0, -1), (known.products + variance / usual).T, _SWEEPS)
    grain = first_grain(model, found.T)
    gain = grain[:, 5:]
    return torch.cat((gain.exp() * torch.cat((grain[:, :4].exp(), grain[:, 4:5]), -1), gain), -1)


def _at_end(counts: Tensor) -> Tensor:
    return (counts <= 0) | (counts >= HIGHEST)


def _known(model: Model, most: int, counts: Tensor, orientation: Tensor) -> _Known:
    """most: pixels at an end of the scale in any signal."""
    signal = basis(orientation, model.c, model.dtype).signal
    columns = counts.new_empty(len(counts), 5, counts.shape[1], dtype=torch.float64)
    response = model.response(counts)
    torch.mul(signal, response, out=columns[:, :4])
    columns[:, 4] = response
    counts = counts.double()
    ends = _at_end(counts)
    at_end, pixel = ends.to(torch.int8).topk(most, dim=-1)
    above = counts.gather(1, pixel) > 0
    outer = columns.gather(2, pixel.unsqueeze(1).expand(-1, 5, -1))
    if most > 0:
        columns *= ~ends.unsqueeze(1)
    within = torch.where(ends, 0, counts)
    return _Known(
        torch.bmm(columns, columns.mT),
        torch.bmm(columns, within.unsqueeze(-1)).squeeze(-1),
        within.square().sum(-1),
        (~ends).sum(-1).double(),
        signal.mean(-1).double(),
        outer,
        torch.where(above, HIGHEST - 0.5, 0.5).double(),
        at_end * torch.where(above, 1.0, -1.0).double(),
    )


def _about(model: Model, known: _Known, found: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Negative log probability (b,) of signals and grains, its gradient (b, 6) and curvature.

    found: the amounts of the five columns, and the logarithm of the gain.
    """
    amounts, gain = found[:, :5], found[:, 5:].exp()
    share = known.brightness / gain
    brightness = (share * amounts[:, :4]).sum(-1, keepdim=True)
    noise = (COUNTS_PER_INTENSITY * model.specimen.noise * brightness).square()
    variance = noise + ROUNDING_VARIANCE
    explained = torch.bmm(known.gram, amounts.unsqueeze(-1)).squeeze(-1)
    rest = known.square + (amounts * (explained - 2 * known.products)).sum(-1)
    number = known.number.unsqueeze(-1)
    value = 0.5 * (rest / variance.squeeze(-1) + known.number * variance.squeeze(-1).log())
    # By the amounts and by log σ:
    by = torch.cat(
        ((explained - known.products) / variance, number - rest.unsqueeze(-1) / variance), -1
    )
    bend = found.new_zeros(len(found), 6, 6)
    bend[:, :5, :5] = known.gram / variance.unsqueeze(-1)
    bend[:, 5, 5] = 2 * known.number
    if known.side.shape[1] > 0:
        more = _at_ends(known, amounts, variance)
        value, by, bend = value + more[0], by + more[1], bend + more[2]
    slope = torch.diag_embed(torch.ones_like(found))  # of amounts and log σ by what is found
    slope[:, 5, :4] = share / brightness * noise / variance
    slope[:, 5, 5:] = -noise / variance
    prior, prior_slope = _prior(model, found)
    value = value + 0.5 * prior.square().sum(-1)
    gradient = torch.bmm(by.unsqueeze(1), slope) + torch.bmm(prior.unsqueeze(1), prior_slope)
    curvature = slope.mT @ bend @ slope + prior_slope.mT @ prior_slope
    return value, gradient.squeeze(1), curvature


def _prior(model: Model, found: Tensor) -> tuple[Tensor, Tensor]:
    """How many standard deviations a grain's six numbers are off, (b, 6), and their slopes."""
    centre, precision = model.prior_moments(found)
    inverse = (-found[:, 5:]).exp()
    weights, background = found[:, :4] * inverse, found[:, 4:5] * inverse
    grain = torch.cat((weights.log(), background, found[:, 5:]), -1)
    slope = torch.diag_embed(torch.cat((1 / found[:, :4], inverse, torch.ones_like(inverse)), -1))
    slope[:, :4, 5] = -1
    slope[:, 4:5, 5] = -background
    root = precision.sqrt()
    return (grain - centre) * root, slope * root.unsqueeze(-1)


def _at_ends(known: _Known, amounts: Tensor, variance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What pixels at an end of the scale add to value, gradient and information."""
    inverse = variance.rsqrt()
    mean = torch.bmm(amounts.unsqueeze(1), known.columns).squeeze(1)
    z = known.side * (mean - known.bound) * inverse
    logarithm = torch.special.log_ndtr(z)
    present = known.side.abs()
    ratio = torch.exp(-0.5 * z.square() - logarithm) / math.sqrt(2 * math.pi) * present
    slopes = torch.cat((known.columns * (known.side * inverse).unsqueeze(1), -z.unsqueeze(1)), 1)
    bend = slopes * (ratio * (ratio + z)).unsqueeze(1)
    by = -torch.bmm(slopes, ratio.unsqueeze(-1)).squeeze(-1)
    return -(logarithm * present).sum(-1), by, torch.bmm(bend, slopes.mT)
