"""Rules `grains` and `ebsd_grains`: in, a map; out, its grains and their boundaries."""

from pathlib import Path

import torch

from workflow.lib.maps.boundaries import boundary_table
from workflow.lib.maps.grain_table import grain_table
from workflow.lib.maps.grains import segment, write_grains
from workflow.lib.maps.map_file import open_map
from workflow.lib.runtime.files import atomic
from workflow.lib.runtime.script import logger, run


def main(
    orientation_map: Path,
    table: Path,
    boundaries: Path,
    labels: Path,
    settings: dict[str, float],
    threads: int,
) -> None:
    """Write a row for each grain, a row for each boundary, and the grain of each pixel.

    settings: threshold_deg, min_pixels and window_px of `maps.grains.segment`.
    """
    torch.set_num_threads(threads)
    with open_map(orientation_map) as one:
        grains = segment(one, **settings)
        of_grains = grain_table(one, grains)
        header, raster = one.header, one.raster
    of_boundaries = boundary_table(grains, raster.step_um, header.is_simulated)
    write_grains(labels, grains, header, raster, settings)
    for path, rows in ((table, of_grains), (boundaries, of_boundaries)):
        with atomic(path) as part:
            rows.to_csv(part, index=False, float_format="%.9g")
    left_out = int((grains.labels < 0).sum())
    logger.info(
        "%d grains, %d boundaries; %d of %d pixels in no grain",
        len(of_grains), len(of_boundaries), left_out, raster.pixels,
    )  # fmt: skip
    if header.notice:
        logger.info("%s", header.notice)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        table=Path(snakemake.output.table),
        boundaries=Path(snakemake.output.boundaries),
        labels=Path(snakemake.output.labels),
        settings=dict(snakemake.params.settings),
        threads=snakemake.threads,
    )
