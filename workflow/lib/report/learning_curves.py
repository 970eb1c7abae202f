"""The learning curves of all trainings in epochs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from workflow.lib.report.style.figures import finish, styled
from workflow.lib.runtime.script import logger

MOST_CURVES = 4  # models whose learning curves fit beside each other


def read_histories(models: Sequence[Path], histories: Sequence[Path]) -> tuple[pd.DataFrame, bool]:
    """Rows of training.csv with network, fold, seed and whether it was the one chosen.

    network: the model's name. What was learnt at once, without a loss, has no history and no
    rows. Also returned: whether the data are simulated.
    """
    tables = []
    simulated = False
    for model, history in zip(models, histories, strict=True):
        description = json.loads(Path(model).read_text())
        simulated |= description["simulated"]
        table = pd.read_csv(history)
        table["selected"] = table["epoch"] == description["best_epoch"]
        table["network"] = description["name"]
        for key in ("fold", "seed"):
            table[key] = description[key]
        tables.append(table)
    rows = pd.concat(tables)
    return rows[rows["training_loss"].notna()].reset_index(drop=True), simulated


def plot_learning_curves(
    table: pd.DataFrame,
    titles: Mapping[str, str],
    compared: Sequence[str],
    simulated: bool,
    style: Path,
    paths: Sequence[Path],
) -> None:
    """Training loss and validation median over epochs, a line per fold and seed.

    A dot marks the epoch whose weights were kept. table: see `read_histories`. titles: of
    the models by name; those that are not in the table have no curves. Where there are more
    than MOST_CURVES, those compared alone are drawn, and the log says which are not.
    """
    drawn = learnt = [name for name in titles if (table["network"] == name).any()]
    if len(learnt) > MOST_CURVES:
        drawn = [name for name in learnt if name in compared]
        left_out = ", ".join(name for name in learnt if name not in drawn)
        logger.info("no room for the learning curves of %s", left_out)
    quantities = {
        "training_loss": "training loss",
        "validation_median_deg": "validation median / °",
    }
    with styled(style):
        figure = Figure(figsize=(6.6, 3.8), layout="constrained")
        if not drawn:
            figure.text(0.5, 0.5, "no model was trained in epochs", ha="center")
            finish(figure, simulated, paths)
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
        finish(figure, simulated, paths)
