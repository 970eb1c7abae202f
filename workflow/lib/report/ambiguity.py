"""The sweep of the facet amplitude: whether several answers come out where a signal has several.

The table is that of `workflow.lib.evaluation.ambiguity`, read from its CSV: what draws it needs no
PyTorch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from workflow.lib.report.style.figures import finish, styled
from workflow.lib.report.style.notice import SIMULATED_NOTE, markdown_notice
from workflow.lib.report.style.tabular import MISSING, escape
from workflow.lib.runtime.files import InputError

KINDS = {
    "plain": "one answer to one view",
    "tta": "one answer to 72 views",
    "one_view": "several, one view",
    "mixture": "several, 72 views",
    "exact": "several",
}
EXPLANATION = (
    "At facet amplitude 0 a signal is that of two orientations, g and g turned by half a turn; the"
    " larger it is, the better they can be told apart. Misorientations from the reference in "
    "degrees, medians with 95 % intervals over signals: of the best single answer (of several: the"
    " one of least expected misorientation), and of the better of the two heaviest candidates. "
    "Both held: these two lie within 5° (10°) of the two orientations. P: the probability within "
    "10° of the reference and of its half turn, medians, and the mean difference of either from "
    "that of the exact posterior. Weights: of the two candidates where both are held, medians. "
    "Near: the single answer is within 5° of one of the two; between: it is further than 10° from "
    "both."
)
RECORD = "expected results/ambiguity/ambiguity.csv as `make ambiguity` writes it"
MEDIANS = ("median_deg", "best_of_two_median_deg", "true_probability", "turned_probability")
SHARES = ("held_5_share", "held_10_share", "far_share", "near_share", "between_share")
COLUMNS = [
    "facet_amplitude", "source", "simulated", "model", "title", "kind", "fold", "n", "seeds",
    "resamples", "commit", "date", *MEDIANS, *(f"{name}_{end}" for name in MEDIANS for end in
    ("low", "high")), *SHARES, "mean_deg", "true_off", "turned_off", "true_weight", "turned_weight",
    "candidates",
]  # fmt: skip


def read_sweep(csv: Path) -> pd.DataFrame:
    """The rows that `sweep_table` made, from the file of the rule `ambiguity_scores`.

    Raises InputError for another file.
    """
    try:
        table = pd.read_csv(csv, dtype={"commit": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{csv} is no CSV of a sweep ({error}); {RECORD}") from error
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
        found = f"no column {missing[0]}" if missing else "no rows"
        raise InputError(f"{csv} has {found}; {RECORD}")
    return table


def sweep_markdown(table: pd.DataFrame) -> str:
    """A row per amplitude, model and kind of answer, below what they are and where from."""
    rows = [
        {
            "amplitude": f"{row.facet_amplitude:g}",
            "model": row.title,
            "answers": KINDS[row.kind],
            "median / °": _with_interval(row, "median_deg"),
            "mean / °": _number(row.mean_deg),
            "over 10°": _percent(row.far_share),
            "near": _percent(row.near_share),
            "between": _percent(row.between_share),
            "best of two / °": _with_interval(row, "best_of_two_median_deg"),
            "both held": f"{_percent(row.held_5_share)} ({_percent(row.held_10_share)})",
            "P true": _number(row.true_probability),
            "P half turn": _number(row.turned_probability),
            "off": f"{_number(row.true_off)}, {_number(row.turned_off)}",
            "weights": f"{_number(row.true_weight)}, {_number(row.turned_weight)}",
        }
        for row in _without_repeats(table).itertuples()
    ]
    text = f"{markdown_notice(table['simulated'].any())}{EXPLANATION} {origin(table)}"
    markdown = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return f"{text}\n\n{markdown}\n"


def origin(table: pd.DataFrame) -> str:
    """Which signals and trainings these are, by which code, and when."""
    models = table[table["kind"] != "exact"]
    return (
        f"Fold {_values(table['fold'])}; {_values(table['n'])} signals for each amplitude; "
        f"trainings of a network: {_values(models['seeds'])}; resamples: "
        f"{_values(table['resamples'])}; commit {_values(table['commit'])}; "
        f"{_values(table['date'])}."
    )


@dataclass(frozen=True)
class Series:
    """A line of the figure: rows of one model and kind by amplitude, and how they look."""

    rows: pd.DataFrame
    label: str
    look: Mapping[str, Any] = field(default_factory=dict)


def plot_sweep(table: pd.DataFrame, style: Path, figures: Sequence[Path]) -> None:
    """Errors, what the candidates hold and their probabilities, against the facet amplitude.

    The amplitudes are evenly spaced, whatever they are, so that zero is one of them. A model whose
    view has one answer only, a regression, is drawn with it beside the best single answers.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 4.4), layout="constrained")
        panels = figure.subplots(2, 3)
        several, single = list(_several(table)), list(_regressions(table))
        _errors(panels[0, 0], "best single answer", "median_deg", [*single, *several])
        _errors(panels[0, 1], "better of the two heaviest", "best_of_two_median_deg", several)
        _shares(panels[0, 2], "both held within 5°", "held_5_share", several, "share of signals")
        _shares(panels[1, 0], "probability of the true one", "true_probability", several, "median")
        _shares(
            panels[1, 1], "probability of its half turn", "turned_probability", several, "median"
        )
        panels[0, 1].sharey(panels[0, 0])
        amplitudes = sorted(table["facet_amplitude"].unique())
        for axes in panels.flat[:5]:
            axes.set_xticks(range(len(amplitudes)), [f"{c:g}" for c in amplitudes])
            axes.set_xlim(-0.3, len(amplitudes) - 0.7)
        for axes in (panels[0, 2], *panels[1, :2]):
            axes.set_xlabel("facet amplitude")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        panels[1, 2].axis("off")
        panels[1, 2].legend(handles, labels, loc="center", fontsize=7, handlelength=3.5)
        finish(figure, bool(table["simulated"].any()), figures)


def sweep_latex(table: pd.DataFrame) -> str:
    """Macros for the paper: `ambiguityOrigin`, `ambiguityN`, `ambiguityAmplitudes`, and numbers.

    Those are called ambiguity<Zero or Usual><Model><Answers><Number>, of amplitudes 0 and 0.15; see
    `_numbers`. The posterior has but one kind of answers: ambiguityZeroExactMedian. Raises
    InputError for a sweep that lacks one of both amplitudes.
    """
    notice = rf"\textcolor{{notice}}{{\textbf{{{SIMULATED_NOTE}.}}}} "
    macros = {
        "Origin": notice * bool(table["simulated"].any()) + escape(origin(table)),
        "N": _values(table["n"]),
        "Amplitudes": ", ".join(f"{c:g}" for c in sorted(table["facet_amplitude"].unique())),
    }
    table = _without_repeats(table)
    for word, amplitude in (("Zero", 0.0), ("Usual", 0.15)):
        rows = table[np.isclose(table["facet_amplitude"], amplitude)]
        if rows.empty:
            raise InputError(f"a sweep has no facet amplitude {amplitude:g}; {RECORD}")
        for row in rows.itertuples():
            of_row = f"{word}{_in_camel_case(row.model)}"
            of_row += "" if row.kind == "exact" else _in_camel_case(row.kind)
            macros |= {of_row + name: text for name, text in _numbers(row).items()}
    lines = [rf"\newcommand{{\ambiguity{name}}}{{{text}}}" for name, text in macros.items()]
    return "\n".join(["% Written by the rule `ambiguity_record`.", *lines]) + "\n"


def _numbers(row: Any) -> dict[str, str]:
    """A row's numbers as the paper has them: degrees, probabilities, and per cent without sign."""
    numbers = {
        "Median": _number(row.median_deg),
        "Near": _bare_percent(row.near_share),
        "Between": _bare_percent(row.between_share),
    }
    if np.isfinite(row.candidates):
        numbers |= {
            "BestOfTwo": _number(row.best_of_two_median_deg),
            "Held": _bare_percent(row.held_5_share),
            "True": _number(row.true_probability),
            "Turned": _number(row.turned_probability),
            "TrueOff": _number(row.true_off),
            "TurnedOff": _number(row.turned_off),
            "TrueWeight": _number(row.true_weight),
            "TurnedWeight": _number(row.turned_weight),
        }
    return numbers


def _of_one_answer(table: pd.DataFrame) -> pd.Series:
    """Whether a row's model has but one answer to a view, as a regression has: bool."""
    most = table[table["kind"] == "one_view"].groupby("model")["candidates"].max()
    return table["model"].isin(most[most <= 1].index)


def _without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Not the distributions of but one answer, which stands in the row of single ones already."""
    return table[~(_of_one_answer(table) & (table["kind"] == "one_view"))]


def _several(table: pd.DataFrame) -> Iterator[Series]:
    """Distributions, the exact posterior last; not of one view where it has but one answer."""
    looks = {
        "one_view": {"ls": "--", "mfc": "white"},
        "mixture": {"ls": "-"},
        "exact": {"ls": "-.", "marker": "D", "color": "0.15", "ms": 3.5},
    }
    for (number, title), kind, rows in _by_model(_without_repeats(table)):
        if kind in looks:
            look = {"color": f"C{number % 4}", "marker": "os^v"[number % 4], "ms": 4.5} | looks[
                kind
            ]
            yield Series(rows, f"{title}{'' if kind == 'exact' else ', ' + _views(kind)}", look)


def _regressions(table: pd.DataFrame) -> Iterator[Series]:
    """The single answers of models that have but one to a view."""
    looks = {"plain": {"marker": "<"}, "tta": {"marker": ">"}}
    one_answer = _of_one_answer(table)
    for (number, title), kind, rows in _by_model(table):
        if kind in looks and one_answer[rows.index].all():
            look = {"color": f"C{number % 4}", "ls": ":", "ms": 4.5, "mfc": "white"} | looks[kind]
            yield Series(rows, f"{title}, single, {_views(kind)}", look)


def _by_model(table: pd.DataFrame) -> Iterator[tuple[tuple[int, str], str, pd.DataFrame]]:
    """The rows of each model, with its number and title, and kind, by rising amplitude."""
    table = table.assign(place=table["facet_amplitude"].rank(method="dense") - 1)
    for number, (title, of_model) in enumerate(table.groupby("title", sort=False)):
        for kind, rows in of_model.groupby("kind", sort=False):
            yield (number, title), kind, rows.sort_values("place")


def _errors(axes: Axes, title: str, column: str, series: Sequence[Series]) -> None:
    """Medians with their intervals; the logarithm shows the small ones beside the large."""
    for one in series:
        low, high = (one.rows[f"{column}_{end}"] for end in ("low", "high"))
        median = one.rows[column]
        axes.errorbar(
            one.rows["place"], median, yerr=(median - low, high - median), label=one.label,
            elinewidth=0.8, **one.look,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    )
    axes.set_title(title, fontsize=9)
    axes.set_ylabel("median misorientation / °")


def _shares(axes: Axes, title: str, column: str, series: Sequence[Series], label: str) -> None:
    """Numbers from 0 to 1."""
    for one in series:
        axes.plot(one.rows["place"], one.rows[column], **one.look)
    axes.set_ylim(-0.03, 1.03)
    axes.set_title(title, fontsize=9)
    axes.set_ylabel(label)


def _views(kind: str) -> str:
    return "72 views" if kind in ("tta", "mixture") else "one view"


def _in_camel_case(name: str) -> str:
    """Letters alone, as LaTeX wants them: one_view is OneView."""
    words = "".join(letter if letter.isalpha() else " " for letter in name).split()
    return "".join(word.capitalize() for word in words)


def _with_interval(row: Any, column: str) -> str:
    value, low, high = (getattr(row, column + end) for end in ("", "_low", "_high"))
    return MISSING if np.isnan(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _number(value: float) -> str:
    return MISSING if np.isnan(value) else f"{value:.2f}"


def _percent(share: float) -> str:
    return MISSING if np.isnan(share) else f"{100 * share:.0f} %"


def _bare_percent(share: float) -> str:
    return MISSING if np.isnan(share) else f"{100 * share:.1f}"


def _values(column: pd.Series) -> str:
    return ", ".join(str(value) for value in sorted(column.unique()))
