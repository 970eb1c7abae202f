"""The table of views: every row there is, and numbers of errors that are chosen here."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.evaluation.views import COLUMNS, view_table, views_record
from workflow.lib.inference.views import DECISIONS, VIEWS
from workflow.lib.runtime.files import InputError

N = 40
DEG = np.random.default_rng(1).exponential(3, (N, len(VIEWS), len(DECISIONS)))
COST_MS = np.arange(1.0, 37).reshape(len(VIEWS), len(DECISIONS))


@pytest.fixture
def table() -> pd.DataFrame:
    return view_table("base", 1, 2, DEG, COST_MS, 199, simulated=True)


def test_there_is_a_row_for_each_number_of_views_decision_and_statistic(table):
    keys = table[["views", "decision", "statistic"]].drop_duplicates()
    assert len(keys) == len(table) == len(VIEWS) * len(DECISIONS) * 2
    assert table.notna().all(axis=None)
    assert set(table["network"]) == {"base"}
    assert set(table["fold"]) == {1}
    assert set(table["seed"]) == {2}
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["low"] < table["high"]).all()


def test_numbers_are_those_of_their_views_and_decision(table):
    for v, views in enumerate(VIEWS):
        for d, decision in enumerate(DECISIONS):
            rows = table[(table["views"] == views) & (table["decision"] == decision)]
            values = rows.set_index("statistic")["value"]
            assert values["median_deg"] == pytest.approx(np.median(DEG[:, v, d]))
            assert values["mean_deg"] == pytest.approx(DEG[:, v, d].mean())
            assert set(rows["ms_per_signal"]) == {COST_MS[v, d]}


def test_the_record_has_all_files_with_titles_and_kinds(table, tmp_path):
    other = table.assign(network="other", seed=1)
    for name, rows in (("a", table), ("b", other)):
        (tmp_path / f"{name}.csv").write_text(rows.to_csv(index=False))
    titles = {"base": "The base", "other": "Another", "third": "Not here"}
    kinds = {"base": "writer", "other": "regression", "third": "density"}
    found = views_record([tmp_path / "a.csv", tmp_path / "b.csv"], titles, kinds)
    assert list(found) == COLUMNS
    assert len(found) == 2 * len(table)
    assert found[["network", "title", "kind", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["base", "The base", "writer", 2],
        ["other", "Another", "regression", 1],
    ]


def test_a_record_of_no_models_has_columns():
    assert list(views_record([], {}, {})) == COLUMNS


def test_another_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("network,fold\nbase,1\n")
    with pytest.raises(InputError, match=r"a\.csv: has no column seed, expected those that"):
        views_record([tmp_path / "a.csv"], {}, {})
