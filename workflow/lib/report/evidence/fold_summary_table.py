"""The table over folds: means and standard deviations over specimens, and paired differences."""

import pandas as pd

from workflow.lib.report.evidence.rows import (
    latex,
    number,
    p_text,
    references_of,
    row_of,
    titles_of,
    with_interval,
)
from workflow.lib.report.style.tabular import MISSING, escape, tabular

COLUMNS = {
    ("one view", "median"): "median_deg",
    ("one view", "mean"): "mean_deg",
    ("72 views", "median"): "tta_median_deg",
    ("72 views", "mean"): "tta_mean_deg",
}
NO_FOLDS = "no model was tested on more than one specimen"


def fold_summary_latex(summary: pd.DataFrame, differences: pd.DataFrame, simulated: bool) -> str:
    """A complete tabular: mean ± standard deviation over folds of medians and means in degrees.

    Then against the baseline, the first model compared: by how many per cent the TTA median is
    lower with its 95 % interval over specimens, on how many of the folds, and p, corrected.
    summary, differences: the record's tables fold_summary and fold_differences.
    """
    first = ("", "simulated signals" * simulated)
    found = summary.set_index(["network", "statistic"])
    pairs = differences.set_index(["network", "reference", "statistic"])
    titles, baseline = titles_of(summary), (references_of(differences) or [""])[0]
    against = escape(f"lower than {titles[baseline]}") if baseline else ""
    rows = []
    for name, title in titles.items():
        row = {}
        for column, statistic in COLUMNS.items():
            of = found.loc[(name, statistic)]
            row[column] = f"{number(of['value'])} ± {number(of['sd'])}"
        pair = row_of(pairs, name, baseline, "tta_median_deg")
        row[(against, r"by / \%")] = with_interval(pair, "percent", 1)
        row[(against, "folds")] = MISSING if pair is None else _on_folds(pair)
        row[(against, "$p$")] = MISSING if pair is None else p_text(pair["p_holm"])
        texts = {column: latex(text) for column, text in row.items()}
        rows.append({first: escape(title)} | texts)
    if not rows:
        rows = [{first: NO_FOLDS} | dict.fromkeys(COLUMNS, MISSING)]
    shown = pd.DataFrame({column: [row[column] for row in rows] for column in rows[0]})
    return tabular(shown) + "\n"


def _on_folds(pair: pd.Series) -> str:
    return f"{pair['folds_lower']:.0f} of {pair['folds']:.0f}"
