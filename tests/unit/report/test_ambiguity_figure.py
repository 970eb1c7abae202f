"""The sweep as a table, a figure and macros, from rows whose numbers are chosen here."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from workflow.lib.report.ambiguity import (
    COLUMNS,
    origin,
    plot_sweep,
    read_sweep,
    sweep_latex,
    sweep_markdown,
)
from workflow.lib.runtime.files import InputError

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
TITLES = {"eulernet": "EulerNet", "sequencenet": "SequenceNet", "exact": "Exact posterior"}
AMPLITUDES = (0.0, 0.02, 0.15)


def row(c: float, model: str, kind: str) -> dict:
    """Of a kind with candidates: two, or one where the model is a regression and sees one view."""
    of_candidates = dict.fromkeys(COLUMNS, np.nan)
    if kind not in ("plain", "tta"):
        alone = model == "eulernet" and kind == "one_view"
        of_candidates |= {
            "candidates": 1.0 if alone else 2.0, "best_of_two_median_deg": 2.5,
            "best_of_two_median_deg_low": 2.25, "best_of_two_median_deg_high": 2.75,
            "held_5_share": 0.0 if alone else 0.875, "held_10_share": 0.9375,
            "true_probability": 0.5 + c, "turned_probability": 0.5 - c, "true_off": 0.0625,
            "turned_off": 0.03125, "true_weight": np.nan if alone else 0.53,
            "turned_weight": np.nan if alone else 0.47,
        }  # fmt: skip
    return of_candidates | {
        "facet_amplitude": c, "source": f"sim at {c}", "simulated": True, "model": model,
        "title": TITLES[model], "kind": kind, "fold": 1, "n": 750,
        "seeds": 1 if model == "exact" else 3, "resamples": 999, "commit": "0123456789ab",
        "date": "2026-01-01", "median_deg": 20 - 100 * c, "median_deg_low": 19 - 100 * c,
        "median_deg_high": 21 - 100 * c, "mean_deg": 22.5, "far_share": 0.75, "near_share": 0.125,
        "between_share": 0.625,
    }  # fmt: skip


@pytest.fixture
def table() -> pd.DataFrame:
    kinds = ("plain", "tta", "one_view", "mixture")
    of_amplitude = [(model, kind) for model in list(TITLES)[:2] for kind in kinds]
    of_amplitude.append(("exact", "exact"))
    return pd.DataFrame([row(c, *of) for c in AMPLITUDES for of in of_amplitude])


def test_the_table_has_a_row_for_all_but_what_stands_there_already(table):
    text = sweep_markdown(table)
    assert text.startswith("**SIMULATED DATA, not measurements.** At facet amplitude 0 ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = [cells for cells in rows if cells and cells[1] in TITLES.values()]
    assert len(rows) == 3 * 8  # EulerNet's distribution of one view is its one answer
    assert rows[0] == [
        "0", "EulerNet", "one answer to one view", "20.00 [19.00, 21.00]", "22.50", "75 %", "12 %",
        "62 %", "–", "– (–)", "–", "–", "–, –", "–, –",
    ]  # fmt: skip
    assert rows[2] == [
        "0", "EulerNet", "several, 72 views", "20.00 [19.00, 21.00]", "22.50", "75 %", "12 %",
        "62 %", "2.50 [2.25, 2.75]", "88 % (94 %)", "0.50", "0.50", "0.06, 0.03", "0.53, 0.47",
    ]  # fmt: skip
    assert [cells[2] for cells in rows if cells[0] == "0.15"][-1] == "several"


def test_the_origin_counts_trainings_of_networks_alone(table):
    text = "Fold 1; 750 signals for each amplitude; trainings of a network: 3; resamples: 999; "
    assert origin(table) == text + "commit 0123456789ab; 2026-01-01."


def test_a_sweep_is_read_as_it_was_written(table, tmp_path):
    table.to_csv(tmp_path / "ambiguity.csv", index=False)
    pd.testing.assert_frame_equal(read_sweep(tmp_path / "ambiguity.csv"), table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no CSV of a sweep"),
        ("network,candidate\n", "has no column facet_amplitude; expected results/ambiguity/ambig"),
        (",".join(COLUMNS), "has no rows; expected"),
    ],
)
def test_another_file_is_no_sweep(text, message, tmp_path):
    (tmp_path / "ambiguity.csv").write_text(text)
    with pytest.raises(InputError, match=rf"ambiguity\.csv {message}"):
        read_sweep(tmp_path / "ambiguity.csv")


def test_macros_are_of_letters_and_hold_the_numbers(table):
    text = sweep_latex(table)
    macros = dict(re.findall(r"^\\newcommand\{\\(\w+)\}\{(.*)\}$", text, re.MULTILINE))
    assert len(macros) == text.count(r"\newcommand") == len(text.splitlines()) - 1
    assert all(name.isalpha() and name.startswith("ambiguity") for name in macros)
    assert macros["ambiguityAmplitudes"] == "0, 0.02, 0.15"
    assert macros["ambiguityN"] == "750"
    assert macros["ambiguityOrigin"].startswith(r"\textcolor{notice}{\textbf{SIMULATED DATA")
    assert macros["ambiguityZeroEulernetPlainMedian"] == "20.00"
    assert macros["ambiguityZeroEulernetPlainBetween"] == "62.5"
    assert macros["ambiguityUsualSequencenetMixtureHeld"] == "87.5"
    assert macros["ambiguityUsualSequencenetOneViewTurned"] == "0.35"
    assert macros["ambiguityZeroExactTrueWeight"] == "0.53"
    assert "ambiguityZeroEulernetOneViewMedian" not in macros
    with pytest.raises(InputError, match=r"no facet amplitude 0\.15; expected results/ambiguity"):
        sweep_latex(table[table["facet_amplitude"] < 0.1])


def test_the_figure_shows_every_amplitude_and_every_series(table, tmp_path):
    plot_sweep(table, STYLE, [tmp_path / "sweep.pdf", tmp_path / "sweep.png"])
    text = PdfReader(tmp_path / "sweep.pdf").pages[0].extract_text()
    assert "SIMULATED DATA" in text
    for label in (
        "EulerNet, single, one view", "EulerNet, single, 72 views", "EulerNet, 72 views",
        "SequenceNet, one view", "SequenceNet, 72 views", "Exact posterior",
    ):  # fmt: skip
        assert text.count(label) == 1
    assert "SequenceNet, single" not in text
    assert text.count("0.02") == 5  # a tick of each panel
    assert (tmp_path / "sweep.png").stat().st_size > 20_000


def test_measured_data_would_have_no_notice(table, tmp_path):
    table["simulated"] = False
    plot_sweep(table, STYLE, [tmp_path / "sweep.pdf"])
    assert "SIMULATED" not in PdfReader(tmp_path / "sweep.pdf").pages[0].extract_text()
    assert "SIMULATED" not in sweep_markdown(table) + sweep_latex(table)
