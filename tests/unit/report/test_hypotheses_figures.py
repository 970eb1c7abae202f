"""From predictions files to the four tables on record, and from these to figures and a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from tests.unit.quaternions import random_quaternions
from workflow.lib.evaluation.hypotheses import read_evidence
from workflow.lib.inference.predictions import Predictions, write_predictions
from workflow.lib.report.evidence.seams_figure import plot_seams
from workflow.lib.report.evidence.spellings_table import spellings_latex
from workflow.lib.report.evidence.triangle_figure import plot_triangles
from workflow.lib.runtime.files import InputError
from workflow.scripts.hypotheses import main

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
TITLES = {"angles": "Angles & co", "letters": "Letters", "digits": "Digits"}
KINDS = {"angles": "regression", "letters": "writer", "digits": "writer"}
N = 120


def predictions(path: Path, network: str, seed: int, of: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    reference, error = random_quaternions(N, of).numpy(), rng.exponential(6, N)
    answers = Predictions(random_quaternions(N, 9).numpy(), reference, reference, error, error / 2)
    write_predictions(path, answers, {"network": network, "simulated": True})
    return path


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("record")
    files = [
        predictions(folder / f"{network}{seed}.h5", network, seed)
        for network in ("digits_half", *TITLES)
        for seed in (1, 2)
    ]
    models = folder / "models.csv"
    models.write_text("network,base\nangles,\nletters,\ndigits,\ndigits_half,digits\n")
    titles = TITLES | {"digits_half": "Digits, half"}
    names = ("seams", "near_far", "spellings", "triangle")
    main(files, models, titles, KINDS, 30, **{name: folder / f"{name}.csv" for name in names})
    return folder


def test_the_tables_have_the_columns_that_were_agreed_upon(record):
    columns = {
        "seams": "network title kind distance from_deg to_deg n tta median_deg mean_deg "
        "over_10_share low high",
        "near_far": "network distance tta statistic value low high",
        "spellings": "network statistic value low high n",
        "triangle": "network title bin x y n median_deg mean_deg",
    }
    for name, wanted in columns.items():
        table = pd.read_csv(record / f"{name}.csv")
        assert set(wanted.split()) <= set(table)
        assert list(table["network"].unique()) == list(TITLES)  # not the other budget


def test_predictions_that_do_not_belong_together_are_refused(record, tmp_path):
    one = record / "angles1.h5"
    other = predictions(tmp_path / "other.h5", "angles", 1, of=1)
    with pytest.raises(InputError, match=r"other\.h5 is of other signals than .*angles1\.h5"):
        read_evidence([one, other], TITLES)
    with pytest.raises(InputError, match="predictions of angles; expected some of digits"):
        read_evidence([one], {"digits": "Digits"})
    assert read_evidence([one], TITLES).answers["angles"].plain_deg.shape == (1, N)


def text_of(pdf: Path) -> str:
    return PdfReader(pdf).pages[0].extract_text()


def test_figures_name_models_and_that_data_are_simulated(record, tmp_path):
    seams = [tmp_path / f"seams.{suffix}" for suffix in ("pdf", "png")]
    plot_seams(record / "seams.csv", ["angles", "letters"], ["digits", "gone"], STYLE, seams)
    text = text_of(seams[0])
    for shown in (*TITLES.values(), "SIMULATED DATA", "own seams"):
        assert shown in text
    triangle = [tmp_path / f"triangle.{suffix}" for suffix in ("pdf", "png")]
    plot_triangles(record / "triangle.csv", ["angles", "letters"], STYLE, triangle)
    text = text_of(triangle[0])
    for shown in ("Letters", "SIMULATED DATA", "[001]", "[111]"):
        assert shown in text
    assert "Digits" not in text
    again = tmp_path / "again.pdf"
    plot_triangles(record / "triangle.csv", ["angles", "letters"], STYLE, [again])
    assert again.read_bytes() == triangle[0].read_bytes()


def test_a_cell_without_signals_and_measured_data(record, tmp_path):
    table = pd.read_csv(record / "triangle.csv").assign(simulated=False)
    table.loc[table["bin"] == 0, ["n", "median_deg", "mean_deg"]] = [0, np.nan, np.nan]
    table.to_csv(tmp_path / "triangle.csv", index=False)
    plot_triangles(tmp_path / "triangle.csv", ["angles"], STYLE, [tmp_path / "one.pdf"])
    assert "SIMULATED" not in text_of(tmp_path / "one.pdf")


def test_the_table_of_spellings_has_writers_first(record, tmp_path):
    table = pd.read_csv(record / "spellings.csv")
    mixed = (table["network"] == "letters") & (table["statistic"] == "mixed")
    table.loc[mixed, ["value", "low", "high"]] = [0.125, 0.0625, 0.25]
    table.to_csv(tmp_path / "spellings.csv", index=False)
    lines = spellings_latex(tmp_path / "spellings.csv").splitlines()
    assert lines[0] == "% SIMULATED DATA, not measurements"
    order = [
        line.split(" & ")[0] for line in lines if line.startswith(("Let", "Dig", "Ang", r"\mid"))
    ]
    assert order == [r"\midrule", "Letters", "Digits", r"\midrule", r"Angles \& co"]
    assert "12.5 [6.2, 25.0]" in next(line for line in lines if line.startswith("Letters"))


def test_other_tables_are_refused(record, tmp_path):
    with pytest.raises(InputError, match=r"near_far\.csv has no column from_deg"):
        plot_seams(record / "near_far.csv", ["angles"], [], STYLE, [tmp_path / "a.pdf"])
    with pytest.raises(InputError, match="the record has no network gone, only angles, digits"):
        plot_seams(record / "seams.csv", ["gone"], [], STYLE, [tmp_path / "a.pdf"])
    with pytest.raises(InputError, match=r"gone\.csv is no CSV"):
        spellings_latex(tmp_path / "gone.csv")
    (tmp_path / "short.csv").write_text(
        "\n".join((record / "triangle.csv").read_text().split("\n")[:9])
    )
    with pytest.raises(
        InputError, match=r"network angles: 8 cells of a triangle; expected a square"
    ):
        plot_triangles(tmp_path / "short.csv", ["angles"], STYLE, [tmp_path / "a.pdf"])
    assert not (tmp_path / "a.pdf").exists()
