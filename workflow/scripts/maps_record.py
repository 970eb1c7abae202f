"""Rule `maps_record`: in, maps of simulated scans and their scores; out, what the paper keeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.maps.record import (
    MapsOnRecord,
    anomalies,
    is_simulated,
    specimen_maps,
    write_maps,
)
from workflow.lib.maps.truth import read_truth
from workflow.lib.report.maps_paper import ANOMALOUS, COLUMNS, SPECIMEN
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    scores: Mapping[str, Sequence[Path]],
    specimen: Mapping[str, Path],
    ebsd: Sequence[Path],
    anomalous: Sequence[Path],
    truth: Sequence[Path],
    titles: Mapping[str, str],
    threshold_deg: float,
    csv: Path,
    maps: Path,
) -> None:
    """Write a row per map, and the maps as small as they can be.

    scores: files by which scan of the simulation they are of. specimen: maps by network. ebsd,
    anomalous, truth: one file, or none where there is no such scan; the last two of the specimen
    with anomalies. threshold_deg: that of grains.
    """
    rows = [
        pd.read_csv(path).assign(truth=name, threshold_deg=threshold_deg)
        for name, paths in scores.items()
        for path in paths
    ]
    table = pd.concat(rows) if rows else pd.DataFrame(columns=list(COLUMNS))
    table["title"] = table["network"].map(dict(titles)).fillna(table["network"])
    write_text(csv, table[list(COLUMNS)].to_csv(index=False, float_format="%.6g"))

    of_specimen = specimen_maps(specimen, titles, ebsd[0]) if ebsd else None
    found = None
    if anomalous:
        known = read_truth(truth[0])
        band = np.ascontiguousarray(known.is_under_etched)
        found = anomalies(anomalous[0], np.ascontiguousarray(known.is_pore), band)
    simulated = any(map(is_simulated, [*specimen.values(), *ebsd, *anomalous]))
    write_maps(maps, MapsOnRecord(of_specimen, found, simulated))
    logger.info("%d maps, %.0f kB", len(table), maps.stat().st_size / 1e3)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        scores={
            SPECIMEN: [Path(path) for path in snakemake.input.specimen_scores],
            ANOMALOUS: [Path(path) for path in snakemake.input.anomalous_scores],
        },
        specimen={Path(path).parent.name: Path(path) for path in snakemake.input.specimen},
        ebsd=[Path(path) for path in snakemake.input.ebsd],
        anomalous=[Path(path) for path in snakemake.input.anomalous],
        truth=[Path(path) for path in snakemake.input.truth],
        titles=snakemake.params.titles,
        threshold_deg=snakemake.params.threshold_deg,
        csv=Path(snakemake.output.csv),
        maps=Path(snakemake.output.maps),
    )
