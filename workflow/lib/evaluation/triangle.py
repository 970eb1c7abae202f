"""Errors over the standard triangle: which crystal direction of the specimen normal is hard.

The triangle [001]–[101]–[111] is divided as a flat one would be: a direction's shares of its
corners (how much of each unit vector the direction is the sum of), each cut into `side` equal
parts, give side² triangular cells that fill it. Their areas on the sphere differ by less than a
factor of 1.5. Projection and reduction are those of `workflow.lib.data.pole_figure`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.data.pole_figure import (
    CORNERS,
    normal_in_crystal,
    project,
    to_standard_triangle,
)
from workflow.lib.evaluation.hypotheses import Evidence

SIDE = 6


def triangle_table(evidence: Evidence, titles: Mapping[str, str]) -> pd.DataFrame:
    """A row per model and cell, those without a signal too: the table triangle.csv.

    Of the plain answers; titles: of the models by name. Columns: network, title, bin, x and y (the
    projected centre of the cell), n (signals), median_deg (mean over trainings), mean_deg (NaN
    where there is no signal), simulated.
    """
    cell = cells(to_standard_triangle(normal_in_crystal(evidence.reference)))
    middle = cell_corners().sum(1)
    centres = project(middle / np.linalg.norm(middle, axis=1, keepdims=True))
    rows: list[dict[str, Any]] = []
    for network, answers in evidence.answers.items():
        for number, (x, y) in enumerate(centres):
            error = answers.plain_deg[:, cell == number]
            found = error.size > 0
            rows.append(
                {
                    "network": network,
                    "title": titles[network],
                    "bin": number,
                    "x": x,
                    "y": y,
                    "n": error.shape[1],
                    "median_deg": np.median(error, axis=1).mean() if found else np.nan,
                    "mean_deg": error.mean() if found else np.nan,
                    "simulated": evidence.simulated,
                }
            )
    return pd.DataFrame(rows)


def cells(direction: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The number of the cell, 0 to side² − 1, of directions (n, 3) in the standard triangle."""
    share = direction @ np.linalg.inv(_corners())
    share = share / share.sum(1, keepdims=True)
    # off the lines between cells, towards a point that is on none
    share = side * ((1 - 1e-9) * share + 1e-9 * np.array([0.52, 0.29, 0.19]))
    whole = np.floor(share).astype(int)
    return _number(whole[:, 0], whole[:, 1], whole.sum(1) < side - 1, side)


def cell_corners(side: int = SIDE) -> np.ndarray:
    """Unit vectors (side², 3, 3) of the corners of each cell, in the order of `cells`."""
    found = np.empty((side**2, 3, 3))
    for first in range(side):
        for second in range(side - first):
            third = side - 1 - first - second
            upright = np.array([first, second, third]) + np.eye(3)
            found[_number(first, second, False, side)] = upright
            if third > 0:  # beside it, across the side without a share of the third
                beside = np.array([first, second, third - 1]) + 1 - np.eye(3)
                found[_number(first, second, True, side)] = beside
    corners = found @ _corners()
    return corners / np.linalg.norm(corners, axis=-1, keepdims=True)


def _number(first: Any, second: Any, upside_down: Any, side: int) -> Any:
    """Row by row of rising shares of the first corner, upright and upside-down cells in turn."""
    return side**2 - (side - first) ** 2 + 2 * second + upside_down


def _corners() -> np.ndarray:
    return np.array(list(CORNERS.values()))
