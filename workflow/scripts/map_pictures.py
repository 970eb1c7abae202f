"""Rule `map_pictures`: in, a map and its grains; out, its pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.report.maps.grain_files import read_boundaries, read_grains
from workflow.lib.report.maps.misorientations import plot_misorientations
from workflow.lib.report.maps.panels import MOST_PX
from workflow.lib.report.maps.pictures import (
    plot_anomaly,
    plot_boundaries,
    plot_confidence,
    plot_orientations,
)
from workflow.lib.report.maps.poles import plot_poles
from workflow.lib.report.maps.view import read_view, stride_for_side
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.script import logger, run


def main(
    orientation_map: Path,
    labels: Path,
    grains: Path,
    boundaries: Path,
    style: Path,
    pictures: Mapping[str, Sequence[Path]],
) -> None:
    """Draw each of `pictures`, by name, into its files."""
    view = read_view(orientation_map, lambda raster: stride_for_side(raster, MOST_PX), labels)
    between = read_boundaries(boundaries, len(read_grains(grains)))
    drawn = {
        "ipf": lambda paths: plot_orientations(view, style, paths),
        "confidence": lambda paths: plot_confidence(view, style, paths),
        "anomaly": lambda paths: plot_anomaly(view, style, paths),
        "boundaries": lambda paths: plot_boundaries(view, between, style, paths),
        "poles": lambda paths: plot_poles(view, style, paths),
        "misorientations": lambda paths: plot_misorientations(view, between, style, paths),
    }
    for name in tracked(list(pictures), "pictures", "picture"):
        drawn[name](pictures[name])
    ny, nx = view.shape
    logger.info("%s: %d × %d pixels of the map are shown", ", ".join(pictures), nx, ny)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        orientation_map=Path(snakemake.input.orientation_map),
        labels=Path(snakemake.input.labels),
        grains=Path(snakemake.input.grains),
        boundaries=Path(snakemake.input.boundaries),
        style=Path(snakemake.input.style),
        pictures={name: [Path(path) for path in paths] for name, paths in snakemake.output.items()},
    )
