"""Rule `jobs`: in, benchmark files and what models are; out, what rules and trainings took."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.data.dataset import read_attributes
from workflow.lib.report.jobs import (
    gpus_by_rule,
    job_table,
    jobs_shown,
    latex,
    markdown,
    network_table,
    networks_shown,
    training_table,
)
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run

JOBS_NOTE = (
    "What each rule took on the machine of this run. Load is CPU time over wall time, 100 % for "
    "one busy core; memory is the largest of any job. The steps after these are not in the table: "
    "it is made before them."
)
KEPT_NOTE = (
    " {} of the trainings are from before, as nothing that they depend on has changed: only the "
    "table of trainings has their time."
)
TRAININGS_NOTE = (
    "The trainings of each model: medians of their arithmetic (matrix products and convolutions "
    "of all steps), of time and of training signals per second, highest memory, and how much of "
    "the device's time was in use: of a GPU as its driver says, of a CPU as this process's time "
    "over that of its cores."
)


def main(
    models: Sequence[Path],
    predictions: Sequence[Path],
    benchmarks: Mapping[str, Sequence[Path]],
    titles: Mapping[str, str],
    jobs: Sequence[Path],
    trainings: Sequence[Path],
) -> None:
    """Write both tables, each as CSV, Markdown and LaTeX, in this order.

    The CSV of the trainings has a row per training, its other files a row per model.
    """
    by_training = training_table(models)
    simulated = bool(by_training["simulated"].any())
    devices = [str(read_attributes(path)["device"]) for path in predictions]
    by_rule = job_table(benchmarks, gpus_by_rule(by_training, devices))
    kept = int(by_training["kept"].sum())
    jobs_note = JOBS_NOTE + (KEPT_NOTE.format(kept) if kept else "")
    by_network = networks_shown(network_table(by_training), titles)
    for table, shown, note, (csv, md, tex) in (
        (by_rule, jobs_shown(by_rule), jobs_note, jobs),
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
        predictions=[Path(path) for path in snakemake.input.predictions],
        benchmarks={
            rule: [Path(file) for file in files]
            for rule, files in snakemake.params.benchmarks.items()
        },
        titles=snakemake.params.titles,
        jobs=[Path(path) for path in snakemake.output.jobs],
        trainings=[Path(path) for path in snakemake.output.trainings],
    )
