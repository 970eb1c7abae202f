"""Rule `truth`: in, a simulated scan; out, the grains and anomalies it was drawn with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.maps.truth import check_same, simulated_again, truth_of, write_truth
from workflow.lib.runtime.script import logger, run


def main(
    signals: Path,
    array: str | None,
    output: Path,
    name: str,
    axes: Sequence[str],
    simulation: Mapping[str, Any],
) -> None:
    """Write the truth of the simulated scan `name`, after checking that these are its signals.

    array: of an HDF5 file. axes, simulation: as in the config.
    """
    scan, orientation = simulated_again(name, simulation)
    with open_signals(signals, array) as found:
        check_same(found, scan, str(signals), name)
    write_truth(output, truth_of(scan, orientation, axes), name)
    logger.info("%s: SIMULATED, of %d grains", name, len(orientation))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        signals=Path(snakemake.input.signals),
        array=snakemake.params.array,
        output=Path(snakemake.output.truth),
        name=snakemake.params.name,
        axes=list(snakemake.params.axes),
        simulation=dict(snakemake.params.simulation),
    )
