"""What several answers need to know beforehand, from validation signals: temperature, bandwidth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from workflow.lib.inference.support import (
    KINDS,
    SIGNALS_PER_BATCH,
    Settings,
    drawn,
    log_density,
    merged,
    seeds_of,
    support,
)
from workflow.lib.models.task import Task, WritingTask
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out

BANDWIDTHS_DEG = (0.7, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0)
TEMPERATURES = tuple(sorted((2.0 ** (k / 8) for k in range(-16, 17)), key=lambda t: abs(np.log(t))))
SIGNALS_USED = {"writes": 100, "answers": 300}  # at most; to write 576 answers of each takes long
LEAST_SHARE = 1e-3  # a label that nothing comes near is no more surprising than so


@dataclass(frozen=True)
class Fitted:
    """By kind of distribution (`support.KINDS`).

    temperature: of the symbols, if the class writes, and the same for all kinds; of the candidates'
    probabilities otherwise. bandwidth_deg: of the kernel density, NaN where the density is exact.
    """

    temperature: dict[str, float]
    bandwidth_deg: dict[str, float]


@torch.inference_mode()
def fit(
    task: Task, signals: Tensor, orientation: Tensor, settings: Settings, label: str = ""
) -> Fitted:
    """Fit to validation signals (n, 6, 72) with their orientations (n, 4).

    Bandwidths have the highest mean log density at the labels. Temperatures of candidates have the
    least log loss of which of them lie within the radius of the label. Both use at most
    SIGNALS_USED of the signals, chosen by the seed.
    """
    task.network.eval()
    writes = isinstance(task, WritingTask)
    symbols = task.fit_temperature(signals, orientation) if writes else 1.0
    most = SIGNALS_USED["writes" if writes else "answers"]
    random = np.random.default_rng(settings.seed)
    chosen = torch.from_numpy(np.sort(random.permutation(len(signals))[:most])).to(signals.device)
    size = SIGNALS_PER_BATCH[signals.device.type]
    seeds = seeds_of(len(chosen), settings.seed + 1, signals.device)  # not those of the test

    def of_all(work: Callable, what: str) -> list[dict[str, Tensor]]:
        return share_out(
            work, size, signals[chosen], seeds, orientation[chosen],
            follow=partial(
                tracked, label=f"{label}, {what}", unit="batch", total=-(-len(chosen) // size)
            ),
        )  # fmt: skip

    densities = of_all(partial(_log_densities, task, settings, symbols), "bandwidth")
    bandwidth = {kind: _best_bandwidth([part[kind] for part in densities]) for kind in KINDS}
    if writes:
        bandwidth["one_view"] = float("nan")
        return Fitted(dict.fromkeys(KINDS, symbols), bandwidth)
    candidates = of_all(partial(_candidates, task, settings, bandwidth), "temperature")
    temperature = {kind: _best_temperature([part[kind] for part in candidates]) for kind in KINDS}
    return Fitted(temperature, bandwidth)


def tempered(probability: Tensor, left_out: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Candidates' probabilities (n, k), and what is left out (n,), to the power 1/T, of sum 1."""
    every = torch.cat((probability, left_out[:, None]), 1) ** (1 / temperature)
    every = every / every.sum(1, keepdim=True)
    return every[:, :-1], every[:, -1]


def _log_densities(
    task: Task, settings: Settings, temperature: float,
    signals: Tensor, seeds: Tensor, orientation: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    """By kind, the log density at the labels for each bandwidth, (n, bandwidths)."""
    one, views = drawn(task, signals, seeds, settings, temperature)
    return {
        kind: torch.cat(
            [
                log_density(orientation[:, None], support(kind, one, views, deg), deg)
                for deg in BANDWIDTHS_DEG
            ],
            1,
        )
        for kind in KINDS
    }


def _best_bandwidth(parts: list[Tensor]) -> float:
    return BANDWIDTHS_DEG[int(torch.cat(parts).mean(0).argmax())]


def _candidates(
    task: Task, settings: Settings, bandwidth: dict[str, float],
    signals: Tensor, seeds: Tensor, orientation: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    """By kind, candidates' probabilities, those left out, and which are right: (n, 2, k + 1).

    Right is the heaviest within the radius; where there is none, what is left out is.
    """
    one, views = drawn(task, signals, seeds, settings, 1.0)
    found = {}
    for kind in KINDS:
        clusters = merged(support(kind, one, views, bandwidth[kind]), settings)
        angle = misorientation_deg(clusters.orientation, orientation[:, None])
        right = angle <= settings.radius_deg
        right &= right.cumsum(1) == 1  # lighter ones leave out what it has gathered
        right = torch.cat((right, ~right.any(1, keepdim=True)), 1)
        every = torch.cat((clusters.probability, clusters.left_out[:, None]), 1)
        found[kind] = torch.stack((every, right.to(every)), 1)
    return found


def _best_temperature(parts: list[Tensor]) -> float:
    every, right = torch.cat(parts).unbind(1)

    def loss(temperature: float) -> float:
        probability, left_out = tempered(every[:, :-1], every[:, -1], temperature)
        given = (torch.cat((probability, left_out[:, None]), 1) * right).sum(1)
        return -given.clamp(min=LEAST_SHARE).log().mean().item()

    losses = [loss(temperature) for temperature in TEMPERATURES]
    # the first that is as good as any: the nearest to 1
    return next(
        temperature
        for temperature, found in zip(TEMPERATURES, losses, strict=True)
        if found <= min(losses) + 1e-9
    )
