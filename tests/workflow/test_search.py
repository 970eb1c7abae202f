"""The search for settings: what it trains, that it predicts nothing, and what it writes."""

import re

import pandas as pd
import pytest

from tests.workflow.own_data import said
from tests.workflow.test_model_variants import planned
from tests.workflow.test_reruns import plan

TUNE = "config/tune.yaml"
PAIR = """
models:
  longer: {like: eulernet, training: {epochs: 6}}
  wider: {like: sequencenet, architecture: {width: 80}}
"""


def test_the_search_trains_every_candidate_and_predicts_nothing(snakemake):
    """Both networks have as many of them; test signals would be predicted by `predict`."""
    done = snakemake("-n", "--", "tune", config=TUNE)
    assert plan(done).keys() == {"simulate", "ingest", "split", "tokenize", "train", "tune"}
    trained = [
        re.search(r"models/(\w+)/1/([123])/", job).groups() for job in planned(said(done), "train")
    ]
    names = {name for name, _ in trained}
    assert sorted(trained) == sorted((name, seed) for name in names for seed in "123")
    networks = [name.split("_")[0] for name in names]
    assert networks.count("eulernet") == networks.count("sequencenet") >= 2


def test_the_searchs_config_is_one_of_the_whole_pipeline_too(snakemake):
    assert {"train", "predict", "paper"} <= plan(snakemake("-n", config=TUNE)).keys()


@pytest.mark.parametrize("target", ["tune", "results/tune/tuning.md"])
def test_unequal_care_is_refused_before_anything_is_trained(snakemake, project, target):
    done = snakemake("--", target, config=TUNE, changes="models: {more: {like: eulernet}}")
    assert done.returncode == 1
    message = r"config key models: found \d of eulernet and \d of sequencenet, expected the same"
    assert len(re.findall(message, done.stderr)) == 1
    assert "Traceback" not in said(done)
    assert not (project / "results/tune").exists()


def test_of_a_finished_run_only_the_table_is_made_and_then_nothing(finished, snakemake):
    """And a further pair of candidates trains itself alone."""
    assert plan(snakemake("-n", "--", "tune")).keys() == {"tune"}
    done = snakemake("--", "tune")
    assert done.returncode == 0, done.stderr[-3000:]
    table = pd.read_csv(finished / "tuning.csv")
    assert sorted(table["network"]) == ["eulernet"] * 2 + ["sequencenet"] * 2  # and no `nearest`
    assert (table["tflop"] > 0).all()
    text = (finished / "tuning.md").read_text()
    assert "**SIMULATED DATA" in text
    assert "| EulerNet " in text
    assert (finished / "tuning.png").stat().st_size > 10_000
    assert plan(snakemake("-n", "--", "tune")) == {}
    told = said(snakemake("-n", "--", "tune", changes=PAIR))
    names = {re.search(r"models/(\w+)/", output)[1] for output in planned(told, "train")}
    assert names == {"longer", "wider"}
