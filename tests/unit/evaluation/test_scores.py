"""Scores and tables from predictions whose medians are known by construction."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow.lib.evaluation.comparison import compare
from workflow.lib.evaluation.published import read_published
from workflow.lib.evaluation.scores import (
    Result,
    mean_of_medians,
    median_interval,
    read_results,
    reduction,
    reduction_interval,
    score_table,
)
from workflow.lib.inference.predictions import Predictions, read_predictions, write_predictions
from workflow.lib.orientation import MAX_MISORIENTATION_DEG
from workflow.lib.report.folds import folds_latex, folds_table
from workflow.lib.report.numbers import _comparisons
from workflow.lib.report.table1 import table1, table1_latex, table1_markdown
from workflow.lib.runtime.files import InputError

PUBLISHED = Path(__file__).parents[3] / "config" / "published.yaml"
RNG = np.random.default_rng(0)
EULER_DEG = np.stack([np.linspace(0, 20, 101), np.linspace(0, 24, 101)])  # medians 10 and 12
SEQUENCE_DEG = EULER_DEG / 2
RESULTS = {
    "eulernet": Result(EULER_DEG, EULER_DEG * 0.8),
    "sequencenet": Result(SEQUENCE_DEG, SEQUENCE_DEG * 0.5),
}
TITLES = {"eulernet": "EulerNet", "sequencenet": "SequenceNet"}
COMPARED = list(TITLES)


def write(path, network, fold, seed, deg, simulated=True, source="simulated benchmark"):
    q = np.tile([1.0, 0, 0, 0], (len(deg), 1))
    predictions = Predictions(q, q, q, deg, deg / 2)
    predictions.orientation[:2] = np.nan
    attributes = {
        "network": network, "fold": fold, "seed": seed, "source": source, "simulated": simulated,
    }  # fmt: skip
    write_predictions(path, predictions, attributes)
    return path


def test_median_and_interval_over_seeds():
    assert mean_of_medians(EULER_DEG) == pytest.approx(11)
    low, high = median_interval(EULER_DEG, 2000)
    assert low < 11 < high
    # The order statistics' interval of a median, by the binomial distribution, not a bootstrap.
    from scipy.stats import binom

    ranks = binom.ppf([0.025, 0.975], 101, 0.5).astype(int)
    expected = EULER_DEG.mean(0)[ranks]
    np.testing.assert_allclose([low, high], expected, atol=0.5)
    assert median_interval(EULER_DEG, 2000) == (low, high)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """200 samples of an exponential distribution, whose median is ln 2."""
    hits = 0
    for _ in range(200):
        low, high = median_interval(RNG.exponential(size=(1, 60)), 400)
        hits += low <= np.log(2) <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_reductions_are_paired():
    """Half the error for every signal: the reduction is 50 % in every resample."""
    assert reduction(EULER_DEG, SEQUENCE_DEG) == pytest.approx(0.5)
    assert reduction_interval(EULER_DEG, SEQUENCE_DEG, 500) == pytest.approx((0.5, 0.5))
    shuffled = RNG.permuted(SEQUENCE_DEG, axis=1)
    low, high = reduction_interval(EULER_DEG, shuffled, 500)
    assert high - low > 0.05


def test_comparisons():
    table = compare(RESULTS, COMPARED, 200).set_index("comparison")["reduction_percent"]
    expected = {
        "plain": 50, "tta": 75, "both": 68.75, "eulernet_gain": 20, "sequencenet_gain": 50,
    }  # fmt: skip
    assert table.to_dict() == pytest.approx(expected)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("deg", [0.0, 5.0, MAX_MISORIENTATION_DEG])
def test_identical_errors_have_intervals_of_no_width(deg, n, seeds):
    """0°: an evaluation set whose labels are all met exactly; 62.8°: not a single answer."""
    same = np.full((seeds, n), deg)
    assert median_interval(same, 200) == pytest.approx((deg, deg), abs=1e-12)
    assert reduction(same, same) == 0
    assert reduction_interval(same, same, 200) == (0, 0)
    result = Result(same, same)
    results = {"eulernet": result, "sequencenet": result}
    table = table1(results, TITLES, read_published(PUBLISHED), 200, "somewhere", False)
    assert f"{deg:.2f} [{deg:.2f}, {deg:.2f}]" in table1_markdown(table)
    assert (compare(results, COMPARED, 200).drop(columns="comparison") == 0).all(axis=None)


def test_a_median_of_zero_can_only_be_missed_infinitely():
    zero, one = np.zeros((2, 20)), np.ones((2, 20))
    assert reduction(zero, one) == -np.inf
    assert reduction_interval(zero, one, 200) == (-np.inf, -np.inf)
    assert reduction(one, zero) == 1
    mixed = np.tile([0.0, 2.0], (1, 10))  # its median is 0 in some resamples
    low, high = reduction_interval(mixed, np.ones((1, 20)), 500)
    assert low == -np.inf
    assert high == 0.5


def test_the_paper_says_infinitely_where_a_median_is_zero():
    table = pd.DataFrame(
        {"comparison": ["plain", "eulernet_gain"], "reduction_percent": [-np.inf, 0.0],
         "low_percent": [-np.inf, 0.0], "high_percent": [0.0, 0.0]}
    )  # fmt: skip
    assert _comparisons(table, dict(zip(COMPARED, COMPARED, strict=True))) == {
        "comparePlain": "infinitely higher",
        "comparePlainInterval": r"$-\infty$ to $0.0$\,\%",
        "comparePlainVerdict": "includes zero",
        "eulernetTtaGain": r"0.0\,\% lower",
    }


def test_table1():
    table = table1(
        RESULTS, TITLES, read_published(PUBLISHED), 200, "simulated benchmark sim-v1", True
    )
    columns = ["network", "median_deg", "mean_deg", "tta_median_deg", "tta_mean_deg", "n"]
    assert table.columns[:6].tolist() == columns
    rows = table.set_index("network")
    assert rows.loc["EulerNet", "median_deg"] == pytest.approx(11)
    assert rows.loc["EulerNet", "tta_median_deg"] == pytest.approx(8.8)
    assert rows.loc["SequenceNet", "mean_deg"] == pytest.approx(5.5)
    assert rows.loc["EulerNet", "n"] == 101
    assert rows.loc["EulerNet", "published_median_deg"] == 7.197
    assert rows.loc["SequenceNet", "published_tta_median_deg"] == 3.707
    assert rows.loc["SequenceNet", "released_code_tta_mean_deg"] == 6.70
    assert (rows["median_low_deg"] < rows["median_deg"]).all()


@pytest.mark.parametrize("simulated", [True, False])
def test_every_form_of_table1_says_what_it_is(simulated):
    table = table1(RESULTS, TITLES, read_published(PUBLISHED), 200, "somewhere", simulated)
    assert ("SIMULATED" in table1_markdown(table)) == simulated
    latex = table1_latex(table)
    assert ("this run (simulated)" in latex) == simulated
    assert "11.00" in latex
    assert "7.20" in latex  # the published one, in its own columns
    assert r"\cmidrule(lr){2-6}\cmidrule(lr){7-9}" in latex
    lines = table1_markdown(table).splitlines()
    assert sum(line.startswith("| EulerNet, this run") for line in lines) == 1
    assert sum("published" in line and line.startswith("|") for line in lines) == 2


def test_scores_and_folds(tmp_path):
    paths = [
        write(tmp_path / f"{network}{fold}{seed}.h5", network, fold, seed, deg)
        for network, factor in (("eulernet", 2), ("sequencenet", 1))
        for fold in (1, 2)
        for seed, deg in enumerate(factor * fold * SEQUENCE_DEG, start=1)
    ]
    scores = score_table(paths)
    assert len(scores) == 8
    first = scores.iloc[0]
    assert first["median_deg"] == pytest.approx(10)
    assert first["n_invalid"] == 2
    folds = folds_table(scores, TITLES).set_index("fold")
    assert folds.loc[1, "eulernet_median_deg"] == pytest.approx(11)
    assert folds.loc["mean", "sequencenet_median_deg"] == pytest.approx(8.25)
    assert folds.loc["sd", "sequencenet_tta_median_deg"] == pytest.approx(2.75 / 2**0.5)
    assert "mean over folds" in folds_latex(folds_table(scores, TITLES), TITLES)
    one = folds_table(scores[scores["fold"] == 1], TITLES)
    assert np.isnan(one.iloc[-1]["eulernet_median_deg"])  # one fold has no spread
    assert "nan" not in folds_latex(one, TITLES)


def test_results_of_one_fold(tmp_path):
    paths = [
        write(tmp_path / f"{seed}.h5", "eulernet", 1, seed, EULER_DEG[seed]) for seed in (0, 1)
    ]
    results, simulated, source = read_results(paths)
    np.testing.assert_array_equal(results["eulernet"].plain_deg, EULER_DEG)
    np.testing.assert_array_equal(results["eulernet"].tta_deg, EULER_DEG / 2)
    assert (simulated, source) == (True, "simulated benchmark")
    measured = write(tmp_path / "m.h5", "eulernet", 1, 2, EULER_DEG[0], simulated=False)
    with pytest.raises(InputError, match="can't share a table"):
        read_results([*paths, measured])


def test_predictions_round_trip_and_refusal(tmp_path):
    path = write(tmp_path / "p.h5", "eulernet", 1, 1, EULER_DEG[0])
    predictions, attributes = read_predictions(path)
    np.testing.assert_array_equal(predictions.misorientation_deg, EULER_DEG[0])
    assert attributes["network"] == "eulernet"
    assert predictions.n_invalid == 2
    assert predictions.n_tta_invalid == 2
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"p\.h5: not a readable HDF5 file"):
        read_predictions(path)


def test_published_values_are_checked(tmp_path):
    file = tmp_path / "published.yaml"
    file.write_text("paper: {eulernet: {median_deg: '7.1'}}\nreleased: {}\n")
    with pytest.raises(InputError, match=r"paper\.eulernet\.median_deg is '7\.1'"):
        read_published(file)
    file.write_text("[]")
    with pytest.raises(InputError, match="lacks the keys"):
        read_published(file)


def test_a_missing_answer_is_the_worst_answer():
    import torch

    from workflow.lib.inference.evaluate import _errors

    q = torch.tensor([[1.0, 0, 0, 0], [torch.nan] * 4], dtype=torch.float64)
    reference = torch.tensor([[1.0, 0, 0, 0]] * 2, dtype=torch.float64)
    errors = _errors(q, torch.tensor([True, False]), reference)
    assert errors.tolist() == pytest.approx([0, MAX_MISORIENTATION_DEG])
    assert pd.Series(errors).notna().all()
