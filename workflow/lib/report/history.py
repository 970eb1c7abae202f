"""The histories of all trainings in epochs as one table."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd


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
