"""Test-time augmentation with fewer than all 72 rolls: what v views decide, and what they cost.

The views of a signal are evenly spaced, 72/v rolls apart, and the first is the signal as it is.
Letters: n signals, v views, m draws, d decisions.
"""

import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from workflow.lib.inference.support import (
    SIGNALS_PER_BATCH,
    Settings,
    merged,
    seeds_of,
    support,
)
from workflow.lib.models.task import Draws, Task, WritingTask, turn_back
from workflow.lib.networks.writer import Writer
from workflow.lib.orientation import (
    MAX_MISORIENTATION_DEG,
    canonical_sign,
    least_expected,
    medoid,
    misorientation_deg,
    symmetric_mean,
)
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out
from workflow.lib.signals.rolls import AZIMUTHS, standardise

VIEWS = (1, 2, 3, 4, 6, 8, 9, 12, 18, 24, 36, 72)  # all divisors of 72
DECISIONS = ("medoid", "symmetric_mean", "least_expected")
"""Of the views' answers the medoid, or the mean of their equivalents that are nearest to it; of
answers drawn to all views, the orientation of least expected misorientation. Of two answers both
are as near to the other, and the medoid is the first: that of one view."""

TIMED_SIGNALS = 64  # at most
TIMED_RUNS = 2  # the quicker one counts
_STARTS = 3  # candidates from which the least expected misorientation is sought, as for 72 views


def rolls_of(views: int) -> Tensor:
    """The rolls (v,) of so many views: 0, 72/v, 2 · 72/v …"""
    return torch.arange(0, AZIMUTHS, AZIMUTHS // views)


def draws_of(views: int, settings: Settings) -> int:
    """How many answers are drawn to each of so many views.

    `draws_per_view`, as to each of 72, but `draws` to all together at least, as to one: a decision
    from few views is not to suffer from few draws.
    """
    return max(settings.draws_per_view, -(-settings.draws // views))


def fitted_temperature(task: Task, signals: Tensor, orientation: Tensor) -> float:
    """That of the draws, fitted to validation signals (n, 6, 72) and their orientations (n, 4)."""
    task.network.eval()
    return task.fit_temperature(signals, orientation) if isinstance(task, WritingTask) else 1.0


@torch.inference_mode()
def decide_from_views(
    task: Task, signals: Tensor, settings: Settings, temperature: float, label: str = ""
) -> Tensor:
    """Orientations (n, VIEWS, DECISIONS, 4), float64, of signals (n, 6, 72) uint8.

    All 72 rolls are answered once, and each number of views takes those that it has. NaN where none
    of them has an answer. Raises InputError for a class that answers the same in all rolls.
    """
    task.network.eval()
    seeds = seeds_of(len(signals), settings.seed, signals.device)
    size = SIGNALS_PER_BATCH[signals.device.type]
    shown = partial(tracked, label=label, unit="batch", total=-(-len(signals) // size))
    work = partial(_decided, task, settings, temperature)
    return torch.cat(share_out(work, size, signals, seeds, follow=shown))


def errors_deg(decided: Tensor, reference: Tensor) -> np.ndarray:
    """Misorientations (n, VIEWS, DECISIONS) in degrees from reference (n, 4).

    No answer counts as the worst one, 62.8°.
    """
    angle = misorientation_deg(decided, reference[:, None, None])
    return angle.nan_to_num(nan=MAX_MISORIENTATION_DEG).cpu().numpy()


@torch.inference_mode()
def costs_ms(task: Task, signals: Tensor, settings: Settings, temperature: float) -> np.ndarray:
    """Milliseconds of one CPU core for a signal, (VIEWS, DECISIONS), measured on a few signals.

    That number of views alone is answered and decided. The time is the core's own, which other
    programs do not change, in batches, and the quicker of two runs. The medoid and the mean take
    the views' answers, the third decision its draws. What is timed for the answers is
    `answers_in`.
    """
    task.network.eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the thread's own time is then all there is
    try:
        return np.array([_costs_ms(task, signals, settings, temperature, v) for v in VIEWS])
    finally:
        torch.set_num_threads(threads)


def answers_in(task: Task, signals: Tensor, rolls: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor]:
    """Answers (n, v, 4) in these rolls (n, v) alone, and whether each is one (n, v).

    All rolls share the convolutions, as in `Task.predict_rolls`. Of a class that writes they are
    the same answers as there; of others one draw to each roll, which a regression's answer is, and
    which stands for the maximum of a density. An ensemble's v are those of all of its members.
    """
    network = task.network
    if isinstance(network, Writer):
        codes = network.codes_of_rolls(standardise(signals), rolls)
        answer, valid = network.tokenizer.decode(network.write(codes.flatten(0, 1)))
        return turn_back(answer.view(*rolls.shape, 4), rolls), valid.view(rolls.shape)
    answer = task.draw(signals, rolls, 1, seeds, 1.0).orientation.flatten(1, 2)
    return answer, answer.isfinite().all(-1)


def _decided(
    task: Task, settings: Settings, temperature: float, signals: Tensor, seeds: Tensor
) -> Tensor:
    answer, valid = (
        of_rolls.unflatten(1, (-1, AZIMUTHS))  # an ensemble has all rolls of each member
        for of_rolls in task.predict_rolls(signals)
    )
    drawn = _drawn(task, settings, temperature, signals, seeds)
    of_views = []
    for views in VIEWS:
        rolls, count = rolls_of(views), draws_of(views, settings)
        of_rolls = answer[:, :, rolls].flatten(1, 2), valid[:, :, rolls].flatten(1, 2)
        middle = medoid(*of_rolls)
        mean = _mean(*of_rolls, middle)
        draws = torch.cat([drawn[roll][:, :count] for roll in rolls.tolist()], 1)
        of_views.append(torch.stack((middle, mean, _least(draws, settings)), 1))
    return canonical_sign(torch.stack(of_views, 1).double())


def _drawn(
    task: Task, settings: Settings, temperature: float, signals: Tensor, seeds: Tensor
) -> dict[int, Tensor]:
    """By roll, draws (n, m, 4), as many as the smallest number of views with this roll takes."""
    found: dict[int, Tensor] = {}
    for views in VIEWS:
        new = [roll for roll in rolls_of(views).tolist() if roll not in found]
        rolls = torch.tensor(new, device=signals.device).expand(len(signals), -1)
        draws = task.draw(signals, rolls, draws_of(views, settings), seeds, temperature).orientation
        if draws.shape[1] != len(new):
            raise InputError(
                "config key views.models: found a model that answers the same in all rolls of a "
                "signal, expected models to which they make a difference: leave it out"
            )
        found |= zip(new, draws.unbind(1), strict=True)
    return found


def _mean(answer: Tensor, valid: Tensor, near: Tensor) -> Tensor:
    return symmetric_mean(answer, valid.to(answer), near)


def _least(draws: Tensor, settings: Settings) -> Tensor:
    """As the mixture of 72 views is decided in `several`, of draws (n, m, 4)."""
    drawn = Draws(draws[:, None])
    points = support("mixture", drawn, drawn, math.nan)
    starts = merged(points, settings).orientation[:, :_STARTS]
    # float32: to a hundred-thousandth of a degree, in half the time
    least = least_expected(points.orientation.float(), points.weights.float(), starts.float())
    least = least.double()
    return least / least.norm(dim=-1, keepdim=True)


def _costs_ms(
    task: Task, signals: Tensor, settings: Settings, temperature: float, views: int
) -> list[float]:
    few = signals[:TIMED_SIGNALS]
    size = SIGNALS_PER_BATCH[few.device.type]
    batches = [
        (batch, rolls_of(views).to(batch.device).expand(len(batch), -1), seeds)
        for batch, seeds in zip(
            few.split(size), seeds_of(len(few), settings.seed, few.device).split(size), strict=True
        )
    ]
    count = draws_of(views, settings)

    def draw(batch: Tensor, rolls: Tensor, seeds: Tensor) -> tuple[Tensor, Settings]:
        found = task.draw(batch, rolls, count, seeds, temperature).orientation
        return found.flatten(1, 2), settings

    answering, answers = _timed(partial(answers_in, task), batches)
    voting, medoids = _timed(medoid, answers)
    of_medoids = [(*answer, near) for answer, near in zip(answers, medoids, strict=True)]
    averaging, _ = _timed(_mean, of_medoids)
    drawing, draws = _timed(draw, batches)
    deciding, _ = _timed(_least, draws)
    seconds = (answering + voting, answering + voting + averaging, drawing + deciding)
    return [1e3 * second / len(few) for second in seconds]


def _timed(work: Callable, batches: list[tuple]) -> tuple[float, list]:
    """Seconds of this thread for the quickest run through all batches, and what it made of them."""
    taken = []
    for _ in range(TIMED_RUNS):
        begin = time.thread_time()
        found = [work(*batch) for batch in batches]
        taken.append(time.thread_time() - begin)
    return min(taken), found
