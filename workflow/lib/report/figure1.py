"""Figure 1: histograms of misorientation. Colours and fonts: paper/style/figures.mplstyle."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from workflow.lib.evaluation.scores import Result, mean_of_medians
from workflow.lib.report.style.figures import finish, styled

BINS_DEG = np.linspace(0, 60, 21)  # as in the original: 20 bins from 0 to 60 degrees


def plot_histograms(
    results: Mapping[str, Result],
    titles: Mapping[str, str],
    simulated: bool,
    style: Path,
    paths: Sequence[Path],
) -> None:
    """Misorientations of two models side by side, medians as lines. titles: theirs, by name.

    Filled: plain; outlined: with TTA. Counts are averaged over seeds; the few angles
    between 60° and 62.8° are counted in the last bin.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 2.9), layout="constrained")
        panels = figure.subplots(1, len(titles), sharex=True, sharey=True)
        for axes, (network, title) in zip(panels, titles.items(), strict=True):
            result = results[network]
            for deg, name, look in (
                (result.plain_deg, "plain", {"fill": True, "alpha": 0.55, "color": "C0"}),
                (result.tta_deg, "TTA", {"color": "C1", "linewidth": 1.2}),
            ):
                counts, _ = np.histogram(deg.clip(max=BINS_DEG[-1]), BINS_DEG)
                axes.stairs(counts / len(deg), BINS_DEG, **look)
                median = mean_of_medians(deg)
                axes.axvline(
                    median, color=look["color"], ls="--", label=f"{name}, median {median:.2f}°"
                )
            axes.set_title(title)
            axes.set_xlabel("misorientation / °")
            axes.legend(loc="upper right")
        panels[0].set_ylabel("signals")
        panels[0].set_xlim(0, 60)
        finish(figure, simulated, paths)
