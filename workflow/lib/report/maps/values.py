"""What a map's page tells of each pixel, packed: rounded, as whole numbers, compressed."""

import base64
import zlib
from typing import Any

import numpy as np

from workflow.lib.maps.map_file import ANGLES, bunge_rad
from workflow.lib.report.maps.view import View

ANGLE_STEP_DEG = 0.01
CONFIDENCE_STEP = 0.005
LARGEST = {"uint8": 0xFF, "uint16": 0xFFFF, "uint32": 0xFFFFFFFF}  # stands for no value


def values_of(view: View) -> dict[str, dict[str, Any]]:
    """The packed values by name, of pixels row by row from the bottom.

    phi1, Phi, phi2, misorientation in degrees; confidence; anomaly; grain, ebsd_grain. Only those
    that are known of some pixel.
    """
    flat = view.shown_orientation.reshape(-1, 4)
    angles_deg = np.rad2deg(bunge_rad(flat))
    angles_deg[~np.isfinite(flat).all(-1)] = np.nan
    values = {
        name: packed(angle, "uint16", ANGLE_STEP_DEG)
        for name, angle in zip(ANGLES, angles_deg.T, strict=True)
    }
    score = view.pixels.anomaly.astype(float)
    if np.isfinite(view.pixels.confidence).any():
        confidence = np.where(view.pixels.is_indexed, view.pixels.confidence, np.nan)
        values["confidence"] = packed(confidence, "uint8", CONFIDENCE_STEP)
    if np.isfinite(score).any():
        low, high = np.nanmin(score), np.nanmax(score)
        step = float(high - low) / (LARGEST["uint16"] - 1) or 1.0
        values["anomaly"] = packed(score, "uint16", step, float(low))
    if view.ebsd is not None:
        values["misorientation"] = packed(view.misorientation_deg(), "uint16", ANGLE_STEP_DEG)
    for name, labels in (("grain", view.labels), ("ebsd_grain", view.ebsd_labels)):
        if labels is not None:
            values[name] = packed(np.where(labels >= 0, labels, np.nan), "uint32", 1)
    return values


def packed(values: np.ndarray, kind: str, step: float, low: float = 0.0) -> dict[str, Any]:
    """Values as multiples of `step` above `low`; those that are NaN as the largest number.

    data: base64 of zlib's form of little-endian numbers of the kind, "uint8", "uint16", "uint32".
    """
    whole = np.round((values - low) / step)
    known = np.isfinite(whole)
    numbers = np.full(values.shape, LARGEST[kind], np.dtype(kind).newbyteorder("<"))
    numbers[known] = whole[known]
    data = base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()
    return {"kind": kind, "step": step, "low": low, "data": data}
