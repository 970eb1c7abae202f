"""The table and the figure of a search: who is on the frontier, what differs, where from."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from workflow.lib.report.tuning import (
    candidate_table,
    candidate_trainings,
    differences,
    on_frontier,
    origin_latex,
    plot_candidates,
    read_search,
    tuning_markdown,
)
from workflow.lib.runtime.files import InputError

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
CODE = {"commit": "0123456789abcdef", "uncommitted_changes": False}
NETWORKS = {"eulernet": "EulerNet", "sequencenet": "SequenceNet"}
# By name: class, TFLOP, validation medians of its seeds, settings.
CANDIDATES = {
    "a": ("eulernet", 4.0, [5.0, 6.0], {"epochs": 40, "clip_norm": 1.0}),
    "b": ("eulernet", 2.0, [7.0, 7.5], {"epochs": 20, "clip_norm": 1.0}),
    "c": ("eulernet", 3.0, [8.0, 8.0], {"epochs": 30, "clip_norm": None}),
    "x": ("sequencenet", 1.0, [3.0, 5.0], {"epochs": 10, "clip_norm": 0.5}),
}
TITLES = {name: f"Model {name}" for name in CANDIDATES}
SETTINGS = {
    name: {"network": network, "architecture": {"input": "scaled"}, "training": training}
    for name, (network, _, _, training) in CANDIDATES.items()
}


@pytest.fixture
def models(tmp_path) -> list[Path]:
    """model.json of two seeds of each candidate, those of the other network first."""
    paths = []
    for name, (network, tflop, medians, training) in reversed(CANDIDATES.items()):
        for seed, median in enumerate(medians, start=1):
            description = {
                "name": name, "network": network, "fold": 1, "seed": seed, "tflop": tflop,
                "validation_median_deg": median, "best_epoch": 9, "train_s": 10.0 * seed,
                "training": training | {"precision": "float32"}, "device": "CPU",
                "processor": "A CPU", "threads": 1, "torch": "2.13.0", "usage": {}, "kept": False,
                "simulated": True,
            }  # fmt: skip
            paths.append(tmp_path / f"{name}{seed}.json")
            paths[-1].write_text(json.dumps(description))
    return paths


def test_a_row_per_candidate_by_network_and_arithmetic(models):
    trainings = candidate_trainings(models, TITLES, CODE)
    assert len(trainings) == 8
    table = candidate_table(trainings)
    assert table["candidate"].to_list() == ["b", "c", "a", "x"]
    assert table["mean_deg"].to_list() == [7.25, 8.0, 5.5, 4.0]
    assert table["half_range_deg"].to_list() == [0.25, 0.0, 0.5, 1.0]
    assert set(table["trainings"]) == {2}
    assert set(table["train_s"]) == {15.0}
    assert table["frontier"].to_list() == [
        True,
        False,
        True,
        True,
    ]  # c is beaten by b; x competes with none


@pytest.mark.parametrize(
    ("cost", "error", "expected"),
    [
        ([1, 2, 3], [3, 2, 1], [1, 1, 1]),
        ([1, 2, 3], [3, 3, 1], [1, 0, 1]),  # as good, and dearer
        ([1, 1, 3], [3, 2, 2], [0, 1, 0]),
        ([2, 2], [1, 1], [1, 1]),  # neither beats the other
        ([1], [9], [1]),
    ],
)
def test_the_frontier_is_what_nothing_beats(cost, error, expected):
    assert on_frontier(cost, error).tolist() == [bool(value) for value in expected]


def test_the_frontier_is_that_of_a_loop_over_all_pairs():
    rng = np.random.default_rng(1)
    cost, error = rng.integers(0, 8, (2, 40))
    expected = [
        not any(
            (c <= cost[i] and e <= error[i]) and (c < cost[i] or e < error[i])
            for c, e in zip(cost, error, strict=True)
        )
        for i in range(40)
    ]
    assert on_frontier(cost, error).tolist() == expected
    assert 0 < sum(expected) < 40


def test_what_differs_is_told_by_the_keys_of_the_config():
    first = SETTINGS["a"]
    assert differences(first, first) == ""
    assert differences(SETTINGS["c"], first) == "epochs 30, clip_norm null"
    other = first | {"architecture": {"input": "standardised", "wide": True}}
    assert differences(other, first) == "input standardised, wide true"


def test_the_table_says_what_was_found_and_where_it_comes_from(models):
    text = tuning_markdown(candidate_trainings(models, TITLES, CODE), NETWORKS, SETTINGS)
    assert text.startswith("**SIMULATED DATA, not measurements.** ")
    assert "Folds: 1; seeds: 1, 2; A CPU; threads of a training: 1; computed in float32" in text
    assert "by PyTorch 2.13.0; commit 0123456789ab; 20" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = [row for row in rows if row and row[0] in NETWORKS.values()]
    assert rows == [
        ["EulerNet", "Model b", "epochs 20", "2", "7.25 ± 0.25", "2.00", "15", "yes"],
        ["EulerNet", "Model c", "epochs 30, clip_norm null", "2", "8.00 ± 0.00", "3.00", "15", ""],
        ["EulerNet", "Model a", "(the first)", "2", "5.50 ± 0.50", "4.00", "15", "yes"],
        ["SequenceNet", "Model x", "(the first)", "2", "4.00 ± 1.00", "1.00", "15", "yes"],
    ]
    assert "EulerNet, the first (Model a): input scaled, epochs 40, clip_norm 1.0." in text


def test_one_training_has_no_range_and_changed_code_is_told(models):
    changed = CODE | {"uncommitted_changes": True}
    text = tuning_markdown(candidate_trainings(models[:1], TITLES, changed), NETWORKS, SETTINGS)
    assert "| 3.00  " in text
    assert "3.00 ±" not in text
    assert "commit 0123456789ab with changes" in text


def test_an_older_training_is_named(models):
    description = json.loads(models[0].read_text())
    del description["tflop"]
    models[0].write_text(json.dumps(description))
    with pytest.raises(InputError, match=r"x1\.json has not all of the keys .* and tflop"):
        candidate_trainings(models, TITLES, CODE)


def test_a_record_is_read_as_it_was_written(models, tmp_path):
    trainings = candidate_trainings(models, TITLES, CODE)
    record = tmp_path / "tuning.csv"
    record.write_text(trainings.to_csv(index=False))
    pd.testing.assert_frame_equal(read_search(record), trainings)
    text = origin_latex(read_search(record))
    assert text.startswith(
        r"\textcolor{notice}{\textbf{SIMULATED DATA, not measurements.}} Folds: 1;"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no CSV of a search"),
        ("network,candidate\n", "has no column title; expected results/tune/tuning.csv as"),
    ],
)
def test_another_file_is_no_record(text, message, tmp_path):
    (tmp_path / "tuning.csv").write_text(text)
    with pytest.raises(InputError, match=rf"tuning\.csv {message}"):
        read_search(tmp_path / "tuning.csv")


def test_the_figure_names_every_candidate(models, tmp_path):
    path = tmp_path / "tuning.pdf"
    plot_candidates(candidate_trainings(models, TITLES, CODE), NETWORKS, STYLE, [path])
    text = PdfReader(path).pages[0].extract_text()
    assert all(f"{i}  {title}" in text for i, title in enumerate(("Model b", "Model c"), start=1))
    assert all(title in text for title in TITLES.values())
    assert "SIMULATED DATA" in text
    assert all(title in text for title in NETWORKS.values())
