"""Rule `registration`: in, a scan and its EBSD grains; out, whether they lie on each other."""

import json
from pathlib import Path

from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.maps.grains import read_labels
from workflow.lib.maps.placed import to_raster
from workflow.lib.maps.registration import label_edges, register, signal_edges
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(scan: Path, signals: Path, array: str | None, grains: Path, registration: Path) -> None:
    """Write how the EBSD map would have to be moved, and warn where that is far.

    scan: scan.json. array: of an HDF5 file with signals. grains: those of the EBSD map.
    """
    axes, labels = ScanFacts.load(scan).axes, read_labels(grains)
    with open_signals(signals, array) as given:
        edges = signal_edges(given.read, given.shape)
    found = register(to_raster(edges, axes), label_edges(labels))
    write_text(registration, json.dumps(found.facts(), indent=2) + "\n")
    for warning in found.warnings:
        logger.warning("warning: %s", warning)
    if not found.warnings:
        logger.info("signals and EBSD lie on each other within %.2f px", found.displacement_px)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        scan=Path(snakemake.input.scan),
        signals=Path(snakemake.input.signals),
        array=snakemake.params.array,
        grains=Path(snakemake.input.grains),
        registration=Path(snakemake.output.registration),
    )
