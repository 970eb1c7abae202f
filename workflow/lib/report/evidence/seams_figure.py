"""Errors against the distance from seams, drawn: who errs near whose seams."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.lib.evaluation.record import read_table
from workflow.lib.report.evidence.hypotheses_record import of_networks
from workflow.lib.report.style.figures import finish, styled

COLUMNS = (
    "network", "title", "distance", "from_deg", "to_deg", "n", "tta", "median_deg", "low", "high",
    "over_10_share", "simulated",
)  # fmt: skip
DISTANCES = {  # a column of panels each: its label
    "euler_seam": "seams of Euler angles",
    "zone_face": "faces of the zone",
    "own_seam": "the network's own seams",
}
FEWEST = 10  # signals of an interval that is drawn
LOOKS = (
    {"color": "C0", "marker": "o", "ls": "-"},
    {"color": "C1", "marker": "s", "ls": "--"},
    {"color": "C2", "marker": "^", "ls": "-."},
    {"color": "0.35", "marker": "D", "ls": ":"},
)


def plot_seams(
    csv: Path, compared: Sequence[str], beside: Sequence[str], style: Path, figures: Sequence[Path]
) -> None:
    """Medians with 95 % intervals, and shares over 10°, of plain answers by distance from seams.

    csv: seams.csv. compared: models that must be there. beside: up to two more, drawn if there.
    Intervals of distance with fewer than 10 signals are not drawn. Raises InputError for another
    table.
    """
    table = read_table(csv, COLUMNS)
    networks = of_networks(table[~table["tta"]], compared, beside)
    with styled(style):
        figure = Figure(figsize=(6.6, 4.2), layout="constrained")
        panels = figure.subplots(2, len(DISTANCES), sharex="col", sharey="row")
        for (above, below), (name, label) in zip(panels.T, DISTANCES.items(), strict=True):
            for place, rows in enumerate(networks.values()):
                rows = rows[(rows["distance"] == name) & (rows["n"] >= FEWEST)]
                _draw(above, below, rows, place, LOOKS[place])
            above.set_title(label)
            below.set_xlabel("distance / °")
            below.set_xlim(left=0)
        panels[0, 0].set_ylabel("median misorientation / °")
        panels[1, 0].set_ylabel("over 10° / %")
        for axes in panels[:, 0]:
            axes.set_ylim(bottom=0)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(networks), handlelength=3
        )
        finish(figure, bool(table["simulated"].any()), figures)


def _draw(
    above: Axes, below: Axes, rows: pd.DataFrame, place: int, look: Mapping[str, Any]
) -> None:
    """One model's lines; a little aside of each other, so that intervals are seen."""
    if rows.empty:
        return
    middle = (rows["from_deg"] + rows["to_deg"]) / 2 + 0.25 * (place - 1)
    median = rows["median_deg"]
    above.errorbar(
        middle, median, yerr=(median - rows["low"], rows["high"] - median),
        label=rows["title"].iloc[0], ms=3.5, elinewidth=0.8, **look,
    )  # fmt: skip
    below.plot(middle, 100 * rows["over_10_share"], ms=3.5, **look)
