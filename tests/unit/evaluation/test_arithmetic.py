"""Errors by arithmetic, from trainings whose numbers are chosen here."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.evaluation.arithmetic import (
    COLUMNS,
    NEEDED,
    STATISTICS,
    arithmetic_table,
)
from workflow.lib.evaluation.record import read_table
from workflow.lib.runtime.files import InputError

# network, fold, seed, tflop, median; the other statistics are one more each
TRAININGS = [
    ("double", 1, 1, 20.0, 2.0), ("base", 1, 1, 10.0, 3.0), ("base", 1, 2, 10.5, 5.0),
    ("base", 1, 3, 9.5, 4.0), ("base", 2, 1, 10.0, 90.0), ("half", 1, 1, 5.0, 6.0),
    ("half", 1, 2, 5.0, 7.0), ("alone", 1, 1, 10.0, 1.0), ("single", 1, 1, 3.0, 8.0),
    ("single_half", 1, 1, 1.5, 9.0), ("elsewhere", 2, 1, 1.0, 9.0),
]  # fmt: skip
MODELS = pd.DataFrame(
    [
        ("base", ""), ("double", "base"), ("half", "base"), ("alone", ""), ("single", np.nan),
        ("single_half", "single"), ("elsewhere", "single"),
    ],
    columns=["network", "base"],
)  # fmt: skip
CONTROLS = pd.DataFrame(
    [
        (name, statistic, 7.5, 8.5)
        for name in ("base", "alone", "single")
        for statistic in STATISTICS
    ],
    columns=["network", "statistic", "low", "high"],
)


def trainings() -> pd.DataFrame:
    rows = [
        (*keys, *(median + place for place in range(len(STATISTICS))), True)
        for *keys, median in TRAININGS
    ]
    return pd.DataFrame(rows, columns=[*NEEDED["trainings"], "simulated"])


def of(table: pd.DataFrame, network: str, statistic: str = "median_deg") -> pd.Series:
    (row,) = (
        row
        for _, row in table.iterrows()
        if (row["network"], row["statistic"]) == (network, statistic)
    )
    return row


def test_budgets_are_in_order_below_the_model_that_they_vary():
    table = arithmetic_table(trainings(), MODELS, CONTROLS, fold=1)
    assert list(table) == COLUMNS
    first = table[table["statistic"] == "median_deg"]
    assert first[["base", "network", "tflop", "seeds"]].to_numpy().tolist() == [
        ["base", "half", 5.0, 2],
        ["base", "base", 10.0, 3],
        ["base", "double", 20.0, 1],
        ["single", "single_half", 1.5, 1],
        ["single", "single", 3.0, 1],
    ]
    assert len(table) == 5 * len(STATISTICS)
    assert table["simulated"].all()


def test_values_are_means_over_seeds_between_the_least_and_the_greatest():
    table = arithmetic_table(trainings(), MODELS, CONTROLS, fold=1)
    assert of(table, "base")[["value", "low", "high"]].to_list() == [4.0, 3.0, 5.0]
    assert of(table, "base", "tta_mean_deg")[["value", "low", "high"]].to_list() == [7.0, 6.0, 8.0]
    assert of(table, "half")[["value", "low", "high"]].to_list() == [6.5, 6.0, 7.0]


def test_of_one_seed_the_interval_is_that_over_signals_or_none():
    table = arithmetic_table(trainings(), MODELS, CONTROLS, fold=1)
    assert of(table, "single")[["value", "low", "high"]].to_list() == [8.0, 7.5, 8.5]
    assert of(table, "double")["value"] == 2.0
    assert of(table, "double")[["low", "high"]].isna().all()


def test_without_budgets_there_are_columns_but_no_rows():
    models = MODELS.assign(base="")
    table = arithmetic_table(trainings(), models, CONTROLS, fold=1)
    assert list(table) == COLUMNS
    assert table.empty


def test_a_record_is_read_with_what_is_needed(tmp_path):
    path = tmp_path / "models.csv"
    path.write_text(MODELS.to_csv(index=False))
    pd.testing.assert_frame_equal(read_table(path, NEEDED["models"]).fillna(""), MODELS.fillna(""))
    with pytest.raises(InputError, match=r"models\.csv has no column statistic; expected network"):
        read_table(path, NEEDED["controls"])
    path.write_text("")
    with pytest.raises(InputError, match=r"models\.csv is no CSV"):
        read_table(path, NEEDED["models"])
