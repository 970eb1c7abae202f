"""Figure 1 and the learning curves. Colours and fonts are in paper/style/figures.mplstyle."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from workflow.lib.evaluation.scores import Result, mean_of_medians
from workflow.lib.report.style.figures import save, styled
from workflow.lib.report.style.notice import NOTE_COLOUR, SIMULATED_NOTE
from workflow.lib.runtime.script import logger

BINS_DEG = np.linspace(0, 60, 21)  # as in the original: 20 bins from 0 to 60 degrees
MOST_CURVES = 4  # models whose learning curves fit beside each other


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
        _finish(figure, simulated, paths)


def plot_learning_curves(
    table: pd.DataFrame,
    titles: Mapping[str, str],
    simulated: bool,
    style: Path,
    paths: Sequence[Path],
) -> None:
    """Training loss and validation median over epochs, a line per fold and seed.

    A dot marks the epoch whose weights were kept. table: see `history.read_histories`. titles: of
    the models by name; those that are not in the table have no curves. The first MOST_CURVES of
    the others are drawn, and the log says which are not.
    """
    learnt = [name for name in titles if (table["network"] == name).any()]
    drawn = learnt[:MOST_CURVES]
    if drawn != learnt:
        logger.info("no room for the learning curves of %s", ", ".join(learnt[MOST_CURVES:]))
    quantities = {
        "training_loss": "training loss",
        "validation_median_deg": "validation median / °",
    }
    with styled(style):
        figure = Figure(figsize=(6.6, 3.8), layout="constrained")
        if not drawn:
            figure.text(0.5, 0.5, "no model was trained in epochs", ha="center")
            _finish(figure, simulated, paths)
            return
        panels = figure.subplots(2, len(drawn), sharex="col", squeeze=False)
        for column, network in enumerate(drawn):
            rows = table[table["network"] == network]
            rows = rows.assign(training=rows["fold"].astype(str) + "/" + rows["seed"].astype(str))
            for axes, (quantity, label) in zip(panels[:, column], quantities.items(), strict=True):
                sns.lineplot(
                    rows,
                    x="epoch",
                    y=quantity,
                    units="training",
                    estimator=None,
                    color=f"C{column}",
                    ax=axes,
                )
                kept = rows[rows["selected"]]
                axes.plot(kept["epoch"], kept[quantity], "o", ms=4, color="0.2")
                axes.set_ylabel(label)
            panels[0, column].set_title(titles[network])
            panels[1, column].set_xlabel("epoch")
        highest = max(axes.get_ylim()[1] for axes in panels[1])
        for axes in panels[1]:
            axes.set_ylim(0, highest)
        _finish(figure, simulated, paths)


def _finish(figure: Figure, simulated: bool, paths: Sequence[Path]) -> None:
    if simulated:
        figure.suptitle(SIMULATED_NOTE, color=NOTE_COLOUR, fontsize=9, fontweight="bold")
    save(figure, paths)
