"""Tables, macros and figures of several answers, from files written by hand."""

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from tests.unit.report.several_files import write_posterior, write_several
from workflow.lib.evaluation.answers import KINDS, Several, read_answers
from workflow.lib.evaluation.decisions import POSTERIOR, decision_table
from workflow.lib.evaluation.truth import calibration_table
from workflow.lib.orientation import MAX_MISORIENTATION_DEG
from workflow.lib.report.calibration import calibration_latex, calibration_markdown
from workflow.lib.report.reliability import plot_reliability
from workflow.lib.report.risk_coverage import plot_risk_coverage
from workflow.lib.report.several import several_latex, several_markdown
from workflow.lib.report.several_numbers import UNKNOWN, several_tex
from workflow.lib.runtime.files import InputError
from workflow.scripts.several import main

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
TITLES = {"eulernet": "Baseline_1", "sequencenet": "SequenceNet", "nearest": "A third"}
TWO = {name: TITLES[name] for name in ("eulernet", "sequencenet")}
RADIUS_DEG, RESAMPLES, N = 10.0, 60, 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    for simulated in (True, False):
        for name in TITLES:
            for seed in (1, 2):
                write_several(paths(folder, simulated)[name][seed - 1], name, seed, N,
                              simulated=simulated)  # fmt: skip
    write_posterior(folder / "posterior.h5", N)
    return folder


def paths(folder: Path, simulated: bool) -> dict[str, list[Path]]:
    return {name: [folder / f"{name}{seed}{simulated}.h5" for seed in (1, 2)] for name in TITLES}


def all_paths(folder: Path, simulated: bool) -> list[Path]:
    return [path for mine in paths(folder, simulated).values() for path in mine]


@pytest.fixture(scope="module")
def simulated(folder) -> Several:
    return read_answers(all_paths(folder, True), folder / "posterior.h5")


@pytest.fixture(scope="module")
def measured(folder) -> Several:
    return read_answers(all_paths(folder, False), None)


@pytest.fixture(scope="module")
def tables(simulated, measured) -> dict[bool, tuple[pd.DataFrame, pd.DataFrame]]:
    """Decisions and calibration, of simulated and of measured data."""
    return {
        found.simulated: (
            decision_table(found, TITLES, RESAMPLES),
            calibration_table(found, TITLES, RADIUS_DEG, RESAMPLES),
        )
        for found in (simulated, measured)
    }


def macros(text: str) -> dict[str, str]:
    found = re.findall(r"^\\newcommand\{\\([A-Za-z]+)\}\{(.*)\}$", text, re.MULTILINE)
    assert len(found) == len(dict(found)) == len(text.splitlines()) - 1
    return dict(found)


def test_what_is_read_is_what_was_written(folder, simulated):
    answers = simulated.answers["sequencenet"]["mixture"]
    with h5py.File(folder / "sequencenet2True.h5") as file:
        group, root = file["several/mixture"], file["tta_misorientation_deg"][()]
        np.testing.assert_allclose(answers.decision_deg["medoid"][1], root, atol=1e-6)
        for stage, prefix in (("before", "before_"), ("after", "")):
            forecast = answers.forecast[stage]
            np.testing.assert_array_equal(forecast.level[1], group[prefix + "level"])
            mass = forecast.probability.sum(-1) + forecast.left_out
            np.testing.assert_allclose(mass, 1)
    assert answers.temperature.tolist() == [1.7, 1.7]
    assert np.isnan(simulated.answers["nearest"]["one_view"].bandwidth_deg).all()
    right = answers.forecast["after"].right(RADIUS_DEG)
    assert set(right.sum(-1).ravel()) == {0, 1}  # 0: in none of them, in what was left out
    assert not right[..., -1].any()  # the empty place
    exact = simulated.posterior.decision_deg["least_expected"]
    assert exact.shape == (1, N)
    with h5py.File(folder / "posterior.h5") as file:
        np.testing.assert_allclose(exact[0], file["misorientation_deg"], atol=1e-6)


def test_no_answer_and_no_distribution_count_as_the_worst(tmp_path):
    path = write_several(tmp_path / "a.h5", "eulernet", 1, 20)
    with h5py.File(path, "a") as file:
        for kind in KINDS:
            for name, values in file[f"several/{kind}"].items():
                values[3] = 1 if "left_out" in name else 0 if "probability" in name else np.nan
    found = read_answers([path], None).answers["eulernet"]["one_view"]
    assert all(deg[0, 3] == MAX_MISORIENTATION_DEG for deg in found.decision_deg.values())
    forecast = found.forecast["after"]
    assert forecast.log_density[0, 3] == -np.inf
    assert forecast.certainty[0, 3] == 0
    several = read_answers([path], None)
    table = calibration_table(several, {"eulernet": "E"}, RADIUS_DEG, RESAMPLES)
    assert (table["log_score"] == -np.inf).all()
    assert table["error"].notna().all()
    assert "−∞ [−∞, " in calibration_markdown(table)
    assert r"$-\infty$" in calibration_latex(table, ["E"])


def test_files_that_lack_something_or_are_of_other_signals_are_refused(folder, tmp_path):
    path = write_several(tmp_path / "a.h5", "eulernet", 1, 20, kinds=("one_view", "mixture"))
    with pytest.raises(InputError, match=r"a\.h5: /several lacks 'product'"):
        read_answers([path], None)
    other = write_posterior(tmp_path / "posterior.h5", N - 1)
    with pytest.raises(InputError, match=r"posterior\.h5 is of other signals .*59 here, 60 there"):
        read_answers(all_paths(folder, True), other)
    with h5py.File(other, "a") as file:
        del file["level"]
    with pytest.raises(InputError, match=r"posterior\.h5: / lacks 'level'"):
        read_answers(all_paths(folder, True), other)


def test_decisions(tables, simulated):
    table = tables[True][0].set_index(["network", "kind", "decision"])
    assert table.index.is_unique
    assert len(table) == 3 * (4 + 5 + 4) + 2
    row = table.loc[("SequenceNet", "mixture", "least_expected")]
    deg = simulated.answers["sequencenet"]["mixture"].decision_deg["least_expected"]
    present = simulated.results["sequencenet"].tta_deg
    assert row["mean_deg"] == pytest.approx(deg.mean())
    assert row["median_deg"] == pytest.approx(np.median(deg, 1).mean())
    assert row["over_10_percent"] == pytest.approx(100 * (deg > 10).mean())
    assert row["mean_reduction_percent"] == pytest.approx(100 * (1 - deg.mean() / present.mean()))
    assert row["mean_reduction_low_percent"] < row["mean_reduction_percent"]
    assert (row["n"], row["seeds"]) == (N, 2)
    same = table.loc[("A third", "mixture", "medoid")]  # of the draws, here that of the answers
    assert same["mean_reduction_percent"] == pytest.approx(0, abs=1e-6)
    greedy = table.loc[("A third", "one_view", "greedy")]
    assert greedy["mean_deg"] == pytest.approx(simulated.results["nearest"].plain_deg.mean())
    assert np.isnan(greedy["mean_reduction_percent"])
    assert POSTERIOR not in tables[False][0]["network"].to_list()


def test_what_was_sharpened_is_overconfident_and_what_is_true_is_not(tables):
    table = tables[True][1].set_index(["network", "kind", "stage"]).sort_index()
    before, after = (table.xs(stage, level="stage") for stage in ("before", "after"))
    assert (before["error"] > 2 * after["error"]).all()
    assert (before["top_error_low"] > 0.05).all()
    assert (after["error"] < 3 * after["error_if_true"]).all()
    assert (after["covered_80"] - 0.8).abs().max() < 0.2
    assert (before["covered_50"] < 0.4).all()
    assert (before["log_score"] < after["log_score"]).all()
    assert (before["divergence"] > after["divergence"]).all()
    assert after["area_deg"].lt(after["area_random_deg"]).all()
    assert after["area_deg"].gt(after["area_best_deg"]).all()
    assert before["area_deg"].isna().all()
    exact = table.loc[(POSTERIOR, "posterior", "exact")]
    assert exact["divergence"] == exact["moved_weight"] == 0
    measured = tables[False][1]
    assert measured["divergence"].isna().all()
    assert measured["error"].notna().all()


@pytest.mark.parametrize("simulated_data", [True, False])
def test_every_form_of_the_tables_says_what_it_is(tables, simulated_data):
    decisions, truth = tables[simulated_data]
    for text in (several_markdown(decisions), calibration_markdown(truth)):
        assert text.startswith("**SIMULATED DATA") == simulated_data
        assert (POSTERIOR in text) == simulated_data
        assert "nan" not in text
        assert "60 test signals of simulated benchmark, 2 seeds" in text
        assert "−0.00" not in text
    for text, columns in (
        (several_latex(decisions, TWO.values()), 10),
        (calibration_latex(truth, TWO.values()), 13),
    ):
        rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multi" not in line]
        assert {row.count("&") for row in rows} == {columns - 1}
        assert r"Baseline\_1 & " in text
        assert "A third" not in text
        assert (POSTERIOR in text) == simulated_data
        assert "nan" not in text


def test_the_macros_are_the_same_with_and_without_a_posterior(tables):
    with_it, without = (
        macros(several_tex(*tables[simulated], TWO, RADIUS_DEG)) for simulated in (True, False)
    )
    assert with_it.keys() == without.keys()
    assert "nan" not in "".join([*with_it.values(), *without.values()])
    dashes = {name for name in without if without[name] == UNKNOWN} - {
        name for name in with_it if with_it[name] == UNKNOWN
    }
    expected = {name for name in with_it if "Divergence" in name or "MovedWeight" in name}
    assert dashes == expected | {name for name in with_it if name.startswith("posterior")}
    assert {name for name in with_it if with_it[name] == UNKNOWN} == {
        "eulernetOneViewBandwidth", "sequencenetOneViewBandwidth",
    }  # fmt: skip


def test_the_macros_have_the_numbers_of_the_tables(tables):
    decisions, truth = tables[True]
    found = macros(several_tex(decisions, truth, TWO, RADIUS_DEG))
    row = truth.set_index(["network", "kind", "stage"]).loc[("SequenceNet", "one_view", "after")]
    assert found["sequencenetOneViewEce"] == f"{row['error']:.3f}"
    assert found["sequencenetOneViewEceHigh"] == f"{row['error_high']:.3f}"
    assert found["sequencenetOneViewCoverageEighty"] == f"{100 * row['covered_80']:.1f}"
    assert found["sequencenetOneViewDivergence"] == f"{row['divergence']:.2f}"
    row = decisions.set_index(["network", "kind", "decision"]).loc[
        ("Baseline_1", "mixture", "least_expected")
    ]
    assert found["eulernetMixtureLeastExpectedMean"] == f"{row['mean_deg']:.2f}"
    assert found["eulernetMixtureGain"].startswith(f"{row['mean_reduction_percent']:.1f}")
    assert found["eulernetMixtureGain"].endswith(r"\,\% lower")
    assert found["eulernetMixtureGainVerdict"] == "excludes zero"
    assert float(found["posteriorMedian"]) < 1
    assert found["candidateRadius"] == "10"


def test_the_rule_writes_all_of_its_files(folder, tmp_path, tables):
    forms = ("csv", "md", "tex")
    main(
        all_paths(folder, True), folder / "posterior.h5", TITLES, TWO, RADIUS_DEG, RESAMPLES, STYLE,
        [tmp_path / f"several.{form}" for form in forms],
        [tmp_path / f"calibration.{form}" for form in forms],
        tmp_path / "several_numbers.tex",
        [tmp_path / f"reliability.{form}" for form in ("pdf", "png")],
        [tmp_path / f"risk_coverage.{form}" for form in ("pdf", "png")],
    )  # fmt: skip
    assert len(list(tmp_path.iterdir())) == 11
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "several.csv"), tables[True][0])
    for name in ("reliability", "risk_coverage"):
        text = PdfReader(tmp_path / f"{name}.pdf").pages[0].extract_text()
        assert "SIMULATED DATA" in text
        assert "Baseline_1" in text
        assert "A third" not in text
    assert POSTERIOR in text


def test_figures_of_measured_data_and_of_a_model_that_is_always_certain(folder, tmp_path):
    """One candidate of probability 1 for each signal, as of a regression from one view."""
    measured = read_answers(all_paths(folder, False), None)
    forecast = measured.answers["eulernet"]["one_view"].forecast
    for found in forecast.values():
        found.probability[:] = np.eye(found.probability.shape[-1])[0]
    plot_reliability(measured, TWO, RADIUS_DEG, STYLE, [tmp_path / "reliability.pdf"])
    plot_risk_coverage(measured, TWO, STYLE, [tmp_path / "risk.pdf"])
    for name in ("reliability", "risk"):
        text = PdfReader(tmp_path / f"{name}.pdf").pages[0].extract_text()
        assert "SIMULATED" not in text
        assert POSTERIOR not in text
