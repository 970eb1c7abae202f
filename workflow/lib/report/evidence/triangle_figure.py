"""Errors over the standard triangle, drawn: one panel per model, one scale for all."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from workflow.lib.data.pole_figure import CORNERS, outline, project
from workflow.lib.evaluation.record import read_table
from workflow.lib.evaluation.triangle import cell_corners
from workflow.lib.report.evidence.hypotheses_record import of_networks
from workflow.lib.report.style.figures import finish, styled
from workflow.lib.runtime.files import InputError

COLUMNS = ("network", "title", "bin", "n", "mean_deg", "simulated")
MAP = "cividis_r"  # dark is large; grey print keeps the order
FEWEST = 3  # signals of a cell that is coloured


def plot_triangles(
    csv: Path, compared: Sequence[str], style: Path, figures: Sequence[Path]
) -> None:
    """Mean misorientation by the crystal direction of the specimen normal, of plain answers.

    csv: triangle.csv. compared: the models, a panel each. Cells with fewer than 3 signals stay
    blank and hatched. Raises InputError for another table.
    """
    table = read_table(csv, COLUMNS)
    networks = of_networks(table, compared)
    shown = pd.concat(list(networks.values()))
    means = shown.loc[shown["n"] >= FEWEST, "mean_deg"]
    scale = Normalize(0, means.max() if len(means) else 1)
    with styled(style):
        figure = Figure(figsize=(6.6, 2.8), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(networks)))
        for axes, (name, rows) in zip(panels, networks.items(), strict=True):
            drawn = _draw(axes, rows, scale, f"{csv}, network {name}")
            axes.set_title(rows["title"].iloc[0])
        bar = figure.colorbar(drawn, ax=list(panels), shrink=0.85)
        bar.set_label("mean misorientation / °")
        finish(figure, bool(table["simulated"].any()), figures)


def _draw(axes: Axes, rows: pd.DataFrame, scale: Normalize, source: str) -> PolyCollection:
    side = math.isqrt(len(rows))
    if sorted(rows["bin"]) != list(range(side**2)):
        raise InputError(
            f"{source}: {len(rows)} cells of a triangle; expected a square number of them, from 0 "
            "on, each once, as the rule hypotheses writes them"
        )
    corners = project(cell_corners(side))[rows["bin"]]
    enough = (rows["n"] >= FEWEST).to_numpy()
    cells = PolyCollection(
        corners[enough], array=rows["mean_deg"].to_numpy()[enough], cmap=MAP, norm=scale,
        edgecolors="white", linewidths=0.3,
    )  # fmt: skip
    axes.add_collection(cells)
    axes.add_collection(
        PolyCollection(corners[~enough], facecolors="white", edgecolors="0.7", hatch="////")
    )
    axes.plot(*outline().T, color="0.2", lw=0.8)
    for name, direction in CORNERS.items():
        x, y = project(direction)
        above = name == "111"
        axes.annotate(
            f"[{name}]", (x, y), (0, 3 if above else -3), textcoords="offset points", ha="center",
            va="bottom" if above else "top", fontsize=8,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.margins(0.08)
    axes.set_axis_off()
    return cells
