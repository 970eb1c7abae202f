"""Rule `ebsd`: in, a scan's EBSD map as it came; out, the same as a map of this workflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow.lib.archive.scan.ebsd import open_ebsd
from workflow.lib.maps.ebsd_map import write_ebsd_map
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.script import logger, run


def main(facts: Path, ebsd: Path, target: Path, settings: Mapping[str, Any]) -> None:
    """Write the orientations in `ebsd` as the map `target` of the scan that `facts` describes.

    settings: of the scan's `ebsd` in the config.
    """
    scan = ScanFacts.load(facts)
    with open_ebsd(ebsd, settings) as orientations:
        indexed = write_ebsd_map(orientations, scan, ebsd, target)
    pixels = scan.raster.pixels
    logger.info("%s: EBSD indexed %d of %d pixels", scan.name, indexed, pixels)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        facts=Path(snakemake.input.facts),
        ebsd=Path(snakemake.input.ebsd),
        target=Path(snakemake.output.ebsd),
        settings=snakemake.params.settings,
    )
