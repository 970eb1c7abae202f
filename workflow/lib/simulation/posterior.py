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

from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.answers import grouped, least_expected, level, peak, shape_of
from workflow.lib.simulation.fit import (
    LABEL_STD_RAD,
    find_modes,
    mode_at_label,
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
SIGNALS_AT_ONCE = 4
LABEL_SHARE = 4  # a label's density takes so many times fewer samples than the posterior
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
    depend neither on the number of threads nor on the other signals. Memory: up to 1 GB and
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
    shape = shape_of(modes, samples)
    log_density = _label_density(model, counts, reference, samples, settings.samples)
    return (
        *grouped(modes, samples, settings.candidates, settings.radius_deg),
        least_expected(samples.orientation, samples.weight),
        peak(shape),
        log_density,
        level(shape, samples, reference),
        samples.effective,
    )


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
