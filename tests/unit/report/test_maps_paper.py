"""The paper's figure, table and sentences of maps, from numbers that are chosen here."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader
from scipy.spatial.transform import Rotation

from workflow.lib.maps.record import Anomalies, MapsOnRecord, SpecimenMaps, write_maps
from workflow.lib.report.evidence.record import Record
from workflow.lib.report.evidence.results import macros_of
from workflow.lib.report.maps_figure import plot_maps
from workflow.lib.report.maps_paper import (
    ANOMALOUS,
    COLUMNS,
    MACROS,
    NO_ANOMALOUS,
    NO_SPECIMEN,
    SPECIMEN,
    maps_latex,
    maps_macros,
    maps_tex,
)
from workflow.scripts import maps_figure as figure_script
from workflow.scripts import maps_record as record_script

ROOT = Path(__file__).parents[3]
STYLE = ROOT / "paper/style/figures.mplstyle"
ORIGIN = {
    "run": "made_up", "commit": "abc", "date": "2026-01-01", "simulated": True, "source": "sim",
    "n": 9, "fold": 1, "compared": ["e", "s"],
}  # fmt: skip
NUMBERS = {
    "threshold_deg": 5.0, "fold": 8, "seed": 1, "views": 1, "pixels": 9216, "indexed": 0.96,
    "grains": 21, "true_grains": 20, "in_grains": 0.9, "adjusted_rand_index": 0.9612,
    "median_deg": 2.5, "mean_deg": 4.0, "inside_median_deg": 2.25, "inside_mean_deg": 3.0,
    "near_median_deg": 3.5, "near_mean_deg": 6.0, "anomalies": 1234, "auc_anomalies": 0.9731,
    "found_anomalies": 0.7, "pores": 234, "auc_pores": 0.991, "found_pores": 0.9,
    "under_etched": 1000, "auc_under_etched": 0.962, "found_under_etched": 0.6,
    "false_alarms": 0.0123, "false_alarms_inside": 0.001, "false_alarms_near": 0.0216,
    "simulated": True,
}  # fmt: skip


def row(truth: str, network: str, title: str, **changed: float) -> dict:
    named = {"truth": truth, "scan": "s", "network": network, "title": title}
    return named | NUMBERS | changed


@pytest.fixture
def table() -> pd.DataFrame:
    nothing = dict.fromkeys((n for n in COLUMNS if n.startswith(("auc_", "found_"))), np.nan)
    rows = [
        row(SPECIMEN, "e", "Net_E", anomalies=0, **nothing),
        row(SPECIMEN, "s", "Net S", adjusted_rand_index=0.9, near_mean_deg=4.5, **nothing),
        row(ANOMALOUS, "e", "Net_E"),
        row(ANOMALOUS, "s", "Net S"),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def told(table: pd.DataFrame) -> dict[str, str]:
    tables = {"maps.csv": table} if len(table) else {}
    return maps_macros(Record(tables, ORIGIN, is_this_run=False))


def test_sentences_have_the_numbers(table):
    macros = told(table)
    assert list(macros) == [f"maps{name}" for name in MACROS]
    assert (
        "9\\,216 pixels and 20 grains; Net\\_E and Net S of fold 8" in macros["mapsDesignSentence"]
    )
    errors = macros["mapsErrorsSentence"]
    assert "Net\\_E's answers are \\dg{2.25} off in the median (mean \\dg{3.00})" in errors
    assert "within 3 pixels of a boundary, \\dg{3.50} (mean \\dg{6.00})" in errors
    assert "Near boundaries means are 1.50 to 2.00 times as large" in errors
    assert "21 and 21 grains" in macros["mapsGrainsSentence"]
    assert "more than \\dg{5}," in macros["mapsGrainsSentence"]
    assert "0.961 and 0.900." in macros["mapsGrainsSentence"]
    assert "0.1\\,\\% of the pixels inside grains and 2.2\\,\\%" in macros["mapsNotIndexedSentence"]
    odd = macros["mapsAnomaliesSentence"]
    assert "1\\,234 pixels" in odd
    assert "an area under the curve of 0.973: pores with 0.991, the band with 0.962" in odd
    assert "90.0\\,\\% of the pores and 60.0\\,\\% of the band, and takes 1.2\\,\\%" in odd
    assert macros["mapsFold"] == "8"
    assert "Simulated data" in macros["mapsNotice"]
    assert "frozen record of run \\texttt{made_up}" in macros["mapsOrigin"]


def test_directions_are_those_of_the_numbers(table):
    def changed(**values: float) -> dict[str, str]:
        return told(table.assign(**values))

    assert "The band is the harder one" in told(table)["mapsAnomaliesSentence"]
    assert "Pores are the harder" in changed(auc_pores=0.9)["mapsAnomaliesSentence"]
    assert "harder" not in changed(auc_pores=0.962)["mapsAnomaliesSentence"]
    less = changed(near_mean_deg=2.4)["mapsErrorsSentence"]
    assert "Near boundaries means are 0.80 times those inside." in less
    assert "large" not in less
    assert "times" not in changed(near_mean_deg=np.nan)["mapsErrorsSentence"]
    assert "each pixel from 72 views" in changed(views=72)["mapsDesignSentence"]
    assert changed(simulated=False)["mapsNotice"] == ""


def test_one_network_is_spoken_of_as_one(table):
    macros = told(table[table["network"] == "s"])
    assert (
        "the map has 21 grains, and the adjusted Rand index with the true grains is 0.900."
        in (macros["mapsGrainsSentence"])
    )


def test_a_record_without_maps_says_so():
    empty = pd.DataFrame(columns=list(COLUMNS))
    macros = told(empty)
    assert macros["mapsDesignSentence"] == NO_SPECIMEN
    assert macros["mapsAnomaliesSentence"] == NO_ANOMALOUS
    assert macros["mapsErrorsSentence"] == macros["mapsGrainsSentence"] == ""
    assert macros["mapsNotice"] == ""
    assert maps_latex(empty).count("–") > 5


def test_macros_are_those_that_the_section_uses(table):
    text = (ROOT / "paper/sections/maps.tex").read_text()
    macros = macros_of(maps_tex(told(table)))
    assert macros == told(table)
    assert all(f"\\{name}" in text for name in macros)


def test_the_table_has_a_row_per_network(table):
    latex = maps_latex(table)
    assert latex.startswith("% SIMULATED DATA")
    assert (
        r"Net\_E & 0.961 & 2.25 & 3.50 & 4.00 & 4.0 & 0.973 & 0.991 & 0.962 & 70.0 & 1.2 \\"
        in latex
    )
    assert r"Net S & 0.900 & 2.25 & 3.50 & 4.00 & 4.0 & 0.973" in latex
    assert not maps_latex(table.assign(simulated=False)).startswith("%")
    half = maps_latex(table[table["truth"] == SPECIMEN])
    assert r"Net S & 0.900 & 2.25 & 3.50 & 4.00 & 4.0 & – & – & – & – & – \\" in half


def small_maps(networks: int = 2, simulated: bool = True) -> MapsOnRecord:
    rng = np.random.default_rng(0)
    q = Rotation.random((networks + 1) * 12 * 16, rng=rng).as_quat(scalar_first=True)
    ebsd, *others = q.reshape(-1, 12, 16, 4)
    ebsd[0, 0] = np.nan
    names = [f"n{k}" for k in range(networks)]
    titles = {name: f"Network {name}" for name in names}
    specimen = SpecimenMaps(dict(zip(names, others, strict=True)), titles, ebsd, 2.0)
    score = rng.lognormal(0, 1, (12, 16)).astype(np.float32)
    pores, band = score > 3, np.zeros((12, 16), bool)
    band[:, 5:9] = True
    return MapsOnRecord(specimen, Anomalies(score, 2.0, score > 2, pores, band, 2.0), simulated)


def drawn_text(maps: MapsOnRecord, tmp_path: Path) -> str:
    paths = [tmp_path / "maps.pdf", tmp_path / "maps.png"]
    plot_maps(maps, STYLE, paths)
    assert paths[1].stat().st_size > 5000
    return PdfReader(paths[0]).pages[0].extract_text()


@pytest.mark.parametrize("networks", [1, 2, 3])
def test_the_figure_names_what_it_shows(networks, tmp_path):
    text = drawn_text(small_maps(networks), tmp_path)
    for name in ("EBSD", *(f"Network n{k}" for k in range(networks)), "10 µm", "IPF Z", "pores",
                 "band", "001", "101", "111", "SIMULATED", "misorientation / °"):  # fmt: skip
        assert name in text
    again = tmp_path / "again"
    drawn_text(small_maps(networks), again)
    assert (again / "maps.pdf").read_bytes() == (tmp_path / "maps.pdf").read_bytes()


def test_the_figure_of_half_a_record_says_what_is_missing(tmp_path):
    whole = small_maps()
    assert "no specimen was mapped" in drawn_text(MapsOnRecord(None, whole.anomalies), tmp_path)
    assert "no anomalies were mapped" in drawn_text(MapsOnRecord(whole.specimen), tmp_path)
    text = drawn_text(MapsOnRecord(), tmp_path)
    assert "no specimen" in text
    assert "SIMULATED" not in text


def test_scripts_go_from_a_run_without_scans_to_what_the_paper_includes(tmp_path):
    record_script.main(
        {SPECIMEN: [], ANOMALOUS: []}, {}, [], [], [], {}, 5.0, tmp_path / "maps.csv",
        tmp_path / "maps.h5",
    )  # fmt: skip
    assert read_back(tmp_path).empty
    run_figure_script(tmp_path)
    assert NO_SPECIMEN in (tmp_path / "maps_numbers.tex").read_text()


def test_scripts_put_scores_together(tmp_path, table):
    scores: dict[str, list[Path]] = {SPECIMEN: [], ANOMALOUS: []}
    of_rule = [name for name in COLUMNS if name not in ("truth", "title", "threshold_deg")]
    for number, (truth, values) in enumerate(zip(table["truth"], table.iloc, strict=True)):
        path = tmp_path / f"{number}.csv"
        values[of_rule].to_frame().T.to_csv(path, index=False)
        scores[truth].append(path)
    record_script.main(
        scores, {}, [], [], [], {"e": "Net_E"}, 5.0, tmp_path / "maps.csv", tmp_path / "maps.h5"
    )
    expected = table.assign(title=["Net_E", "s", "Net_E", "s"])
    pd.testing.assert_frame_equal(read_back(tmp_path), expected, check_dtype=False)
    write_maps(tmp_path / "maps.h5", small_maps())
    run_figure_script(tmp_path)
    assert r"Net\_E &" in (tmp_path / "maps.tex").read_text()


def read_back(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "maps.csv")


def run_figure_script(folder: Path) -> None:
    (folder / "provenance.json").write_text(json.dumps(ORIGIN))
    figure_script.main(
        folder / "maps.csv", folder / "maps.h5", folder / "provenance.json", True, STYLE,
        [folder / "maps.pdf"], folder / "maps.tex", folder / "maps_numbers.tex",
    )  # fmt: skip
