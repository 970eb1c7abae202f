"""The table of the controls: how good each model is on the table's fold, and against the others."""

from collections.abc import Callable, Iterator

import pandas as pd

from workflow.lib.report.evidence.rows import (
    by_kind,
    latex,
    number,
    p_text,
    references_of,
    row_of,
    titles_of,
    with_interval,
)
from workflow.lib.report.style.notice import markdown_notice
from workflow.lib.report.style.tabular import MISSING, escape, tabular

SORTED_BY = "tta_median_deg"
EXPLANATION = (
    "Misorientation in degrees of one view and of 72 (TTA); in brackets 95 % bootstrap intervals "
    "over signals and, where there are several, seeds. Lower: by how much the model's TTA median is"
    " lower than that of the model named, in per cent. Nearer: on how many signals more the model's"
    " TTA answer is nearer than farther, as a share of all. p: of that difference of the medians, "
    "two-sided, corrected by Holm's method for all comparisons of it."
)


def controls_markdown(
    controls: pd.DataFrame, differences: pd.DataFrame, models: pd.DataFrame, simulated: bool
) -> str:
    """A row per model, those of a kind together, against each of the models compared.

    controls, differences, models: the record's tables.
    """
    found, pairs = _indexed(controls, differences)
    titles, size = titles_of(controls), models.set_index("network")
    rows = []
    for kind, networks in by_kind(controls, SORTED_BY):
        for name in networks:
            row = {"kind": kind, "model": titles[name]}
            row |= {
                "parameters": _whole(size["parameters"].get(name)),
                "TFLOP": number(size["tflop"].get(name, float("nan")), 1),
                "seeds": str(found.loc[(name, SORTED_BY), "seeds"]),
            }
            for view, prefix in (("", ""), ("TTA ", "tta_")):
                row[f"{view}median / °"] = with_interval(found.loc[(name, f"{prefix}median_deg")])
                row[f"{view}mean / °"] = with_interval(found.loc[(name, f"{prefix}mean_deg")])
                within = [found.loc[(name, f"{prefix}within_{d}deg"), "value"] for d in (2, 5, 10)]
                row[f"{view}within 2, 5, 10° / %"] = ", ".join(number(100 * x, 0) for x in within)
            for reference in references_of(differences):
                pair = row_of(pairs, name, reference, SORTED_BY)
                row[f"lower than {titles[reference]} / %"] = with_interval(pair, "percent", 1)
                row[f"nearer than {titles[reference]}"] = with_interval(pair, "effect")
                row[f"p ({titles[reference]})"] = _p(pair)
            rows.append(row)
    text = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    n = int(controls["n"].max())
    return f"{markdown_notice(simulated)}{n} test signals. {EXPLANATION}\n\n{text}\n"


def controls_latex(controls: pd.DataFrame, differences: pd.DataFrame, simulated: bool) -> str:
    """The same as a complete tabular, narrower: differences from the last model compared alone."""
    found, pairs = _indexed(controls, differences)
    titles, reference = titles_of(controls), (references_of(differences) or [""])[-1]
    against = escape(f"lower than {titles[reference]}") if reference else ""

    def cells(name: str) -> Iterator[tuple[tuple[str, str], str]]:
        pair = row_of(pairs, name, reference, SORTED_BY)
        within = 100 * found.loc[(name, "tta_within_5deg"), "value"]
        yield ("one view", "median"), number(found.loc[(name, "median_deg"), "value"])
        yield ("one view", "mean"), number(found.loc[(name, "mean_deg"), "value"])
        yield ("72 views", "median"), with_interval(found.loc[(name, SORTED_BY)])
        yield ("72 views", "mean"), number(found.loc[(name, "tta_mean_deg"), "value"])
        yield ("72 views", r"$\leq5^{\circ}$ / \%"), number(within, 1)
        yield (against, r"by / \%"), with_interval(pair, "percent", 1)
        yield (against, "$p$"), _p(pair)

    return grouped_latex(controls, cells, simulated)


def grouped_latex(
    controls: pd.DataFrame,
    cells: Callable[[str], Iterator[tuple[tuple[str, str], str]]],
    simulated: bool,
) -> str:
    """A tabular with a row per model below a row for its kind.

    cells: of a network's name, pairs of the column, two headings, and the text.
    """
    first = ("", "simulated signals" * simulated)
    titles, rows = titles_of(controls), []
    for kind, networks in by_kind(controls, SORTED_BY):
        rows.append({first: rf"\emph{{{escape(kind)}}}"})
        for name in networks:
            texts = {column: latex(text) for column, text in cells(name)}
            rows.append({first: rf"\quad {escape(titles[name])}"} | texts)
    shown = pd.DataFrame({column: [row.get(column, "") for row in rows] for column in rows[1]})
    return tabular(shown) + "\n"


def _indexed(
    controls: pd.DataFrame, differences: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = ["network", "reference", "statistic"]
    return controls.set_index(["network", "statistic"]), differences.set_index(keys)


def _p(pair: pd.Series | None) -> str:
    return MISSING if pair is None else p_text(pair["p_holm"])


def _whole(value: float | None) -> str:
    return MISSING if value is None or pd.isna(value) else f"{value:.0f}"
