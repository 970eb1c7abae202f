"""The model card: what release.json has, in words; simulated data are called so at its head."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from workflow.lib.maps.release.contents import CONVENTIONS, SIGNAL
from workflow.lib.report.model_card import model_card
from workflow.lib.runtime.config import check_config
from workflow.lib.runtime.scans import scans_of

ROOT = Path(__file__).parents[3]


def statistics(median: float) -> dict:
    return {
        kind: {
            "median": median / divisor,
            "median_95": [median / divisor - 0.25, median / divisor + 0.5],
            "mean": 2 * median / divisor,
            "mean_95": [2 * median / divisor - 1, 2 * median / divisor + 1],
            "invalid": 7 if kind == "plain" else 0,
        }
        for kind, divisor in (("plain", 1), ("tta", 2))
    }


def model(name: str, title: str, fold: int, seed: int, median: float) -> dict:
    return {
        "network": name, "title": title, "class": "c", "architecture": {"of": {"width": 8}},
        "fold": fold, "seed": seed, "test_specimen": fold, "n_training": 500 + fold,
        "n_validation": 5, "n": 40, "misorientation_deg": statistics(median),
    }  # fmt: skip


FACTS = {
    "format": 1,
    "run": "mine",
    "data": {"source": "simulated benchmark sim-v1", "sha256": "5a" * 32, "simulated": True},
    "code": {"commit": "0123abc", "uncommitted_changes": False},
    "conventions": CONVENTIONS,
    "signal": SIGNAL,
    "anomaly": {"components": 32, "false_alarms": 0.001},
    "default": {"network": "b", "fold": 1, "seed": 1},
    "results": [
        {"network": name, "title": title, "fold": 1, "seeds": [1, 2], "n": 40,
         "misorientation_deg": statistics(median)}
        for name, title, median in (("a", "First", 8), ("b", "Second", 4))
    ],
    "models": [
        model("a", "First", 1, 1, 7.5), model("a", "First", 1, 2, 8.5),
        model("a", "First", 8, 1, 3), model("a", "First", 2, 1, 6),
        model("b", "Second", 1, 1, 4), model("b", "Second", 8, 1, 5),
    ],
}  # fmt: skip
CARD = model_card(FACTS)


def measured() -> dict:
    facts = copy.deepcopy(FACTS)
    facts["data"] |= {"source": "Mendeley Data", "simulated": False}
    return facts


def rows(card: str, first: str) -> list[list[str]]:
    """The rows of the table whose first heading is `first`, without its heading."""
    lines = iter(card.splitlines())
    next(line for line in lines if line.startswith("|") and line.split("|")[1].strip() == first)
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_the_first_line_says_that_data_are_simulated():
    assert CARD.splitlines()[0] == "# SIMULATED: networks of the run mine"
    assert "**SIMULATED DATA, not measurements.**" in CARD.splitlines()[2]
    assert "on the simulated evaluation set" in CARD
    assert "forward model is an assumption" in CARD


def test_of_measured_data_no_word_says_that_they_are_simulated():
    card = model_card(measured())
    assert card.splitlines()[0] == "# Networks of the run mine"
    assert "simulat" not in card.lower()
    assert "Mendeley Data" in card


def test_the_metrics_stand_with_their_intervals():
    table = CARD.split("## How good they are")[1]
    first, second = rows(table, "network")
    assert first == [
        "First", "8.00 [7.75, 8.50]", "16.00 [15.00, 17.00]", "4.00 [3.75, 4.50]",
        "8.00 [7.00, 9.00]", "40", "2", "7",
    ]  # fmt: skip
    assert second[:2] == ["Second", "4.00 [3.75, 4.50]"]


def test_folds_have_means_over_their_seeds_and_gaps_where_a_network_lacks_one():
    assert rows(CARD, "test specimen") == [
        ["1", "8.00", "4.00", "4.00", "2.00"],
        ["2", "6.00", "3.00", "–", "–"],
        ["8", "3.00", "1.50", "5.00", "2.50"],
    ]


def test_one_fold_has_no_table_of_folds():
    facts = copy.deepcopy(FACTS)
    facts["models"] = [m for m in facts["models"] if m["fold"] == 1]
    card = model_card(facts)
    text = " ".join(card.split())
    assert "test specimen" not in text
    assert "There is 1 fold." in text
    assert "it learnt from 501 signals" in text


def test_models_are_listed_with_their_folds_and_seeds():
    first, second = rows(CARD.split("## How good")[0], "network")
    assert first == ["`a`", "First", "c", "of (width 8)", "1–2, 8", "1–2"]
    assert second[-2:] == ["1, 8", "1"]
    text = " ".join(CARD.split())
    assert "learnt from 501 to 508 signals" in text
    assert "Second (`b`), fold 1, seed 1 maps" in text


def test_every_convention_and_the_geometry_are_stated():
    text = " ".join(CARD.split())
    for sentence in CONVENTIONS.values():
        assert " ".join(sentence.split()) in text
    assert "elevations 15, 25, 35, 45, 55, 65° by azimuths 0, 5, … 355°" in text


def test_uncommitted_changes_are_admitted():
    facts = copy.deepcopy(FACTS)
    assert "commit 0123abc." in " ".join(CARD.split())
    facts["code"]["uncommitted_changes"] = True
    assert "0123abc, with uncommitted changes." in " ".join(model_card(facts).split())


def test_the_config_that_it_shows_is_one_that_the_workflow_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.zip").touch()
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", CARD, re.DOTALL)[1])
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    update_config(config, example)
    check_config(config, ROOT / "workflow/schemas/config.schema.yaml")
    (scan,) = scans_of(config).values()
    assert (scan["signals"], scan["step_um"]) == ("my_scan.npy", 5.0)
    assert example["maps"]["networks"] == [FACTS["default"]["network"]]


def test_the_python_that_it_shows_imports_what_there_is():
    code = re.search(r"```python\n(.*?)```", CARD, re.DOTALL)[1]
    statement = next(line for line in code.splitlines() if line.startswith("from "))
    exec(statement, found := {})
    assert callable(found["open_release"])


@pytest.mark.parametrize("facts", [FACTS, measured()], ids=["simulated", "measured"])
def test_lines_are_short_but_in_tables_and_every_section_is_there(facts):
    card = model_card(facts)
    lines = [line for line in card.splitlines() if not line.startswith("|")]
    assert max(map(len, lines)) <= 100
    headings = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert headings == [
        "Models", "How good they are", "Conventions", "How to use them", "Intended use", "Limits",
        "Licence",
    ]  # fmt: skip
    assert "0.1 % of the validation signals" in " ".join(card.split())
    assert card.endswith("\n")
    assert not card.endswith("\n\n")
