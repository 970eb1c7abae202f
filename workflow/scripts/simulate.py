"""Rule `simulate`: in, the seed and the sizes; out, an archive like Mendeley's, simulated."""

from pathlib import Path

from workflow.lib.runtime.script import logger, run
from workflow.lib.simulation.archive import write_archive
from workflow.lib.simulation.reflectance import benchmark


def main(
    folder: Path,
    seed: int,
    n_training: int,
    n_evaluation: int,
    scan_shape: tuple[int, int],
    facet_amplitude: float,
) -> None:
    """Write the simulated archive below `folder`, as folder/data/….

    n_training and n_evaluation are signals per specimen, scan_shape is in pixels (x, y),
    facet_amplitude is 0 to 1, and 0.15 in the benchmark sim-v1.
    """
    write_archive(folder, seed, n_training, n_evaluation, scan_shape, facet_amplitude)
    logger.info(
        "simulated %s, seed %d: %d training and %d evaluation signals per specimen, scans %d × %d",
        benchmark(facet_amplitude),
        seed,
        n_training,
        n_evaluation,
        *scan_shape,
    )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        folder=Path(snakemake.output[0]).parents[1],
        seed=snakemake.params.seed,
        n_training=snakemake.params.n_training,
        n_evaluation=snakemake.params.n_evaluation,
        scan_shape=tuple(snakemake.params.scan_shape),
        facet_amplitude=snakemake.params.facet_amplitude,
    )
