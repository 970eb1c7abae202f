"""Rule `compare`: in, a map and EBSD's of the same pixels; out, a table and a histogram."""

from pathlib import Path

from workflow.lib.maps.compare import compare
from workflow.lib.maps.map_file import open_map
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.hdf5 import member, opened
from workflow.lib.runtime.script import logger, run


def main(orientation_map: Path, ebsd: Path, grains: Path, table: Path, histogram: Path) -> None:
    """Compare `orientation_map` with `ebsd`; `grains` has the grains of the latter, by pixel."""
    with open_map(orientation_map) as one, open_map(ebsd) as other, opened(grains) as file:
        found = compare(one, other, member(file, "labels"))
    rows = found.table()
    write_text(table, rows.to_csv(index=False, float_format="%.6g"))
    write_text(histogram, found.histogram().to_csv(index=False))
    for row in rows.itertuples():
        logger.info(
            "%s: %d of the %d pixels that EBSD indexed; median %.2f°, mean %.2f°, %.1f %% below 5°",
            row.part, row.pixels, row.ebsd_pixels, row.median_deg, row.mean_deg,
            100 * row.within_5_deg,
        )  # fmt: skip


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        ebsd=Path(snakemake.input.ebsd),
        grains=Path(snakemake.input.grains),
        table=Path(snakemake.output.table),
        histogram=Path(snakemake.output.histogram),
    )
