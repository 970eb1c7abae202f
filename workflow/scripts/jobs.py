"""Rule `jobs`: in, benchmark files and what models are; out, what rules and trainings took."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.job import logger, run
from workflow.lib.job_table import (
    gpus_by_rule,
    job_table,
    jobs_shown,
    latex,
    markdown,
    network_table,
    networks_shown,
    training_table,
)
from workflow.lib.tables import write_text

JOBS_NOTE = (
    "What each rule took on the machine of this run. Load is CPU time over wall time, 100 % for "
    "one busy core; memory is the largest of any job. The steps after these are not in the table: "
    "it is made before them."
)
TRAININGS_NOTE = (
    "The trainings of each network: medians of time and of training signals per second, highest "
    "memory, and how much of the device's time was in use: of a GPU as its driver says, of a CPU "
    "as this process's time over that of its cores."
)


def main(
    models: Sequence[Path],
    benchmarks: Mapping[str, Sequence[Path]],
    prediction_device: str,
    jobs: Sequence[Path],
    trainings: Sequence[Path],
) -> None:
    """Write both tables, each as CSV, Markdown and LaTeX, in this order.

    The CSV of the trainings has a row per training, its other files a row per network.
    """
    by_training = training_table(models)
    simulated = bool(by_training["simulated"].any())
    by_rule = job_table(benchmarks, gpus_by_rule(by_training, prediction_device))
    by_network = networks_shown(network_table(by_training))
    for table, shown, note, (csv, md, tex) in (
        (by_rule, jobs_shown(by_rule), JOBS_NOTE, jobs),
        (by_training, by_network, TRAININGS_NOTE, trainings),
    ):
        write_text(csv, table.to_csv(index=False))
        write_text(md, markdown(shown, note, simulated))
        write_text(tex, latex(shown))
        logger.info("%s", markdown(shown, note, simulated))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        models=[Path(path) for path in snakemake.input.models],
        benchmarks={
            rule: [Path(file) for file in files]
            for rule, files in snakemake.params.benchmarks.items()
        },
        prediction_device=snakemake.params.prediction_device,
        jobs=[Path(path) for path in snakemake.output.jobs],
        trainings=[Path(path) for path in snakemake.output.trainings],
    )
