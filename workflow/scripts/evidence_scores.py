"""Rule `evidence_scores`: in, all predictions; out, the record of trainings, models and folds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.controls import control_tables
from workflow.lib.evaluation.evidence import model_table, read_trainings, training_table
from workflow.lib.evaluation.over_folds import fold_differences, fold_summary, fold_table
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    predictions: Sequence[Path],
    models: Sequence[Path],
    titles: Mapping[str, str],
    kinds: Mapping[str, str],
    compared: Sequence[str],
    table_fold: int,
    resamples: int,
    record: Mapping[str, Path],
) -> None:
    """Write the tables as CSV.

    titles, kinds: of the models by name. compared: names, the baseline first. resamples: behind
    each interval. record: the files by the names of their tables.
    """
    read = read_trainings(predictions, models)
    of_trainings = training_table(read, titles, kinds)
    controls, differences = control_tables(read, titles, kinds, compared, table_fold, resamples)
    folds = fold_table(of_trainings)
    tables = {
        "trainings": of_trainings,
        "models": model_table(read, titles, kinds, compared, table_fold),
        "controls": controls,
        "differences": differences,
        "folds": folds,
        "fold_summary": fold_summary(folds, titles, resamples),
        "fold_differences": fold_differences(folds, compared, resamples),
    }
    for name, path in record.items():
        write_text(path, tables[name].to_csv(index=False, float_format="%.6g"))
    logger.info("%d trainings of %d models", len(read), len(tables["models"]))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        models=[Path(path) for path in snakemake.input.models],
        titles=snakemake.params.titles,
        kinds=snakemake.params.kinds,
        compared=snakemake.params.compared,
        table_fold=snakemake.params.table_fold,
        resamples=snakemake.params.resamples,
        record={Path(path).stem: Path(path) for path in snakemake.output},
    )
