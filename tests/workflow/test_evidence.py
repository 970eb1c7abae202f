"""The evidence, made tiny: every row of the record, the paper from it, what has moved."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pypdf import PdfReader
from snakemake.utils import update_config

from tests.workflow.conftest import ROOT
from tests.workflow.test_reruns import plan
from workflow.lib.report.evidence.freeze import BESIDE, LARGEST_BYTES
from workflow.lib.report.evidence.record import KEYS
from workflow.lib.runtime.variants import resolve_models

CONFIGS = ["config/evidence.yaml", "config/evidence_small.yaml"]
WHOLE = yaml.safe_load((ROOT / CONFIGS[0]).read_text())
SMALL = yaml.safe_load((ROOT / CONFIGS[1]).read_text())["models"]
MADE = WHOLE["models"].keys() - {name for name, model in SMALL.items() if model is None}
RECORD = ROOT / "paper/record"
BUDGETS = {f"{name}_{much}" for name in ("eulernet", "sequencenet", "mixture")
           for much in ("quarter", "half", "double")}  # fmt: skip
OVER_FOLDS = {"eulernet", "sequencenet", "mixture", "grid"}


@pytest.fixture(scope="module")
def small(snakemake, project) -> Path:
    """The folder results/evidence_small after the whole run and what is made on request."""
    done = snakemake("--configfile", *CONFIGS, "--", "all", MOVED, config="")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project / "results/evidence_small"


MOVED = "results/evidence_small/moved.md"


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"record/{name}.csv")


def resolved() -> dict[str, dict]:
    """The models of evidence.yaml, whole."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    update_config(config, WHOLE)
    resolve_models(config)
    return config["models"]


def test_the_two_compared_are_the_demos():
    demo = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    for name, model in demo["models"].items():
        mine = WHOLE["models"][name]
        assert mine["architecture"] == model["architecture"]
        assert mine["training"] == model["training"]


def test_a_control_has_the_recipe_of_the_writer_but_its_epochs():
    models = resolved()
    recipe = models["sequencenet"]["training"]
    for name in models.keys() - BUDGETS - {"eulernet", "ensemble", "ensemble_mixture", "nearest"}:
        training = {key: models[name]["training"].get(key) for key in recipe}
        assert training | {"epochs": recipe["epochs"]} == recipe, name


def test_every_model_is_in_the_record_with_the_trainings_of_the_config(small):
    trainings = table(small, "trainings")
    assert set(trainings["network"]) == MADE
    count = trainings.groupby("network").size().to_dict()
    two = {"sequencenet": 3, "mixture": 3}  # two seeds on fold 1, one on fold 2
    one = {name: 2 if name in OVER_FOLDS else 1 for name in MADE}
    assert count == one | two
    alone, budgets = MADE - BUDGETS, MADE & BUDGETS
    assert set(table(small, "controls")["network"]) == alone
    assert set(table(small, "models").query("base.notna()")["network"]) == budgets
    assert set(table(small, "fold_summary")["network"]) == OVER_FOLDS
    differences = table(small, "differences")
    assert set(differences["network"]) == alone
    assert set(differences["reference"]) == {"eulernet", "sequencenet"}
    assert (differences["p_holm"] >= differences["p"]).all()
    for name in ("seams", "near_far", "spellings", "triangle"):
        assert set(table(small, name)["network"]) == alone, name
    assert set(table(small, "views")["network"]) == set(WHOLE["views"]["models"])
    assert set(table(small, "arithmetic")["base"]) == {"eulernet", "sequencenet", "mixture"}


def test_an_ensemble_is_of_all_seeds_of_its_model(small):
    model = json.loads((small / "models/ensemble/1/1/model.json").read_text())
    parts = [
        json.loads((small / f"models/sequencenet/1/{s}/model.json").read_text()) for s in (1, 2)
    ]
    assert model["tflop"] == pytest.approx(sum(part["tflop"] for part in parts))
    assert model["architecture"]["of"]["members"] == 2


def test_its_paper_shows_its_own_evidence_and_says_so(small):
    text = "\n".join(page.extract_text() for page in PdfReader(small / "paper.pdf").pages)
    text = re.sub(r"\s+", " ", text)
    assert "SIMULATED DATA" in text
    assert "from this run (simulated benchmark sim-v1" in text
    for name in ("6D rotation", "Cubic tensor", "Causal transformer", "Ensemble of three"):
        assert name in text
    assert "??" not in text
    claims = table(small, "claims")
    assert set(claims["verdict"]) <= {"held", "did not hold", "undecided"}
    assert len(claims) == 8


def test_results_json_tells_where_each_number_of_the_text_is_from(small, project):
    results = json.loads((small / "results.json").read_text())
    assert results["simulated"] is True
    numbers = {entry["name"]: entry for entry in results["numbers"]}
    files = results["files"]
    assert files[numbers["sequencenetMedian"]["file"]]["rule"] == "numbers"
    for entry in numbers.values():
        made_of = files[entry["file"]]["inputs"]
        assert all((project / path).is_file() for path in [entry["file"], *made_of])
        assert all((project / "paper/sections" / name).is_file() for name in entry["sections"])
    cell = numbers["evidencePairSentence"]["record"][0]
    found = table(small, cell["file"].removesuffix(".csv"))
    for key, value in cell["keys"].items():
        found = found[found[key] == value]
    assert found[cell["column"]].to_list() == [pytest.approx(cell["value"])]


def test_what_has_moved_since_the_record_was_frozen_is_told(small):
    moved = pd.read_csv(small / "moved.csv")
    assert len(moved) > 100  # nothing is learnt well here
    assert "moved" in (small / "moved.md").read_text()


def test_a_second_run_has_nothing_to_do(small, snakemake):
    assert plan(snakemake("--configfile", *CONFIGS, "-n", config="")) == {}


def test_the_frozen_record_is_whole_small_and_simulated():
    files = {path.name: path.stat().st_size for path in RECORD.iterdir()}
    assert files.keys() == {*KEYS, *BESIDE, "results.json"}
    assert files["maps.h5"] < 150_000
    assert sum(files.values()) < LARGEST_BYTES
    assert json.loads((RECORD / "provenance.json").read_text())["simulated"] is True


def test_the_frozen_controls_had_the_same_arithmetic():
    models = pd.read_csv(RECORD / "models.csv").set_index("network")
    trained = models[models["tflop"].notna() & models["base"].isna()]
    trained = trained[~trained["kind"].isin(["ensemble"])]
    assert len(trained) > 10
    assert trained["tflop"].between(10.2, 10.4).all()
