"""The table of the parts: how much of a misorientation turns in the plane, and how much tilts."""

from collections.abc import Iterator

import pandas as pd

from workflow.lib.report.evidence.controls_table import grouped_latex
from workflow.lib.report.evidence.rows import number, with_interval

PARTS = {
    "out_of_plane": "out of plane",
    "in_plane": "in plane",
    "x": "$X$",
    "y": "$Y$",
    "z": "$Z$",
}


def parts_latex(controls: pd.DataFrame, simulated: bool) -> str:
    """Medians of the parts in degrees as a complete tabular, the models as in the controls' table.

    What they are: `evaluation.axes`. Intervals stand with the two parts of 72 views. controls: the
    record's table.
    """
    found = controls.set_index(["network", "statistic"])

    def cells(name: str) -> Iterator[tuple[tuple[str, str], str]]:
        for view, prefix in (("one view", ""), ("72 views", "tta_")):
            for part, title in PARTS.items():
                row = found.loc[(name, f"{prefix}{part}_median_deg")]
                with_ends = prefix and "plane" in part
                text = with_interval(row) if with_ends else number(row["value"])
                yield (view, title), text

    return grouped_latex(controls, cells, simulated)
