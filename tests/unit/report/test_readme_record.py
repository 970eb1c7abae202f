"""The README's table of the evidence is the record's."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]
RECORD = ROOT / "paper/record"


def rows() -> dict[str, list[str]]:
    """The cells of the README's table by the title of the model."""
    text = (ROOT / "README.md").read_text()
    table = re.search(r"<!-- record -->\n(.*?)<!-- /record -->", text, re.DOTALL)[1]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return {cells[1]: [cell.strip() for cell in cells] for cells in lines[2:]}


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    controls = pd.read_csv(RECORD / "controls.csv")
    return controls.set_index(["title", "statistic"])


def test_every_model_of_the_record_has_a_row(values):
    assert set(rows()) == set(values.index.get_level_values("title"))


def test_the_numbers_are_the_records(values):
    for title, cells in rows().items():
        kind, _, tflop, seeds, median, tta, mean = cells[:7]
        of_tta = values.loc[title, "tta_median_deg"]
        assert (kind, int(seeds)) == (of_tta["kind"], of_tta["seeds"])
        assert median == f"{values.loc[(title, 'median_deg'), 'value']:.2f}"
        assert tta == f"{of_tta['value']:.2f} [{of_tta['low']:.2f}, {of_tta['high']:.2f}]"
        assert mean == f"{values.loc[(title, 'tta_mean_deg'), 'value']:.2f}"
        models = pd.read_csv(RECORD / "models.csv").set_index("title")
        known = models.loc[title, "tflop"]
        assert tflop == ("" if pd.isna(known) else f"{known:.1f}")
