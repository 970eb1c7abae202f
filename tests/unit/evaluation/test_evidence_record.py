"""The record from files of predictions made here: what is known of them comes out."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.evaluation.evidence import (
    STATISTICS,
    bases,
    model_table,
    read_trainings,
    training_table,
)
from workflow.lib.inference.predictions import Predictions, write_predictions
from workflow.lib.orientation import MAX_MISORIENTATION_DEG, multiply
from workflow.lib.runtime.files import InputError
from workflow.scripts.evidence_scores import main

N, TABLE_FOLD = 40, 1
TITLES = {
    "writer": "A, writer", "angles": "Angles", "double": "Twice as long", "shifted": "Shifted",
    "twin": "Twin", "all_seeds": "All seeds", "nearest": "Nearest", "elsewhere": "Elsewhere",
}  # fmt: skip
KINDS = dict.fromkeys(TITLES, "writer") | {"angles": "regression", "nearest": "neighbour"}
COMPARED = ["angles", "writer"]
# By model: its trainings (fold, seed), and degrees added to the errors of `writer`.
TRAININGS = {
    "angles": ([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)], 4.0),
    "writer": ([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)], 0.0),
    "double": ([(1, 1), (1, 2)], -0.5),
    "shifted": ([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1)], 1.0),
    "twin": ([(1, 1), (1, 2), (1, 3)], 0.0),
    "all_seeds": ([(1, 1)], -1.0),
    "nearest": ([(1, 1), (2, 1)], 8.0),
    "elsewhere": ([(3, 1)], 0.0),
}
TABLES = [
    "trainings",
    "models",
    "controls",
    "differences",
    "folds",
    "fold_summary",
    "fold_differences",
]


def errors(fold: int, seed: int) -> np.ndarray:
    """Of `writer`, of one view, without what a model adds."""
    deg = np.random.default_rng(fold).exponential(4, N) + 2 + 0.3 * (seed - 1)
    return deg.clip(max=30)


def write_training(folder: Path, name: str, fold: int, seed: int, added: float) -> tuple:
    """Errors about X of one view, half as large about Z of 72; one answer is none."""
    reference = random_quaternions(N, seed=fold)
    deg = errors(fold, seed) + added
    plain = torch.stack([quaternion([1, 0, 0], x) for x in deg])
    tta = torch.stack([quaternion([0, 0, 1], x / 2) for x in deg])
    answers = [multiply(q, reference).numpy() for q in (plain, tta)]
    plain_deg = deg.copy()
    if name == "shifted":
        answers[0][0], plain_deg[0] = np.nan, MAX_MISORIENTATION_DEG
    attributes = {
        "network": name, "fold": fold, "seed": seed, "source": "sim", "simulated": True,
    }  # fmt: skip
    path = folder / f"{name}-{fold}-{seed}.h5"
    predictions = Predictions(*answers, reference.numpy(), plain_deg, deg / 2)
    write_predictions(path, predictions, attributes)
    learnt = name not in ("nearest", "all_seeds")
    same = name in ("writer", "double")
    description = {
        "name": name, "network": "net", "fold": fold, "seed": seed, "parameters": 1_219_523,
        "architecture": {} if same else {"own": name}, "tflop": 10.25 if learnt else None,
        "training": {"epochs": 12 if name == "double" else 6, "batch": 5} if learnt else {},
    }  # fmt: skip
    if learnt:
        description["validation_median_deg"] = 3.0 + seed
    model = path.with_suffix(".json")
    model.write_text(json.dumps(description))
    return path, model


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[list[Path], list[Path]]:
    folder = tmp_path_factory.mktemp("trainings")
    pairs = [
        write_training(folder, name, *training, added)
        for name, (trainings, added) in TRAININGS.items()
        for training in trainings
    ]
    predictions, models = zip(*pairs, strict=True)
    return list(predictions), list(reversed(models))


@pytest.fixture(scope="module")
def record(files, tmp_path_factory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("record")
    paths = {name: folder / f"{name}.csv" for name in TABLES}
    main(*files, TITLES, KINDS, COMPARED, TABLE_FOLD, 999, paths)
    return {name: pd.read_csv(path, keep_default_na=True) for name, path in paths.items()}


def rows(table: pd.DataFrame, **keys: str) -> pd.DataFrame:
    for key, value in keys.items():
        table = table[table[key] == value]
    return table


def test_trainings_have_the_columns_of_the_record(record):
    views, parts = ("", "tta_"), ("x", "y", "z", "in_plane", "out_of_plane")
    expected = ["network", "title", "kind", "fold", "seed", "n"]
    expected += [f"{view}{name}_deg" for view in views for name in ("median", "mean")]
    expected += [f"{view}within_{deg}deg" for view in views for deg in (2, 5, 10)]
    expected += [f"{view}{part}_median_deg" for view in views for part in parts]
    expected += ["n_invalid", "n_tta_invalid", "tflop", "parameters", "validation_median_deg"]
    assert list(record["trainings"]) == [*expected, "data", "simulated"]
    assert len(record["trainings"]) == sum(len(of) for of, _ in TRAININGS.values())
    assert record["trainings"]["network"].unique().tolist() == list(TITLES)


def test_a_training_is_measured(record):
    row = rows(record["trainings"], network="writer", fold=1, seed=2).iloc[0]
    deg = errors(1, 2)
    assert row["median_deg"] == pytest.approx(np.median(deg), rel=1e-5)
    assert row["tta_mean_deg"] == pytest.approx(deg.mean() / 2, rel=1e-5)
    assert row["within_5deg"] == pytest.approx((deg <= 5).mean())
    assert row["out_of_plane_median_deg"] == row["median_deg"]  # about X: that direction stays
    assert row["x_median_deg"] == pytest.approx(0, abs=1e-6)
    assert row["tta_in_plane_median_deg"] == row["tta_median_deg"]  # about Z
    assert row["tta_z_median_deg"] == pytest.approx(0, abs=1e-6)
    assert row["in_plane_median_deg"] == pytest.approx(0, abs=1e-9)
    shifted = rows(record["trainings"], network="shifted", fold=1, seed=1).iloc[0]
    assert (shifted["n_invalid"], shifted["n_tta_invalid"]) == (1, 0)


def test_models_say_what_they_are_and_of_which_they_are_variants(record):
    table = record["models"].set_index("network")
    assert table["base"].dropna().to_dict() == {"double": "writer"}
    assert table.loc["writer", ["seeds", "folds"]].tolist() == [3, 3]
    assert table.loc["writer", "validation_median_deg"] == 5.0
    assert table.loc["elsewhere", ["seeds", "folds"]].tolist() == [1, 1]
    assert set(table["parameters"]) == {1_219_523}  # all digits
    assert table["tflop"].isna().to_dict() == {
        name: name in ("nearest", "all_seeds") for name in TITLES
    }


def test_the_base_is_the_one_compared_or_that_with_most_trainings(files):
    trainings = read_trainings(*files)
    assert bases(trainings, TITLES, ["angles", "double"])["writer"] == "double"
    assert bases(trainings, TITLES, ["angles", "double"])["double"] == ""
    assert bases(trainings, TITLES, ["angles", "twin"])["double"] == "writer"
    assert set(bases(trainings, TITLES, ["double", "writer"]).values()) == {""}


def test_controls_are_the_means_over_seeds_with_intervals(record):
    table = record["controls"]
    assert table["network"].unique().tolist() == [
        name for name in TITLES if name not in ("double", "elsewhere")
    ]
    assert table["statistic"].unique().tolist() == list(STATISTICS)
    row = rows(table, network="angles", statistic="median_deg").iloc[0]
    medians = [np.median(errors(1, seed) + 4) for seed in (1, 2, 3)]
    assert row["value"] == pytest.approx(np.mean(medians), rel=1e-5)
    assert row["low"] < row["value"] < row["high"]
    assert (row["seeds"], row["n"]) == (3, N)
    assert rows(table, network="all_seeds")["seeds"].unique().tolist() == [1]
    assert (table["low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["high"] + 1e-9).all()


def test_differences_are_those_that_were_added(record):
    table = record["differences"]
    assert len(table) == 4 * (5 + 5)
    both = rows(table, reference="writer", statistic="tta_median_deg").set_index("network")
    expected = {"angles": 2.0, "shifted": 0.5, "twin": 0.0, "nearest": 3.85, "all_seeds": -0.65}
    assert both["value"].to_dict() == pytest.approx(expected, abs=1e-5)
    assert both.loc["twin", ["low", "high", "percent", "effect", "p", "p_holm"]].tolist() == (
        pytest.approx([0, 0, 0, 0, 1, 1], abs=1e-9)
    )
    certain = both.loc["angles"]
    assert certain[["low", "high", "effect"]].tolist() == pytest.approx([2, 2, -1], abs=1e-5)
    assert certain["p_holm"] < 1e-20
    assert certain["percent_low"] < certain["percent"] < certain["percent_high"] < 0
    one = both.loc["all_seeds"]  # one training against three: which is drawn of these counts
    assert one["low"] < -0.65 < one["high"] < 0
    assert (one["seeds"], one["n"]) == (1, N)


def test_p_values_are_corrected_within_a_statistic(record):
    for _, of_statistic in record["differences"].groupby("statistic"):
        p = np.sort(of_statistic["p"])
        corrected = np.maximum.accumulate(p * np.arange(10, 0, -1)).clip(max=1)
        np.testing.assert_allclose(np.sort(of_statistic["p_holm"]), corrected, rtol=1e-5)


def test_folds_are_means_over_seeds(record):
    row = rows(record["folds"], network="angles", fold=1, statistic="mean_deg")
    expected = np.mean([errors(1, seed).mean() + 4 for seed in (1, 2, 3)])
    assert row["value"].to_list() == pytest.approx([expected], rel=1e-5)
    assert rows(record["folds"], network="shifted")["fold"].unique().tolist() == [1, 2, 3, 4]


def test_the_summary_is_of_models_with_more_than_one_fold(record):
    table = record["fold_summary"]
    folds = table.groupby("network")["folds"].first().to_dict()
    assert folds == {"angles": 3, "writer": 3, "shifted": 4, "nearest": 2}
    row = rows(table, network="writer", statistic="mean_deg").iloc[0]
    first = np.mean([errors(1, seed).mean() for seed in (1, 2, 3)])
    values = [first, errors(2, 1).mean(), errors(3, 1).mean()]
    assert row["value"] == pytest.approx(np.mean(values), rel=1e-5)
    assert row["sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-4)
    assert min(values) - 1e-4 <= row["low"] < row["value"] < row["high"] <= max(values) + 1e-4


def test_fold_differences_are_on_the_folds_of_both(record):
    table = rows(record["fold_differences"], statistic="mean_deg")
    pairs = table.set_index(["network", "reference"])
    row = pairs.loc[("angles", "writer")]
    assert row[["value", "sd", "low", "high"]].tolist() == pytest.approx([4, 0, 4, 4], abs=1e-5)
    assert row[["folds", "folds_lower"]].tolist() == [3, 0]
    assert row["p"] == pytest.approx(stats.wilcoxon([4, 4, 4]).pvalue) == 0.25
    assert pairs.loc[("writer", "angles"), "folds_lower"] == 3
    assert pairs.loc[("shifted", "writer"), "folds"] == 3
    assert pairs.loc[("nearest", "writer"), "folds"] == 2
    assert len(pairs) == 6


def test_a_run_of_one_fold_has_tables_without_rows(files, tmp_path):
    first = [[p for p in paths if "-1-" in p.name] for paths in files]
    paths = {name: tmp_path / f"{name}.csv" for name in TABLES}
    main(*first, TITLES, KINDS, COMPARED, TABLE_FOLD, 99, paths)
    assert list(pd.read_csv(paths["fold_summary"])) == [
        "network", "title", "statistic", "value", "sd", "low", "high", "folds",
    ]  # fmt: skip
    assert pd.read_csv(paths["fold_differences"]).empty
    assert len(pd.read_csv(paths["differences"])) == 40


def test_files_that_do_not_belong_together(files, tmp_path):
    predictions, models = files
    with pytest.raises(InputError, match=r"elsewhere-3-1\.h5 holds answers of elsewhere, fold 3"):
        read_trainings(predictions, models[1:])
    with pytest.raises(InputError, match="found 24 files of predictions and 25 trained models"):
        read_trainings(predictions[1:], models)
    path, model = write_training(tmp_path, "writer", 1, 9, 0.0)
    with h5py.File(path, "a") as file:
        file["reference"][0] = [1, 0, 0, 0]
    with pytest.raises(InputError, match=r"writer-1-9\.h5 is of other signals than .*angles-1-1"):
        read_trainings([*predictions, path], [*models, model])
    path, model = write_training(tmp_path, "writer", 2, 9, 0.0)
    with h5py.File(path, "a") as file:
        file.attrs["source"] = "elsewhere"
    with pytest.raises(InputError, match="predictions are of elsewhere and sim, expected one"):
        read_trainings([*predictions, path], [*models, model])


def test_tables_are_ordered_as_the_titles_whatever_the_files_are(files):
    predictions, models = files
    trainings = read_trainings(predictions[::-1], models[::-1])
    table = training_table(trainings, TITLES, KINDS)
    pd.testing.assert_frame_equal(
        table, training_table(read_trainings(predictions, models), TITLES, KINDS)
    )
    of_models = model_table(trainings, TITLES, KINDS, COMPARED, TABLE_FOLD)
    assert of_models["network"].to_list() == list(TITLES)
