"""Error against the counted arithmetic of training, of models that were trained with several."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.lib.report.evidence.log_axes import FEW, MANY, log_scale, nothing_to_show
from workflow.lib.report.style.figures import finish, styled

STATISTICS = {"median_deg": "one view", "tta_median_deg": "72 views"}
NEEDED = ("base", "tflop", "statistic", "value", "low", "high", "simulated")
NEEDED_OF_MODELS = ("network", "title", "kind", "base", "tflop")
NEEDED_OF_CONTROLS = ("network", "statistic", "value")
LOOKS = (
    {"ls": "--", "marker": "s", "mfc": "white"}, {"ls": "-", "marker": "o"},
    {"ls": ":", "marker": "^"}, {"ls": "-.", "marker": "D"},
)  # fmt: skip
# Of models with one budget, by their kind
GREY = {"regression": "v", "density": "d", "writer": "x"}


def plot_arithmetic(
    table: pd.DataFrame,
    models: pd.DataFrame,
    controls: pd.DataFrame,
    style: Path,
    paths: Sequence[Path],
) -> None:
    """Medians without and with TTA against TFLOP, both logarithmic.

    table: a line per base, bars from low to high, see `workflow.lib.evaluation.arithmetic`. Of
    `models` that have but one budget, their values in `controls` as small grey points. See NEEDED.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        if table.empty:
            nothing_to_show(panels, "no model was trained with several budgets")
        else:
            titles = dict(zip(models["network"], models["title"], strict=True))
            for axes, (statistic, name) in zip(panels, STATISTICS.items(), strict=True):
                _lines(axes, table[table["statistic"] == statistic], titles)
                _points(axes, one_budget(table, models, controls, statistic))
                axes.set_title(name)
                axes.set_xlabel("arithmetic of training / TFLOP")
            panels[0].set_ylabel("median misorientation / °")
            log_scale(panels[0], "x", FEW)  # both shared
            log_scale(panels[0], "y", MANY)
            lines = panels[0].get_legend_handles_labels()
            figure.legend(*lines, loc="outside lower center", ncols=3)
        finish(figure, bool(table["simulated"].any()), paths)


def one_budget(
    table: pd.DataFrame, models: pd.DataFrame, controls: pd.DataFrame, statistic: str
) -> pd.DataFrame:
    """title, kind, tflop and value of the models that are neither a base nor a variant of one.

    Without those that were learnt without arithmetic, such as nearest neighbours.
    """
    alone = models["base"].fillna("").eq("") & ~models["network"].isin(table["base"])
    of_statistic = controls[controls["statistic"] == statistic][["network", "value"]]
    found = models[alone & (models["tflop"] > 0)].merge(of_statistic, on="network")
    return found[["title", "kind", "tflop", "value"]]


def _points(axes: Axes, alone: pd.DataFrame) -> None:
    for kind, marker in GREY.items():
        rows = alone[alone["kind"] == kind]
        if len(rows):
            label = f"other models: {kind}"
            axes.plot(
                rows["tflop"], rows["value"], ls="", marker=marker, color="0.55", ms=3.5,
                mew=0.8, mfc="none", zorder=1, label=label,
            )  # fmt: skip


def _lines(axes: Axes, table: pd.DataFrame, titles: dict[str, str]) -> None:
    for look, (base, rows) in _with_looks(table):
        errors = rows["value"] - rows["low"], rows["high"] - rows["value"]
        axes.errorbar(
            rows["tflop"], rows["value"], yerr=errors, label=titles.get(base, base), ms=4.5,
            elinewidth=0.8, **look,
        )  # fmt: skip


def _with_looks(table: pd.DataFrame) -> Iterator[tuple[dict[str, Any], Any]]:
    for place, group in enumerate(table.groupby("base", sort=False)):
        yield LOOKS[place % len(LOOKS)] | {"color": f"C{place % 4}"}, group
