"""What is right about a map of a simulated scan: its grains, its orientations, its anomalies."""

from dataclasses import dataclass

import numpy as np
import torch

from workflow.lib.maps.agreement import adjusted_rand_index, area_under_curve
from workflow.lib.maps.map_file import Map, Pixels
from workflow.lib.maps.near import near_boundary
from workflow.lib.maps.regions import NONE, strips
from workflow.lib.maps.truth import Truth
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError


@dataclass(frozen=True)
class _Seen:
    """Of each pixel of a map, (ny, nx): what the scores are made of."""

    misorientation_deg: np.ndarray  # to the true orientation; NaN without an answer
    anomaly: np.ndarray
    is_indexed: np.ndarray


def map_scores(orientation_map: Map, labels: np.ndarray, truth: Truth) -> dict[str, float]:
    """The scores of a map by name; NaN where there is nothing to measure.

    labels: int32 (ny, nx), grains as `maps.grains` gives them.
    adjusted_rand_index: against the true grains at the centres of the pixels that are in a grain,
    of which in_grains is the share. median_deg, mean_deg: misorientation of indexed pixels to the
    true orientation of their grain; near_…: within 3 pixels of a true boundary, inside_…: of all
    others. auc_…: of the anomaly score, which tells anomalies (a pixel half of which is pore, or
    whose etch is half at most) from others; found_…: share of the anomalies that is not indexed;
    false_alarms_…: share of the others that is not. Raises InputError where the rasters differ.
    """
    raster = orientation_map.raster
    if not (raster.ny, raster.nx) == truth.grain.shape == labels.shape:
        raise InputError(
            f"truth.h5 of {orientation_map.header.scan}: {truth.grain.shape} pixels, expected "
            f"{(raster.ny, raster.nx)}, as the map has, and grains.h5 as well, which has "
            f"{labels.shape}: make all three anew"
        )
    seen = _seen(orientation_map, truth)
    is_near = near_boundary(truth.grain)
    return (
        {"pixels": float(labels.size), "indexed": float(seen.is_indexed.mean())}
        | _grain_scores(labels, truth)
        | _orientation_scores(seen, is_near)
        | _anomaly_scores(seen, truth, is_near)
    )


def _seen(orientation_map: Map, truth: Truth) -> _Seen:
    true_orientation = torch.as_tensor(truth.orientation)
    parts = []
    for rows in strips(*truth.grain.shape):
        pixels: Pixels = orientation_map.rows(rows.start, rows.stop)
        truly = true_orientation[torch.as_tensor(truth.grain[rows], dtype=torch.int64)]
        angle_deg = misorientation_deg(torch.as_tensor(pixels.orientation), truly).numpy()
        parts.append((angle_deg, pixels.anomaly, pixels.is_indexed))
    return _Seen(*map(np.concatenate, zip(*parts, strict=True)))


def _grain_scores(labels: np.ndarray, truth: Truth) -> dict[str, float]:
    inside = labels != NONE
    return {
        "grains": float(labels.max(initial=NONE) + 1),
        "true_grains": float(len(np.unique(truth.grain))),
        "in_grains": float(inside.mean()),
        "adjusted_rand_index": adjusted_rand_index(labels[inside], truth.grain[inside]),
    }


def _orientation_scores(seen: _Seen, is_near: np.ndarray) -> dict[str, float]:
    known = seen.is_indexed & np.isfinite(seen.misorientation_deg)
    scores = {}
    for name, part in (("", known), ("inside_", known & ~is_near), ("near_", known & is_near)):
        angle_deg = seen.misorientation_deg[part]
        scores[f"{name}median_deg"] = float(np.median(angle_deg)) if part.any() else np.nan
        scores[f"{name}mean_deg"] = float(angle_deg.mean()) if part.any() else np.nan
    return scores


def _anomaly_scores(seen: _Seen, truth: Truth, is_near: np.ndarray) -> dict[str, float]:
    is_anomaly = truth.is_pore | truth.is_under_etched
    kinds = {
        "anomalies": is_anomaly,
        "pores": truth.is_pore,
        "under_etched": truth.is_under_etched & ~truth.is_pore,
    }
    scores = {}
    for name, kind in kinds.items():
        compared = (kind | ~is_anomaly) & np.isfinite(seen.anomaly)
        scores |= {
            f"{name}": float(kind.sum()),
            f"auc_{name}": area_under_curve(seen.anomaly[compared], kind[compared]),
            f"found_{name}": _share(~seen.is_indexed, kind),
        }
    for name, part in (("", True), ("_inside", ~is_near), ("_near", is_near)):
        scores[f"false_alarms{name}"] = _share(~seen.is_indexed, ~is_anomaly & part)
    return scores


def _share(is_so: np.ndarray, part: np.ndarray) -> float:
    return float(is_so[part].mean()) if part.any() else float("nan")
