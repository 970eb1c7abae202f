"""What a simulated signal allows: the exact posterior of its orientation.

The forward model, its noise and the spread between grains are known here, as nowhere else. So
it can be said how probable each orientation is, and with it what any network could reach at
best. A grid of the fundamental zone is screened (`screen`), its best places are followed to the
modes of the posterior (`fit`), and samples about these are weighed (`importance`) by how probable
the signal is at an orientation, whatever the rest of its grain (`marginal`).

Densities are relative to the uniform one on the fundamental zone by Haar's measure.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from workflow.lib.orientation import cluster, least_expected
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.answers import LABEL_STD_RAD, level, peak, shape_of
from workflow.lib.simulation.fit import find_modes, nearest_turn
from workflow.lib.simulation.importance import (
    Samples,
    Target,
    about_modes,
    draw_samples,
    mixture,
    thinned,
)
from workflow.lib.simulation.likelihood import Model
from workflow.lib.simulation.marginal import log_evidence
from workflow.lib.simulation.reflectance import FACET_AMPLITUDE, SPECIMENS, Specimen
from workflow.lib.simulation.screen import Grid, find_starts, screen_grid

LOG_ZONE_RAD3 = math.log(8 * math.pi**2 / 24)  # the zone's volume, with small turns in rad
SIGNALS_AT_ONCE = 8
ANSWERED_BY = 256  # samples: the search compares each with each
LABEL_SHARE = 6  # a label's density takes so many times fewer samples than the posterior
Q = tuple[Tensor, ...]


@dataclass(frozen=True)
class Settings:
    """candidates: kept of a signal. radius_deg: samples within it count together. starts: of the
    search for modes. samples: of a signal, to weigh them by."""

    candidates: int = 8
    radius_deg: float = 10.0
    starts: int = 12
    samples: int = 384


@dataclass(frozen=True)
class Posterior:
    """The posteriors of n signals, float64; k candidates, empty places NaN with probability 0.

    candidate_orientation (n, k, 4), candidate_probability (n, k), the heaviest first, and
    left_out_probability (n,) sum to 1. least_expected_orientation (n, 4): of the least expected
    misorientation. most_probable_orientation (n, 4): where the density is highest. Of the labels:
    log_density (n,), natural and relative to uniform, and level (n,), the smallest probability
    of a set, highest density first, that holds the label; the label's noise is in both.
    effective_samples (n,): how many samples of equal weight it rests on.
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
    do not depend on the number of threads, nor on the other signals but for rounding, which may
    let a fit end a step earlier. Memory: up to 700 MB and 40 kB a signal. Raises InputError for
    signals and labels of another form.
    """
    settings = settings or Settings()
    signals, reference = torch.as_tensor(signals), torch.as_tensor(reference).double()
    _check(signals, reference, specimen, c)
    model = Model(specimen, c)
    grid = screen_grid(model, signals.device)
    counts = signals.flatten(1).to(model.dtype)
    chunks = -(-len(counts) // SIGNALS_AT_ONCE)

    def follow(done: Iterable[Q]) -> Iterable[Q]:
        return tracked(done, label, "chunk", chunks)

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

    def target(rows: Tensor, orientation: Tensor) -> Tensor:
        return log_evidence(model, counts[rows], orientation)

    samples = draw_samples(target, about_modes(modes), settings.samples)
    shape = shape_of(modes, samples)
    log_density = _label_density(target, reference, samples, settings.samples)
    few = thinned(samples, ANSWERED_BY)
    found = cluster(samples.orientation, samples.weight, settings.radius_deg, settings.candidates)
    return (
        *vars(found).values(),
        least_expected(few.orientation, few.weight),
        peak(shape),
        log_density,
        level(shape, samples, reference),
        samples.effective,
    )


def _label_density(target: Target, label: Tensor, samples: Samples, count: int) -> Tensor:
    """Log density (n,) of each label: how probable signal and label are, to the signal alone.

    The label is the truth, turned by a normal vector of `LABEL_STD_RAD`.
    """
    variance = LABEL_STD_RAD**2
    normal = -1.5 * math.log(2 * math.pi * variance)

    def both(rows: Tensor, orientation: Tensor) -> Tensor:
        turn = nearest_turn(label[rows].unsqueeze(1), orientation)
        off = turn.square().sum((-2, -1)) / (2 * variance)
        return target(rows, orientation) - off + normal

    covariance = variance * torch.eye(3).to(label).expand(len(label), 1, 3, 3)
    about = mixture(label.unsqueeze(1), covariance, torch.ones_like(label[:, :1]))
    joint = draw_samples(both, about, max(count // LABEL_SHARE, 2))
    return joint.log_evidence - samples.log_evidence + LOG_ZONE_RAD3
