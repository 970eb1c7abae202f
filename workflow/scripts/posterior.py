"""Rule `posterior`: in, a fold of simulated data; out, the exact posteriors of its test signals."""

from pathlib import Path

import numpy as np
import torch

from workflow.lib.data.dataset import SOURCES, read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import new_hdf5, write_array
from workflow.lib.runtime.script import logger, run
from workflow.lib.simulation.posterior import Settings, posterior, specimen_of_fold
from workflow.lib.simulation.reflectance import benchmark


def main(
    fold: Path, output: Path, facet_amplitude: float, settings: dict[str, float], threads: int
) -> None:
    """Write the posteriors of the fold's test signals, and the labels they are judged by.

    facet_amplitude: that of the fold's signals. settings: of `simulation.posterior.Settings`.
    """
    attributes = read_attributes(fold)
    check_simulated(fold, attributes, facet_amplitude)
    specimen = specimen_of_fold(int(attributes["fold"]))
    test = read_fold(fold, ["test"])["test"]
    torch.set_num_threads(threads)
    label = f"posterior fold {attributes['fold']}"
    found = posterior(
        test.signals, test.orientation, specimen, facet_amplitude, Settings(**settings), label
    )
    reference = torch.as_tensor(test.orientation)
    angle_deg = misorientation_deg(found.least_expected_orientation, reference).numpy()
    arrays = {name: value.numpy() for name, value in vars(found).items()}
    arrays |= {"reference": test.orientation, "misorientation_deg": angle_deg}
    with new_hdf5(output) as file:
        for name, value in arrays.items():
            write_array(file, name, value)
        file.attrs.update(attributes, facet_amplitude=facet_amplitude)
    logger.info(
        "fold %s, facet amplitude %g: %d posteriors, least expected misorientation median %.2f°",
        attributes["fold"], facet_amplitude, len(angle_deg), np.median(angle_deg),
    )  # fmt: skip


def check_simulated(fold: Path, attributes: dict[str, object], facet_amplitude: float) -> None:
    """Refuse signals that this forward model did not make; InputError."""
    expected = f"{SOURCES['simulated']} {benchmark(facet_amplitude)}"
    if not attributes["simulated"] or attributes["source"] != expected:
        raise InputError(
            f"{fold}: holds {attributes['source']!r}, expected {expected!r}: only of signals that "
            "were simulated with simulation.facet_amplitude is the posterior known"
        )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        output=Path(snakemake.output.posterior),
        facet_amplitude=float(snakemake.params.facet_amplitude),
        settings=dict(snakemake.params.settings),
        threads=snakemake.threads,
    )
