"""Rule `exchange`: in, a map; out, the same in the formats of other programs, .ang and .ctf."""

from pathlib import Path

from workflow.lib.maps.exchange import write_ang, write_ctf
from workflow.lib.maps.map_file import open_map
from workflow.lib.runtime.script import logger, run


def main(orientation_map: Path, ang: Path, ctf: Path) -> None:
    """Write the map of `orientation_map` as `ang` and as `ctf`."""
    with open_map(orientation_map) as source:
        write_ang(ang, source)
        write_ctf(ctf, source)
        logger.info("%d by %d pixels", source.raster.nx, source.raster.ny)
        if source.header.notice:
            logger.warning("warning: %s", source.header.notice)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        ang=Path(snakemake.output.ang),
        ctf=Path(snakemake.output.ctf),
    )
