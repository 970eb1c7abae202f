"""Tables of grains and boundaries, as pictures and the page want them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.runtime.files import InputError, remade_by

HIGH_ANGLE_DEG = 15.0  # from which a boundary is a high-angle one
GRAIN_COLUMNS = {  # of grains.csv that the page shows, with the heading and the form of each
    "grain": ("grain", "{:.0f}"),
    "x_um": ("x / µm", "{:.1f}"),
    "y_um": ("y / µm", "{:.1f}"),
    "area_um2": ("area / µm²", "{:.0f}"),
    "equivalent_diameter_um": ("diameter / µm", "{:.1f}"),
    "aspect_ratio": ("aspect", "{:.2f}"),
    "phi1_deg": ("φ1 / °", "{:.1f}"),
    "Phi_deg": ("Φ / °", "{:.1f}"),
    "phi2_deg": ("φ2 / °", "{:.1f}"),
    "orientation_spread_deg": ("spread / °", "{:.2f}"),
    "mean_confidence": ("confidence", "{:.2f}"),
}


@dataclass(frozen=True)
class Boundaries:
    """Boundaries between grains.

    grains: how many grains there are. pairs: int (m, 2), numbers of two grains, the smaller first.
    length_um, misorientation_deg: (m,). is_sigma3: bool (m,).
    """

    grains: int
    pairs: np.ndarray
    length_um: np.ndarray
    misorientation_deg: np.ndarray
    is_sigma3: np.ndarray

    def kinds(self, pairs: np.ndarray) -> np.ndarray:
        """What lies between two numbers each (k, 2): "low", "high", "sigma3", or "edge".

        The last is where one of the numbers is −1, or where the table lacks the pair.
        """
        kind = np.where(self.misorientation_deg < HIGH_ANGLE_DEG, "low", "high")
        kind = np.where(self.is_sigma3, "sigma3", kind)
        known = pd.Series(kind, pd.MultiIndex.from_arrays(self.pairs.T))
        asked = pd.MultiIndex.from_arrays(np.asarray(pairs).T)
        return known.reindex(asked).fillna("edge").to_numpy(str)


def read_boundaries(table: Path, grains: int) -> Boundaries:
    """Read boundaries.csv of a map with so many grains."""
    rows = _read(table, ("grain_1", "grain_2", "length_um", "misorientation_deg", "is_sigma3"))
    pairs = np.sort(rows[["grain_1", "grain_2"]].to_numpy(np.int64), axis=1)
    return Boundaries(
        grains,
        pairs,
        rows["length_um"].to_numpy(float),
        rows["misorientation_deg"].to_numpy(float),
        rows["is_sigma3"].to_numpy(bool),
    )


def read_grains(table: Path) -> pd.DataFrame:
    """Read grains.csv: a row for each grain, with those columns that the page shows."""
    return _read(table, tuple(GRAIN_COLUMNS))


def _read(table: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(table)
    except (OSError, ValueError) as error:
        raise InputError(f"{table}: {' '.join(str(error).split())}, expected a CSV") from error
    missing = [name for name in columns if name not in rows]
    if missing:
        raise InputError(f"{table}: has no column {', '.join(missing)}; {remade_by(table)}")
    return rows
