"""A row for each grain of a map: where it is, its size and shape, how it lies, how sure that is.

Shapes are those of scikit-image's `regionprops`: the axes are those of the ellipse with the same
second moments, the equivalent diameter that of the circle with the same area.
"""

import numpy as np
import pandas as pd
import torch

from workflow.lib.maps.grains import Grains
from workflow.lib.maps.map_file import Map, bunge_rad
from workflow.lib.maps.region_orientations import labelled_strips
from workflow.lib.orientation import misorientation_deg

ROW_AXIS_PX = 4 / np.sqrt(12)  # the axis of a single row of pixels, 1 wide; no grain is thinner
PLACE = ["grain", "pixels", "area_um2", "equivalent_diameter_um", "aspect_ratio", "x_um", "y_um"]
MEAN = ["phi1_deg", "Phi_deg", "phi2_deg", "qw", "qx", "qy", "qz"]
SPREAD = ["orientation_spread_deg", "mean_confidence", "mean_anomaly"]
COLUMNS = [*PLACE, "touches_edge", *MEAN, *SPREAD, "simulated"]


def grain_table(orientation_map: Map, grains: Grains) -> pd.DataFrame:
    """One row for each grain, `COLUMNS`.

    grain: its label. area_um2: pixels times the area of one. aspect_ratio: of the axes, 1 or more;
    a line of pixels counts as one pixel wide. x_um, y_um: centroid, with the map's first pixel at
    (0, 0). phi1_deg, Phi_deg, phi2_deg: Bunge angles of the mean orientation, whose quaternion
    follows, crystal to specimen, scalar first. orientation_spread_deg: mean misorientation of its
    pixels to the mean (grain orientation spread). mean_confidence, mean_anomaly: of the pixels
    where they are known, empty where of none. simulated: whether signals or training were.
    """
    step_um = orientation_map.raster.step_um
    sums = _sums(orientation_map, grains)
    n = grains.sizes
    major_px, minor_px = _axes_px(sums)
    mean = np.concatenate((np.rad2deg(bunge_rad(grains.orientation)), grains.orientation), 1)
    columns = {
        "grain": np.arange(len(n)),
        "pixels": n,
        "area_um2": n * step_um**2,
        "equivalent_diameter_um": np.sqrt(4 * n / np.pi) * step_um,
        "aspect_ratio": major_px / minor_px,
        "x_um": sums["x"] / n * step_um,
        "y_um": sums["y"] / n * step_um,
        "touches_edge": _at_edge(grains.labels, len(n)),
        "orientation_spread_deg": sums["angle_deg"] / n,
        "mean_confidence": _mean_of_known(sums, "confidence"),
        "mean_anomaly": _mean_of_known(sums, "anomaly"),
        "simulated": orientation_map.header.is_simulated,
    }
    columns |= dict(zip(MEAN, mean.T, strict=True))
    return pd.DataFrame(columns)[COLUMNS]


def _sums(orientation_map: Map, grains: Grains) -> dict[str, np.ndarray]:
    """Of each grain the sums over its pixels, float64 (n,) each.

    n: of ones. x, y: of columns and rows. dx, dy, xx, xy, yy: of distances from the middle of the
    map and of their products.
    """
    n = len(grains.sizes)
    orientation = torch.as_tensor(grains.orientation)
    middle_x, middle_y = (orientation_map.raster.nx - 1) / 2, (orientation_map.raster.ny - 1) / 2
    sums: dict[str, np.ndarray] = {}
    for rows, pixels, inside in labelled_strips(orientation_map, grains.labels, "grains: table"):
        grain = grains.labels[rows][inside]
        y, x = (place.astype(float) for place in np.nonzero(inside))
        y += rows.start
        mean = orientation[torch.as_tensor(grain, dtype=torch.int64)]
        values = {"n": np.ones_like(x), "x": x, "y": y}
        values["angle_deg"] = misorientation_deg(
            torch.as_tensor(pixels.orientation[inside]), mean
        ).numpy()
        x, y = x - middle_x, y - middle_y
        values |= {"dx": x, "dy": y, "xx": x * x, "xy": x * y, "yy": y * y}
        for name in ("confidence", "anomaly"):
            value = getattr(pixels, name)[inside]
            values[name] = np.nan_to_num(value)
            values[f"{name}_known"] = np.isfinite(value)
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + np.bincount(grain, value, n)
    return sums


def _axes_px(sums: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Major and minor axis of each grain's ellipse: 4 times the roots of its second moments."""
    n = sums["n"]
    x, y = sums["dx"] / n, sums["dy"] / n
    xx, xy, yy = sums["xx"] / n - x * x, sums["xy"] / n - x * y, sums["yy"] / n - y * y
    half, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = (4 * np.sqrt((half + sign * apart).clip(0)) for sign in (1, -1))
    return major.clip(ROW_AXIS_PX), minor.clip(ROW_AXIS_PX)


def _mean_of_known(sums: dict[str, np.ndarray], name: str) -> np.ndarray:
    known = sums[f"{name}_known"]
    return np.divide(sums[name], known, out=np.full(len(known), np.nan), where=known > 0)


def _at_edge(labels: np.ndarray, n: int) -> np.ndarray:
    """Whether each of n grains has a pixel on the map's edge, bool (n,)."""
    edge = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    return np.isin(np.arange(n), edge)
