"""The sweep of the facet amplitude: what it makes of each dataset, and what of all of them."""

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from pypdf import PdfReader

from tests.workflow.conftest import ROOT
from tests.workflow.own_data import said
from tests.workflow.test_model_variants import planned
from tests.workflow.test_reruns import plan

SWEEP = "config/ambiguity.yaml"
SMALL = """
run: sweep
ambiguity: {facet_amplitudes: [0, 0.15]}
folds: [1]
several: {candidates: 4, draws: 8, draws_per_view: 2, beam_width: 4}
models:
  eulernet: {training: {epochs: 1}}
  sequencenet: {training: {epochs: 1, rolls_per_epoch: 1}}
  nearest: null
"""
NETWORKS = ("eulernet", "sequencenet")


@pytest.fixture(scope="module")
def swept(snakemake, project) -> Path:
    """The folder results/sweep after the target `ambiguity`, with config/ci.yaml's sizes."""
    done = snakemake("--", "ambiguity", changes=SMALL)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project / "results/sweep"


@pytest.fixture
def table(swept) -> pd.DataFrame:
    return pd.read_csv(swept / "ambiguity.csv")


def test_all_is_the_demos_but_amplitudes_and_epochs_twice_as_many():
    sweep, demo = (yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()) for name in
                   ("ambiguity", "demo"))  # fmt: skip
    assert (sweep.pop("run"), demo.pop("run")) == ("ambiguity", "demo")
    assert sweep.pop("ambiguity") == {"facet_amplitudes": [0, 0.02, 0.05, 0.1, 0.15, 0.3]}
    for name, model in sweep["models"].items():
        assert model["training"].pop("kept_epoch") == "last"
        assert model["training"]["epochs"] == 2 * demo["models"][name]["training"]["epochs"]
        model["training"]["epochs"] //= 2
    assert sweep == demo


def test_each_amplitude_has_a_dataset_both_trainings_and_its_posterior(snakemake):
    told = said(snakemake("-n", "--quiet", "rules", "--", "ambiguity", config=SWEEP))
    counts = dict(re.findall(r"^(\w+) +(\d+)$", told, re.MULTILINE))
    expected = dict.fromkeys(("simulate", "ingest", "split", "tokenize", "posterior"), "6")
    expected |= {"train": "12", "predict": "12"}
    expected |= dict.fromkeys(("ambiguity_scores", "ambiguity_figure", "ambiguity"), "1")
    assert {rule: n for rule, n in counts.items() if rule != "total"} == expected


def test_another_source_than_the_simulator_is_refused(snakemake):
    changes = "{data: {source: mendeley}, ambiguity: {facet_amplitudes: [0.1]}}"
    done = snakemake("-n", changes=changes)
    assert done.returncode == 1
    message = "config key ambiguity.facet_amplitudes: found [0.1] with data.source mendeley, expect"
    assert len([line for line in said(done).splitlines() if message in line]) == 1
    assert "Traceback" not in said(done)


@pytest.mark.parametrize("target", ["ambiguity", "results/none/ambiguity.csv"])
def test_a_sweep_over_nothing_is_refused(snakemake, project, target):
    done = snakemake("--", target, changes="run: none")
    assert done.returncode == 1
    assert done.stderr.count("facet_amplitudes: found [], expected one amplitude or more for") == 1
    assert "Traceback" not in said(done)
    assert not (project / "results/none").exists()


def test_the_paper_of_the_same_config_needs_no_dataset_of_the_sweep(snakemake):
    """Its own folds and models are in their usual places, and they alone."""
    done = snakemake("-n", changes=SMALL)
    assert len(planned(said(done), "train")) == len(NETWORKS)
    assert "results/sweep/folds/1.h5" in said(done)
    assert "results/sweep/c0" not in said(done)


def test_each_dataset_is_complete_in_a_folder_of_its_own(swept):
    for name in ("c0", "c0.15"):
        folder = swept / name
        for network in NETWORKS:
            assert (folder / f"models/{network}/1/1/weights.safetensors").is_file()
            assert (folder / f"predictions/{network}/1/1.h5").is_file()
            assert (folder / f"logs/predict/{network}/1/1.log").is_file()
            assert (folder / f"benchmarks/train/{network}/1/1.tsv").is_file()
        for file in ("archive/data/SIMULATED.json", "dataset.h5", "folds/1.h5", "posterior/1.h5"):
            assert (folder / file).is_file()
    assert not (swept / "dataset.h5").exists()  # of this run itself nothing was asked


def test_without_facets_a_signal_repeats_after_half_a_turn(swept):
    changes = []
    for name in ("c0", "c0.15"):
        with h5py.File(swept / name / "dataset.h5") as file:
            signals = file["evaluation/01/signals"][()].astype(float)
        halves = np.roll(signals, 36, axis=-1) - signals
        without_noise = halves.reshape(len(signals), 6, 8, 9).mean(-1)  # most of it
        changes.append((without_noise**2).mean())
    assert changes[0] < changes[1] / 3


def test_a_row_for_each_amplitude_network_and_kind_of_answer(table):
    kinds = ["plain", "tta", "one_view", "mixture"]
    expected = [*((network, kind) for network in NETWORKS for kind in kinds), ("exact", "exact")]
    for amplitude in (0.0, 0.15):
        rows = table[table["facet_amplitude"] == amplitude]
        assert list(zip(rows["model"], rows["kind"], strict=True)) == expected
        assert set(rows["n"]) == {50}
    assert len(table) == 2 * len(expected)
    assert table["simulated"].all()
    sources = table.groupby("facet_amplitude")["source"].unique()
    assert len(sources[0.0]) == len(sources[0.15]) == 1
    assert sources[0.15][0].endswith("sim-v1")
    assert not sources[0.0][0].endswith("sim-v1")


def test_numbers_are_in_their_ranges_and_intervals_around_them(table):
    several = table[table["candidates"].notna()]
    assert set(several["kind"]) == {"one_view", "mixture", "exact"}
    for column in several.filter(regex="_share$|_probability$|_weight$|_off$"):
        assert several[column].dropna().between(0, 1).all()
    for column in ("median_deg", "best_of_two_median_deg", "true_probability"):
        low, value, high = (several[column + end] for end in ("_low", "", "_high"))
        assert ((low <= value) & (value <= high)).all()
    assert (table["median_deg"] <= 63).all()
    assert (several["best_of_two_median_deg"] <= 63).all()
    alone = table[(table["model"] == "eulernet") & (table["kind"] == "one_view")]
    assert (alone["candidates"] <= 1).all()


def test_the_exact_posterior_knows_of_both_orientations_without_facets(table):
    exact = table[table["kind"] == "exact"].set_index("facet_amplitude")
    assert exact.loc[0.0, "held_10_share"] > 0.5 > exact.loc[0.15, "held_10_share"]
    assert exact.loc[0.0, "median_deg"] > exact.loc[0.15, "median_deg"]
    assert exact.loc[0.15, "true_probability"] > 0.8
    assert abs(exact.loc[0.0, "true_weight"] - 0.5) < 0.2


def test_the_table_and_the_figure_show_it(swept):
    text = (swept / "ambiguity.md").read_text()
    assert text.startswith("**SIMULATED DATA, not measurements.** ")
    for title in ("EulerNet", "SequenceNet", "Exact posterior"):
        assert f"| {title} " in text
    assert (swept / "ambiguity.png").stat().st_size > 20_000
    drawn = PdfReader(swept / "ambiguity_sweep.pdf").pages[0].extract_text()
    assert "SIMULATED DATA" in drawn
    assert "Exact posterior" in drawn


def test_a_dataset_that_is_gone_is_made_anew(swept, snakemake):
    """As after a job that failed: what it should have made is removed."""
    dataset, elsewhere = swept / "c0/dataset.h5", swept / "elsewhere.h5"
    dataset.rename(elsewhere)
    try:
        assert "ingest" in plan(snakemake("-n", "--", "ambiguity", changes=SMALL))
    finally:
        elsewhere.rename(dataset)


def test_it_is_done_once_and_one_more_amplitude_is_all_that_is_added(swept, snakemake):
    assert plan(snakemake("-n", "--", "ambiguity", changes=SMALL)) == {}
    more = SMALL.replace("[0, 0.15]", "[0.3, 0.15, 0.0]")
    done = snakemake("-n", "--", "ambiguity", changes=more)
    assert {"simulate", "train", "predict", "posterior", "ambiguity_figure"} <= plan(done).keys()
    trained = {
        re.search(r"results/sweep/(\S+?)/models", job)[1] for job in planned(said(done), "train")
    }
    assert trained == {"c0.3"}
