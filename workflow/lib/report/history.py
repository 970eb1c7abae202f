"""The histories of all trainings as one table."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd


def read_histories(models: Sequence[Path], histories: Sequence[Path]) -> tuple[pd.DataFrame, bool]:
    """Rows of every training.csv with network, fold, seed and whether it was the one chosen.

    Also returned: whether the data are simulated.
    """
    tables = []
    simulated = False
    for model, history in zip(models, histories, strict=True):
        description = json.loads(Path(model).read_text())
        simulated |= description["simulated"]
        table = pd.read_csv(history)
        table["selected"] = table["epoch"] == description["best_epoch"]
        for key in ("network", "fold", "seed"):
            table[key] = description[key]
        tables.append(table)
    return pd.concat(tables, ignore_index=True), simulated
