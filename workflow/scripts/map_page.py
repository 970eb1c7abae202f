"""Rule `map_page`: in, a map, its grains and EBSD's where there is any; out, its page."""

from collections.abc import Mapping
from pathlib import Path

from workflow.lib.maps.map_file import open_map
from workflow.lib.report.maps.grain_files import read_grains
from workflow.lib.report.maps.page import Sources, fitting_page
from workflow.lib.report.maps.view import read_view
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    orientation_map: Path,
    labels: Path,
    grains: Path,
    ebsd: Path | None,
    ebsd_labels: Path | None,
    pictures: Mapping[str, Path],
    sources: Sources,
    page: Path,
) -> None:
    """Write the page; `pictures`, by title, stand at its end."""
    with open_map(orientation_map) as whole:
        raster = whole.raster
    text, view = fitting_page(
        lambda stride: read_view(orientation_map, lambda _: stride, labels, ebsd, ebsd_labels),
        raster,
        sources,
        read_grains(grains),
        pictures,
    )
    write_text(page, text)
    ny, nx = view.shape
    logger.info("%s: %d × %d pixels, %.1f MB", page, nx, ny, len(text.encode()) / 1e6)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        labels=Path(snakemake.input.labels),
        grains=Path(snakemake.input.grains),
        ebsd=Path(snakemake.input.ebsd) if snakemake.input.ebsd else None,
        ebsd_labels=Path(snakemake.input.ebsd_labels) if snakemake.input.ebsd_labels else None,
        pictures=dict(
            zip(snakemake.params.titles, map(Path, snakemake.input.pictures), strict=True)
        ),
        sources=Sources(
            Path(snakemake.input.html), Path(snakemake.input.css), Path(snakemake.input.js)
        ),
        page=Path(snakemake.output.page),
    )
