"""Rule `training_set`: in, a scan and its EBSD map; out, a set as the dataset has them."""

import json
from pathlib import Path

from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.maps.grains import read_labels
from workflow.lib.maps.map_file import open_map
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.maps.training_set import (
    LEAST_DISTANCE_PX,
    far_inside,
    orientations_at,
    signals_at,
    simulated_marker,
    write_set,
)
from workflow.lib.runtime.script import logger, run


def main(
    scan: Path,
    signals: Path,
    array: str | None,
    ebsd: Path,
    grains: Path,
    registration: Path,
    specimen: int,
    folder: Path,
) -> None:
    """Write the set of `specimen` into `folder`.

    scan: scan.json. array: of an HDF5 file with signals. grains: those of the EBSD map.
    registration: registration.json, whose warnings are said again.
    """
    facts = ScanFacts.load(scan)
    for warning in json.loads(registration.read_text())["warnings"]:
        logger.warning("warning: %s: %s", registration, warning)
    chosen = far_inside(read_labels(grains), grains)
    with open_map(ebsd) as map_of_ebsd:
        orientation = orientations_at(map_of_ebsd, chosen)
    with open_signals(signals, array) as given:
        taken = signals_at(given.read, given.shape, facts.axes, chosen)
    marker = None
    if facts.signals_origin == "simulated":
        settings = {"step_um": facts.step_um, "least_distance_px": LEAST_DISTANCE_PX}
        marker = simulated_marker(facts.name, settings)
    write_set(folder, specimen, taken, orientation, marker)
    logger.info("%s: specimen %02d, %d signals, one per grain", folder, specimen, len(chosen))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        scan=Path(snakemake.input.scan),
        signals=Path(snakemake.input.signals),
        array=snakemake.params.array,
        ebsd=Path(snakemake.input.ebsd),
        grains=Path(snakemake.input.grains),
        registration=Path(snakemake.input.registration),
        specimen=snakemake.params.specimen,
        folder=Path(snakemake.output.folder),
    )
