"""What an ingested dataset holds: the numbers of its data card.

`describe` reads dataset.h5 once; what it returns is put into words by
`workflow.lib.report.data_card` and drawn by `workflow.lib.report.data_figure`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.archive.intensity import grey_levels
from workflow.lib.data.convention_check import convention_table
from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.leakage import leak_table, orientation_ids
from workflow.lib.data.pole_figure import density, normal_in_crystal, to_standard_triangle
from workflow.lib.data.warnings import read_warnings
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, opened

SETS = ("training", "evaluation")
ALL = "all"  # names the row of all specimens together


@dataclass(frozen=True)
class AllSignals:
    """Every signal of a dataset, n in all.

    signals: uint8 (n, 6, 72). euler_zyz_rad: (n, 3) as stored. orientation: (n, 4).
    specimen: names, text (n,). evaluation: bool (n,), False for those of training sets.
    """

    signals: np.ndarray
    euler_zyz_rad: np.ndarray
    orientation: np.ndarray
    specimen: np.ndarray
    evaluation: np.ndarray


@dataclass(frozen=True)
class DataCard:
    """All numbers of the card. Specimens go by their names, sorted, and then ALL.

    source, simulated: the attributes of dataset.h5; sha256: of the ingested files.
    warnings: what ingest found unlikely, a clause each.
    sets: a row per specimen and set, see `set_table`.
    histograms: by specimen, the share of the pixels of both sets at each level, (256,).
    normals: by specimen, the crystal directions of the specimen normal in the standard
        triangle, (n, 3), of both sets.
    textures: by specimen, the `lowest` and `highest` density of these directions.
    leaks: see `leakage.leak_table`. conventions: see `convention_check.convention_table`.
    """

    source: str
    simulated: bool
    sha256: str
    warnings: list[str]
    sets: pd.DataFrame
    histograms: dict[str, np.ndarray]
    normals: dict[str, np.ndarray]
    textures: pd.DataFrame
    leaks: pd.DataFrame
    conventions: pd.DataFrame


def describe(dataset: Path) -> DataCard:
    """The card of an ingested dataset; InputError when it is broken or lacks signals."""
    attributes = read_attributes(dataset)
    simulated = bool(attributes["simulated"])
    with opened(dataset) as file:
        warnings = read_warnings(file)
    data = read_signals(dataset)
    parts = [data.signals, data.orientation, data.specimen, data.evaluation]
    chosen = {name: data.specimen == name for name in np.unique(data.specimen)}
    normal = to_standard_triangle(normal_in_crystal(data.orientation))
    normals = {name: normal[mask] for name, mask in chosen.items()}
    return DataCard(
        source=str(attributes["source"]),
        simulated=simulated,
        sha256=str(attributes["sha256"]),
        warnings=warnings,
        sets=set_table(*parts),
        histograms={name: levels(data.signals[mask]) for name, mask in chosen.items()}
        | {ALL: levels(data.signals)},
        normals=normals | {ALL: normal},
        textures=texture_table(normals),
        leaks=leak_table(*parts),
        conventions=convention_table(data.signals, data.euler_zyz_rad, simulated),
    )


def read_signals(dataset: Path) -> AllSignals:
    """All signals of dataset.h5, training sets first; InputError when a kind of set has none."""
    columns: dict[str, list] = {name: [] for name in ("signals", "euler_zyz_rad", "orientation")}
    specimens, evaluation = [], []
    with opened(dataset) as file:
        for kind in SETS:
            for name in sorted(member(file, kind)):
                group = member(file, f"{kind}/{name}")
                for column, parts in columns.items():
                    parts.append(member(group, column)[:])
                specimens += [name] * len(columns["signals"][-1])
                evaluation += [kind == "evaluation"] * len(columns["signals"][-1])
    for is_evaluation, kind in enumerate(SETS):
        if is_evaluation not in evaluation:
            raise InputError(f"{dataset}: holds no {kind} signals; was it made by ingest?")
    arrays = {column: np.concatenate(parts) for column, parts in columns.items()}
    return AllSignals(**arrays, specimen=np.array(specimens), evaluation=np.array(evaluation))


def set_table(
    signals: np.ndarray, orientation: np.ndarray, specimen: np.ndarray, evaluation: np.ndarray
) -> pd.DataFrame:
    """Counts and intensities, a row per specimen and set; arrays as in `AllSignals`.

    Columns: specimen; set; signals; orientations, the distinct ones among them (those that
    agree within 0.01° count once: grains, where each grain has one orientation); constant, how
    many signals have one value everywhere; at_zero and at_full, the shares of pixels that
    are 0 and 255; median, of the pixels.
    """
    ids = orientation_ids(orientation)
    rows = []
    for name in np.unique(specimen):
        for kind in SETS:
            chosen = (specimen == name) & (evaluation == (kind == "evaluation"))
            if not chosen.any():
                continue
            pixels = signals[chosen].reshape(chosen.sum(), -1)
            share = levels(pixels)
            rows.append(
                {
                    "specimen": name,
                    "set": kind,
                    "signals": len(pixels),
                    "orientations": len(np.unique(ids[chosen])),
                    "constant": int((pixels.min(axis=1) == pixels.max(axis=1)).sum()),
                    "at_zero": share[0],
                    "at_full": share[-1],
                    "median": int(np.searchsorted(share.cumsum(), 0.5)),
                }
            )
    return pd.DataFrame(rows)


def levels(signals: np.ndarray) -> np.ndarray:
    """The share of the pixels of uint8 signals, of any shape, at each level 0–255, (256,)."""
    return grey_levels(signals) / signals.size


def texture_table(normals: dict[str, np.ndarray]) -> pd.DataFrame:
    """Lowest and highest density of directions (n, 3), by specimen and of all together."""
    densities = {name: density(direction) for name, direction in normals.items()}
    sizes = [len(direction) for direction in normals.values()]
    densities[ALL] = np.average(list(densities.values()), axis=0, weights=sizes)
    return pd.DataFrame(
        {name: {"lowest": d.min(), "highest": d.max()} for name, d in densities.items()}
    ).T
