"""The picture of one ambiguous grain: its signal, its two answers, and what each explains."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.lib.report.ambiguous_grain import Answer, Grain
from workflow.lib.report.signals import draw_signal, mark_ridges, ridge_azimuths_deg
from workflow.lib.report.style.figures import finish, styled
from workflow.lib.report.style.unit_cell import draw_azimuths, draw_unit_cell
from workflow.lib.simulation.reflectance import BENCHMARK

SIZE_IN = (6.6, 4.2)
NAMES = ("first answer", "second answer")
ROWS = ("first", "second", "others")
EXPLAINED = "explained by it"
ASSUMED = f"modelled by {BENCHMARK}\n(an assumption)"
NO_GRAIN = "no test signal has a second answer"
NETWORK = {"facecolor": "0.35", "edgecolor": "0.1"}
EXACT = {"facecolor": "white", "edgecolor": "0.1", "hatch": "/////"}


def plot_grain(
    grain: Grain | None, title: str, simulated: bool, style: Path, paths: Sequence[Path]
) -> None:
    """Write the picture to each of `paths`; the suffix is the format.

    title: of the model whose answers these are. Above: how probable they are, and each as a cube
    seen along the specimen normal, both at one scale. Below: the recorded signal, and the signals
    that the answers explain, on one scale of colours. A dot marks the answer nearer to the label.
    Without a grain the picture says so.
    """
    with styled(style):
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        if grain is None:
            figure.text(0.5, 0.5, NO_GRAIN, ha="center")
        else:
            _draw(figure, grain, title)
        finish(figure, simulated, paths)


def _draw(figure: Figure, grain: Grain, title: str) -> None:
    figure.get_layout_engine().set(hspace=0.04, wspace=0.03)
    upper, lower = figure.subplots(2, 3, height_ratios=(2.0, 1.0))
    _draw_probabilities(upper[0], grain, title)
    highest = int(grain.signal.max())
    image = draw_signal(lower[0], grain.signal, highest)
    _set_heading(lower[0], "recorded")
    lower[0].set_ylabel("elevation / °")
    for place, answer in enumerate(grain.answers):
        _draw_answer(upper[1 + place], answer, NAMES[place], place == grain.nearest)
        panel = lower[1 + place]
        draw_signal(panel, answer.modelled, highest)
        mark_ridges(panel, answer.orientation)
        panel.tick_params(labelleft=False)
        source = EXPLAINED if grain.simulated else ASSUMED
        _set_heading(panel, f"{source}, $r$ = {answer.correlation:.3f}")
    lower[1].set_xlabel("azimuth of the light / °")
    figure.colorbar(image, ax=lower, label="counts", aspect=12, pad=0.015)


def _set_heading(axes: Axes, text: str) -> None:
    """Above the triangles of a panel."""
    axes.set_title(text, loc="left", fontsize=8, pad=9)


def _draw_probabilities(axes: Axes, grain: Grain, title: str) -> None:
    """Bars of both answers and of all else: the model's, and the exact ones if they are known."""
    exact = [answer.exact_probability for answer in grain.answers]
    series = [(title, [answer.probability for answer in grain.answers], NETWORK)]
    if None not in exact:
        series.append(("exact posterior", exact, EXACT))
    thickness = 0.7 / len(series)
    for i, (label, values, look) in enumerate(series):
        values = np.array([*values, 1 - sum(values)]).clip(0, 1)
        places = np.arange(3) + (i + 0.5) * thickness - 0.35
        axes.barh(places, values, 0.88 * thickness, label=label, lw=0.7, **look)
        for place, value in zip(places, values, strict=True):
            axes.text(value + 0.03, place, f"{value:.2f}", va="center_baseline", fontsize=7)
    axes.set_yticks(range(3), labels=ROWS)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(2.5, -0.5)
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    axes.set_xlabel("probability")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, borderaxespad=0.4)


def _draw_answer(axes: Axes, answer: Answer, name: str, nearest: bool) -> None:
    """An answer as a cube, its probability above, its distance from the label below."""
    draw_unit_cell(axes, answer.orientation)
    draw_azimuths(axes, ridge_azimuths_deg(answer.orientation))
    axes.set_title(f"{name}: {answer.probability:.2f}", pad=2)
    distance = f"{answer.misorientation_deg:.1f}° from the label"
    axes.set_xlabel(f"● {distance}" if nearest else distance, fontsize=8, labelpad=0)
