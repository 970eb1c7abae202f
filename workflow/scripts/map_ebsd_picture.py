"""Rule `map_ebsd_picture`: in, a map and EBSD's of the same pixels; out, a picture of both."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.maps.ebsd_picture import in_words, plot_ebsd
from workflow.lib.report.maps.panels import MOST_PX
from workflow.lib.report.maps.view import read_view, stride_for_side
from workflow.lib.runtime.script import logger, run


def main(
    orientation_map: Path, ebsd: Path, ebsd_labels: Path, style: Path, pictures: Sequence[Path]
) -> None:
    """Draw both maps and how far they are apart into each of `pictures`."""
    view = read_view(
        orientation_map,
        lambda raster: stride_for_side(raster, MOST_PX),
        ebsd=ebsd,
        ebsd_grains=ebsd_labels,
    )
    plot_ebsd(view, style, pictures)
    logger.info("misorientation from EBSD %s", in_words(view))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        ebsd=Path(snakemake.input.ebsd),
        ebsd_labels=Path(snakemake.input.ebsd_labels),
        style=Path(snakemake.input.style),
        pictures=[Path(path) for path in snakemake.output],
    )
