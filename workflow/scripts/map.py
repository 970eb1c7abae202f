"""Rule `map`: in, the blocks of a scan; out, its map."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.maps.blocks import join_blocks
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.script import logger, run


def main(blocks: Sequence[Path], facts: Path, map_file: Path) -> None:
    """Join the blocks of the scan that `facts` tell of to an HDF5 file that orix opens."""
    scan = ScanFacts.load(facts)
    header, indexed = join_blocks(blocks, scan, map_file)
    if header.notice:
        logger.warning("warning: %s", header.notice)
    logger.info(
        "%s: %d × %d pixels along x and y, %.1f %% of them indexed",
        map_file, scan.raster.nx, scan.raster.ny, 100 * indexed / scan.raster.pixels,
    )  # fmt: skip


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        blocks=[Path(path) for path in snakemake.input.blocks],
        facts=Path(snakemake.input.facts),
        map_file=Path(snakemake.output.map),
    )
