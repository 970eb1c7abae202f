"""What a simulated signal allows: the exact posterior of its orientation.

The forward model, its noise and the spread between grains are known here, as nowhere else. So
it can be said how probable each orientation is, and with it what any network could reach at
best. A grid of the fundamental zone is screened (`screen`), its best places are followed to the
modes of the posterior (`fit`), and samples about these are weighed (`importance`).

Densities are relative to the uniform one on the fundamental zone by Haar's measure.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.fit import (
    LABEL_STD_RAD,
    Modes,
    find_modes,
    mode_at_label,
    nearest_equivalent,
    turned,
)
from workflow.lib.simulation.forward import basis
from workflow.lib.simulation.importance import Samples, draw_samples
from workflow.lib.simulation.likelihood import Model
from workflow.lib.simulation.reflectance import FACET_AMPLITUDE, SPECIMENS, Specimen
from workflow.lib.simulation.screen import (
    Grid,
    find_starts,
    first_grain,
    non_negative,
    screen_grid,
)

LOG_ZONE_RAD3 = math.log(8 * math.pi**2 / 24)  # the zone's volume, with small turns in rad
SIGNALS_AT_ONCE = 16
LABEL_SHARE = 4  # a label's density takes so many times fewer samples than the posterior
CONSIDERED = 24  # of the weightiest samples, where the search for the best answer starts
IMPROVEMENTS = 10  # steps of that search
SEED = 20220112  # of the labels' noise
Q = tuple[Tensor, ...]


@dataclass(frozen=True)
class Settings:
    """candidates: kept of a signal. radius_deg: modes within it count together. starts: of the
    search for modes. samples: of a signal, to weigh them by."""

    candidates: int = 8
    radius_deg: float = 10.0
    starts: int = 12
    samples: int = 512


@dataclass(frozen=True)
class Posterior:
    """The posteriors of n signals, float64; k candidates, empty places NaN with probability 0.

    candidate_orientation (n, k, 4), candidate_probability (n, k), the heaviest first, and
    left_out_probability (n,) sum to 1. least_expected_orientation (n, 4): of the least expected
    misorientation. most_probable_orientation (n, 4): where the density is highest. Of the labels:
    log_density (n,), natural and relative to uniform, and level (n,), the smallest probability
    of a set, highest density first, that holds the label; the label's noise is in both.
    effective_samples (n,): by how many samples of equal weight the modes were weighed.
    """

    candidate_orientation: Tensor
    candidate_probability: Tensor
    left_out_probability: Tensor
    least_expected_orientation: Tensor
    most_probable_orientation: Tensor
    log_density: Tensor
    level: Tensor
    effective_samples: Tensor


def specimen_of_fold(fold: int) -> Specimen:
    """The settings of the simulated specimen that a fold tests on; InputError beyond the ten."""
    if not 1 <= fold <= len(SPECIMENS):
        raise InputError(
            f"fold {fold}: no such specimen is simulated, expected 1 to {len(SPECIMENS)}"
        )
    return SPECIMENS[fold - 1]


def posterior(
    signals: Tensor | np.ndarray,
    reference: Tensor | np.ndarray,
    specimen: Specimen,
    c: float = FACET_AMPLITUDE,
    settings: Settings | None = None,
    label: str = "posterior",
) -> Posterior:
    """The exact posterior of simulated signals of a known specimen and facet amplitude.

    signals: uint8 (n, 6, 72). reference: the labels, unit quaternions (n, 4). label: of the
    progress. A signal that says nothing, such as a constant one, has a broad posterior. Results
    depend neither on the number of threads nor on the other signals. Memory: about 400 MB and
    40 kB a signal. Raises InputError for signals and labels of another form.
    """
    settings = settings or Settings()
    signals, reference = torch.as_tensor(signals), torch.as_tensor(reference).double()
    _check(signals, reference, specimen, c)
    model = Model(specimen, c)
    grid = screen_grid(model, signals.device)
    counts = signals.flatten(1).to(model.dtype)
    chunks = -(-len(counts) // SIGNALS_AT_ONCE)

    def follow(done: Iterable[Q]) -> Iterable[Q]:
        return tracked(done, label, f"chunk of {SIGNALS_AT_ONCE} signal", chunks)

    work = partial(_some, model, grid, settings)
    with torch.no_grad():
        parts = share_out(work, SIGNALS_AT_ONCE, counts, reference, follow=follow)
    return Posterior(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _check(signals: Tensor, reference: Tensor, specimen: Specimen, c: float) -> None:
    if signals.dtype != torch.uint8 or signals.shape[1:] != (6, 72) or len(signals) == 0:
        raise InputError(
            f"signals: found {signals.dtype} {tuple(signals.shape)}, expected uint8 (n, 6, 72)"
        )
    if reference.shape != (len(signals), 4):
        raise InputError(
            f"labels: found {tuple(reference.shape)}, expected quaternions {(len(signals), 4)}"
        )
    if not (0 <= c <= 1 and specimen.noise > 0 and specimen.background > 0):
        raise InputError(
            f"facet amplitude {c}, noise {specimen.noise}, background {specimen.background}: "
            "expected 0 to 1, and more than 0"
        )


def _some(model: Model, grid: Grid, settings: Settings, counts: Tensor, reference: Tensor) -> Q:
    """The fields of `Posterior` for a few signals."""
    starts = find_starts(model, grid, counts, settings.starts)
    modes = find_modes(model, counts, starts)
    samples = draw_samples(model, counts, modes, settings.samples)
    shape = _shape(modes, samples)
    log_density = _label_density(model, counts, reference, samples, settings.samples)
    return (
        *_candidates(modes, samples, settings),
        _least_expected(samples.orientation, samples.weight),
        _peak(shape),
        log_density,
        _level(shape, samples, reference),
        samples.effective,
    )


def _candidates(modes: Modes, samples: Samples, settings: Settings) -> tuple[Tensor, Tensor, Tensor]:
    """Modes that lie within the radius of a heavier one count with it: their mean and weight."""
    n, m = modes.share.shape
    weight = torch.zeros_like(modes.share).scatter_add_(1, samples.mode, samples.weight)
    near = misorientation_deg(modes.orientation.unsqueeze(2), modes.orientation.unsqueeze(1))
    near = near <= settings.radius_deg
    group = torch.full((n, m), -1, device=weight.device)
    everyone = torch.arange(n, device=weight.device)
    for place in range(m):  # modes of a signal, at most as many as starts
        free = torch.where(group < 0, weight, -1)
        heaviest = free.argmax(-1)
        joins = near[everyone, heaviest] & (group < 0)
        group = torch.where(joins, place, group)
    probability = torch.zeros_like(weight).scatter_add_(1, group, weight)
    k = settings.candidates
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


def _least_expected(q: Tensor, weight: Tensor) -> Tensor:
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
class _Shape:
    """A mixture of normal distributions of turns about the modes, (n, m, …): the samples' own.

    precision: (n, m, 3, 3), label noise included; log_height: of each one's peak (n, m).
    """

    orientation: Tensor
    precision: Tensor
    log_height: Tensor


def _shape(modes: Modes, samples: Samples) -> _Shape:
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
    return _Shape(turned(modes.orientation, mean), precision, log_height)


def _peak(shape: _Shape) -> Tensor:
    best = shape.log_height.argmax(-1)
    return shape.orientation[torch.arange(len(best), device=best.device), best]


def _log_height(shape: _Shape, at: Tensor) -> Tensor:
    """Log density (n, a) of the mixture at orientations (n, a, 4), up to a constant."""
    turn = nearest_equivalent(at, shape.orientation)[0]
    distance = torch.einsum("nami,nmij,namj->nam", turn, shape.precision, turn)
    return (shape.log_height.unsqueeze(1) - 0.5 * distance).logsumexp(-1)


def _level(shape: _Shape, samples: Samples, reference: Tensor) -> Tensor:
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


def _label_density(
    model: Model, counts: Tensor, reference: Tensor, samples: Samples, count: int
) -> Tensor:
    """Log density (n,) of each label: how probable signal and label are, to the signal alone."""
    signal = basis(reference, model.c, model.dtype).signal
    columns = torch.cat((signal, torch.ones_like(signal[:, :1])), 1) * model.response(counts)
    products = torch.bmm(columns, counts.unsqueeze(-1)).squeeze(-1)
    found, _ = non_negative(torch.bmm(columns, columns.mT).movedim(0, -1), products.T)
    grain = first_grain(model, found.T.double())
    mode, label = mode_at_label(model, counts, reference, grain)
    joint = draw_samples(model, counts, mode, max(count // LABEL_SHARE, 2), label)
    normal = -1.5 * math.log(2 * math.pi * LABEL_STD_RAD**2)
    return joint.log_evidence - samples.log_evidence + normal + LOG_ZONE_RAD3
