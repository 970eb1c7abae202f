"""What the paper says of whole scans: a table, and sentences that the record's numbers decide.

The record's maps.csv has a row per map of a simulated scan, as `maps.map_scores` names its numbers,
with `truth`, which scan of the simulation it is, `title`, the network's, and `threshold_deg`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from workflow.lib.maps.near import NEAR_PX
from workflow.lib.report.evidence.record import Record, Row, origin_phrase
from workflow.lib.report.evidence.words import counted, degrees, listed
from workflow.lib.report.style.notice import SIMULATED_NOTE
from workflow.lib.report.style.tabular import MISSING, escape, tabular, three_digits

FILE = "maps.csv"
PREFIX = "maps"
SPECIMEN, ANOMALOUS = "samples/08", "anomaly_specimen"
NO_SPECIMEN = "The whole specimen was not mapped in this run."
NO_ANOMALOUS = "The specimen with anomalies was not mapped in this run."
COLUMNS = (
    "truth", "scan", "network", "title", "threshold_deg", "fold", "seed", "views", "pixels",
    "indexed", "grains", "true_grains", "in_grains", "adjusted_rand_index", "median_deg",
    "mean_deg", "inside_median_deg", "inside_mean_deg", "near_median_deg", "near_mean_deg",
    "anomalies", "auc_anomalies", "found_anomalies", "pores", "auc_pores", "found_pores",
    "under_etched", "auc_under_etched", "found_under_etched", "false_alarms", "false_alarms_inside",
    "false_alarms_near", "simulated",
)  # fmt: skip


def maps_latex(table: pd.DataFrame) -> str:
    """A complete tabular, a row per network: of the specimen, and of that with anomalies."""
    titles = table.drop_duplicates("network").set_index("network")["title"]
    rows = [_table_row(table, network, title) for network, title in titles.items()]
    shown = pd.DataFrame(rows or [_table_row(table, "", MISSING)])
    shown.columns = pd.MultiIndex.from_tuples(shown.columns)
    is_simulated = len(table) and table["simulated"].any()
    return f"% {SIMULATED_NOTE}\n" * bool(is_simulated) + tabular(shown) + "\n"


def maps_macros(record: Record) -> dict[str, str]:
    """All macros by name without backslash: LaTeX, whole sentences where they are called so."""
    return {PREFIX + name: tell(record) for name, tell in MACROS.items()}


def maps_tex(macros: dict[str, str]) -> str:
    """The text of maps_numbers.tex."""
    lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in macros.items()]
    return "\n".join(["% Written by the rule `maps_figure`.", *lines]) + "\n"


def _table_row(table: pd.DataFrame, network: str, title: str) -> dict[tuple[str, str], str]:
    def number(truth: str, column: str) -> float:
        found = table[(table["network"] == network) & (table["truth"] == truth)]
        return float(found[column].iloc[0]) if len(found) else float("nan")

    whole, odd = "specimen 8", "with anomalies"
    texts = {("", "network"): escape(title)}
    for column, heading in (
        ("adjusted_rand_index", "Rand index"),
        ("inside_median_deg", "inside / °"),
        ("near_median_deg", "near / °"),
        ("mean_deg", "mean / °"),
    ):
        digits = 3 if column == "adjusted_rand_index" else 2
        texts[whole, heading] = _decimals(number(SPECIMEN, column), digits)
    texts[whole, r"left out / \%"] = _percent(1 - number(SPECIMEN, "indexed"))
    texts[odd, "AUC"] = _decimals(number(ANOMALOUS, "auc_anomalies"), 3)
    texts[odd, "pores"] = _decimals(number(ANOMALOUS, "auc_pores"), 3)
    texts[odd, "band"] = _decimals(number(ANOMALOUS, "auc_under_etched"), 3)
    texts[odd, r"found / \%"] = _percent(number(ANOMALOUS, "found_anomalies"))
    texts[odd, r"false / \%"] = _percent(number(ANOMALOUS, "false_alarms"))
    return texts


def _origin(record: Record) -> str:
    return origin_phrase(record.origin, record.is_this_run)


def _notice(record: Record) -> str:
    if not any(row.values["simulated"] for row in record.rows(FILE)):
        return ""
    return rf"\textcolor{{notice}}{{\textbf{{{SIMULATED_NOTE.capitalize()}.}}}} "


def _design(record: Record) -> str:
    """Which scan was mapped by which networks."""
    rows = record.rows(FILE, truth=SPECIMEN)
    if not rows:
        return NO_SPECIMEN
    first, names = rows[0], listed([escape(row.text("title")) for row in rows])
    views = int(first.number("views"))
    how = "each pixel by itself, without TTA" if views == 1 else f"each pixel from {views} views"
    return (
        f"The scan has {_count(first.number('pixels'))} pixels and "
        f"{counted(int(first.number('true_grains')), 'grain')}; {names} of fold "
        f"{int(first.number('fold'))}, which never saw a signal of this specimen, mapped it, {how}."
    )


def _errors(record: Record) -> str:
    """Inside grains and near boundaries, network by network, and which is the lower."""
    rows = record.rows(FILE, truth=SPECIMEN)
    if not rows:
        return ""
    parts = [
        f"{escape(row.text('title'))}'s answers are {degrees(row.number('inside_median_deg'))} off "
        f"in the median (mean {degrees(row.number('inside_mean_deg'))}) and, within {NEAR_PX} "
        f"pixels of a boundary, {degrees(row.number('near_median_deg'))} (mean "
        f"{degrees(row.number('near_mean_deg'))})"
        for row in rows
    ]
    return f"Inside grains {'; '.join(parts)}. {_mixed(rows)}"


def _mixed(rows: Sequence[Row]) -> str:
    """Whether boundaries cost accuracy, where pixels see two grains."""
    ratios = [row.number("near_mean_deg") / row.number("inside_mean_deg") for row in rows]
    if not np.isfinite(ratios).all():
        return ""
    low, high = (three_digits(end(ratios)) for end in (min, max))
    span = low if low == high else f"{low} to {high}"
    if min(ratios) > 1:
        return (
            f"Near boundaries means are {span} times as large: a pixel there may see two grains, a "
            "training signal sees one."
        )
    return f"Near boundaries means are {span} times those inside."


def _grains(record: Record) -> str:
    """Grains found, against the true ones."""
    rows = record.rows(FILE, truth=SPECIMEN)
    if not rows:
        return ""
    found = listed([str(int(row.number("grains"))) for row in rows])
    index = listed([f"{row.number('adjusted_rand_index'):.3f}" for row in rows])
    plural = "" if len(rows) == 1 else "s"
    return (
        f"Cut where neighbours differ by more than {degrees_of(rows[0])}, the map{plural} "
        f"{'has' if len(rows) == 1 else 'have'} {found} grains, and the adjusted Rand "
        f"{'index' if len(rows) == 1 else 'indices'} with the true grains {_are(rows)} {index}."
    )


def degrees_of(row: Row) -> str:
    """The threshold of a map's grains."""
    return rf"\dg{{{row.number('threshold_deg'):g}}}"


def _not_indexed(record: Record) -> str:
    """What the anomaly score leaves out of a specimen that has no anomalies."""
    rows = record.rows(FILE, truth=SPECIMEN)
    if not rows:
        return ""
    inside, near = (rows[0].number(f"false_alarms_{place}") for place in ("inside", "near"))
    if not np.isfinite([inside, near]).all():
        return ""
    return (
        rf"This specimen has no anomalies: {_percent(inside)}\,\% of the pixels inside grains and "
        rf"{_percent(near)}\,\% of those near boundaries are taken for one."
    )


def _anomalies(record: Record) -> str:
    """How well the score tells them, and what its threshold finds."""
    row = record.row(FILE, truth=ANOMALOUS)
    if row is None:
        return NO_ANOMALOUS
    areas = [row.number(f"auc_{kind}") for kind in ("anomalies", "pores", "under_etched")]
    if not np.isfinite(areas[0]):
        return NO_ANOMALOUS
    both, pores, band = (_decimals(area, 3) for area in areas)
    found = [_percent(row.number(f"found_{kind}")) for kind in ("pores", "under_etched")]
    text = (
        f"The score tells the {_count(row.number('anomalies'))} pixels that are half a pore or "
        f"etched to half at most from the others with an area under the curve of {both}: pores "
        rf"with {pores}, the band with {band}. Its threshold, set by validation signals alone, "
        rf"finds {found[0]}\,\% of the pores and {found[1]}\,\% of the band, and takes "
        rf"{_percent(row.number('false_alarms'))}\,\% of the other pixels for an anomaly."
    )
    return f"{text} {_harder(pores=areas[1], band=areas[2])}".rstrip()


def _harder(pores: float, band: float) -> str:
    """Which of both is the harder to tell, where that shows in the numbers that are given."""
    if not np.isfinite([pores, band]).all() or round(pores, 3) == round(band, 3):
        return ""
    if band < pores:
        return "The band is the harder one: its signals are weak, but not unlike those of metal."
    return "Pores are the harder ones: many a pixel is half a pore and half metal."


def _fold(record: Record) -> str:
    row = record.row(FILE, truth=SPECIMEN) or record.row(FILE, truth=ANOMALOUS)
    return f"{int(row.number('fold') if row else record.origin['fold'])}"


MACROS: dict[str, Callable[[Record], str]] = {
    "Fold": _fold,
    "NearPx": lambda record: str(NEAR_PX),
    "Origin": _origin,
    "Notice": _notice,
    "DesignSentence": _design,
    "ErrorsSentence": _errors,
    "GrainsSentence": _grains,
    "NotIndexedSentence": _not_indexed,
    "AnomaliesSentence": _anomalies,
}


def _are(rows: Sequence[Row]) -> str:
    return "is" if len(rows) == 1 else "are"


def _count(number: float) -> str:
    """With a thin space between thousands."""
    return f"{int(number):,}".replace(",", r"\,")


def _decimals(value: float, digits: int) -> str:
    return MISSING if np.isnan(value) else f"{value:.{digits}f}"


def _percent(share: float) -> str:
    return MISSING if np.isnan(share) else f"{100 * share:.1f}"
