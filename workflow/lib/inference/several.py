"""Several answers to each signal with their probabilities, and the decisions that they allow.

Letters: n signals, v views (rolls), m draws of a view, k candidates.
"""

from functools import partial

import torch
from torch import Tensor

from workflow.lib.inference.fitted import Fitted, tempered
from workflow.lib.inference.levels import level
from workflow.lib.inference.plain import predict_plain
from workflow.lib.inference.predictions import Distribution
from workflow.lib.inference.support import (
    KINDS,
    SIGNALS_PER_BATCH,
    Settings,
    Support,
    drawn,
    log_density,
    merged,
    no_rolls,
    seeds_of,
    support,
)
from workflow.lib.inference.tta import predict_tta
from workflow.lib.models.task import Task, WritingTask, all_rolls
from workflow.lib.orientation import canonical_sign, least_expected
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.threads import share_out

_STARTS = 3  # candidates from which the least expected misorientation is sought


@torch.inference_mode()
def several(
    task: Task,
    signals: Tensor,
    reference: Tensor,
    settings: Settings,
    fitted: Fitted,
    label: str = "",
) -> dict[str, Distribution]:
    """The distribution of each kind for signals (n, 6, 72) uint8, judged at reference (n, 4).

    fitted: what `fit` found on validation signals. Memory is bounded but for the result, and
    neither chunks nor threads change it.
    """
    task.network.eval()
    plain, _ = predict_plain(task, signals)
    voted, _ = predict_tta(task, signals, f"{label} with TTA")
    seeds = seeds_of(len(signals), settings.seed, signals.device)
    size = SIGNALS_PER_BATCH[signals.device.type]
    shown = partial(
        tracked, label=f"{label}, several answers", unit="batch", total=-(-len(signals) // size)
    )
    work = partial(_of_batch, task, settings, fitted)
    parts = share_out(work, size, signals, seeds, reference, plain, voted, follow=shown)
    return {
        kind: _joined(
            [part[kind] for part in parts], fitted.temperature[kind], fitted.bandwidth_deg[kind]
        )
        for kind in KINDS
    }


def _joined(
    parts: list[dict[str, Tensor]], temperature: float, bandwidth_deg: float
) -> Distribution:
    arrays = {}
    for name in parts[0]:
        whole = torch.cat([part[name] for part in parts]).double()
        is_orientation = name.endswith("orientation")
        arrays[name] = (canonical_sign(whole) if is_orientation else whole).cpu().numpy()
    return Distribution(**arrays, temperature=temperature, bandwidth_deg=bandwidth_deg)


def _of_batch(
    task: Task, settings: Settings, fitted: Fitted,
    signals: Tensor, seeds: Tensor, reference: Tensor, plain: Tensor, voted: Tensor,
) -> dict[str, dict[str, Tensor]]:  # fmt: skip
    """By kind the arrays of a `Distribution`."""
    temperature = fitted.temperature["one_view"] if isinstance(task, WritingTask) else 1.0
    found = _judged(task, settings, fitted, temperature, signals, seeds, reference)
    before = found
    if temperature != 1:
        before = _judged(task, settings, fitted, 1.0, signals, seeds, reference)
    most = _most_probable(task, settings, signals)
    arrays = {}
    for kind in KINDS:
        points, judged = found[kind]
        answer = plain if kind == "one_view" else voted
        decisions = _decisions(points, judged["candidate_orientation"], answer)
        if most is None:
            decisions["most_probable_orientation"] = _densest(points, fitted.bandwidth_deg[kind])
        else:
            decisions["most_probable_orientation"] = most[kind]
        arrays[kind] = {f"before_{name}": array for name, array in before[kind][1].items()}
        arrays[kind] |= judged | decisions
        if most is None:
            share, left_out = judged["candidate_probability"], judged["left_out_probability"]
            share, left_out = tempered(share, left_out, fitted.temperature[kind])
            arrays[kind] |= {"candidate_probability": share, "left_out_probability": left_out}
    return arrays


def _judged(
    task: Task, settings: Settings, fitted: Fitted, temperature: float,
    signals: Tensor, seeds: Tensor, reference: Tensor,
) -> dict[str, tuple[Support, dict[str, Tensor]]]:  # fmt: skip
    """By kind the weighted orientations, their candidates, and how likely the reference is."""
    one, views = drawn(task, signals, seeds, settings, temperature)
    found = {}
    for kind in KINDS:
        bandwidth = fitted.bandwidth_deg[kind]
        points = support(kind, one, views, bandwidth)
        candidates = merged(points, settings)
        arrays = {
            "candidate_orientation": candidates.orientation,
            "candidate_probability": candidates.probability,
            "left_out_probability": candidates.left_out,
        }
        if kind == "one_view" and isinstance(task, WritingTask):
            asked = signals, no_rolls(signals), reference[:, None], temperature
            arrays["log_density"] = task.log_density(*asked)[:, 0, 0]
            more_probable = one.log_probability > task.log_probability(*asked)
            arrays["level"] = more_probable.double().mean((1, 2))
        else:
            arrays["log_density"] = log_density(reference[:, None], points, bandwidth)[:, 0]
            arrays["level"] = level(reference, points, bandwidth)
        found[kind] = points, arrays
    return found


def _decisions(points: Support, candidates: Tensor, answer: Tensor) -> dict[str, Tensor]:
    # float32: to a hundred-thousandth of a degree, in half the time
    least = least_expected(
        points.orientation.float(), points.weights.float(), candidates[:, :_STARTS].float()
    ).double()
    return {
        "heaviest_orientation": candidates[:, 0],
        "least_expected_orientation": least / least.norm(dim=-1, keepdim=True),
        "medoid_orientation": answer,
    }


def _most_probable(task: Task, settings: Settings, signals: Tensor) -> dict[str, Tensor] | None:
    """By kind the most probable sequence's orientation (n, 4); None of a class that writes none.

    Of all views it is, of each view's, the one that is most probable in its own view.
    """
    if not isinstance(task, WritingTask):
        return None
    one = task.most_probable(signals, no_rolls(signals), settings.beam_width)
    views = task.most_probable(signals, all_rolls(signals), 1)
    best = views.log_probability[..., 0].nan_to_num(-torch.inf).argmax(1)
    of_views = views.orientation[torch.arange(len(signals), device=signals.device), best, 0]
    return {"one_view": one.orientation[:, 0, 0], "mixture": of_views, "product": of_views}


def _densest(points: Support, bandwidth_deg: float) -> Tensor:
    """The point (n, 4) at which the kernel density is highest, NaN where no point is valid."""
    density = log_density(points.orientation, points, bandwidth_deg)
    best = torch.where(points.weights > 0, density, -torch.inf).argmax(1)
    return points.orientation[torch.arange(len(best), device=best.device), best]
