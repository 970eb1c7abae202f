"""Rule `arithmetic_record`: in, trainings, models and controls; out, errors by arithmetic."""

from pathlib import Path

from workflow.lib.evaluation.arithmetic import NEEDED, arithmetic_table
from workflow.lib.evaluation.record import read_table
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(trainings: Path, models: Path, controls: Path, fold: int, csv: Path) -> None:
    """Write a row per budget and statistic of the models that were trained with several."""
    paths = {"trainings": trainings, "models": models, "controls": controls}
    tables = {name: read_table(path, NEEDED[name]) for name, path in paths.items()}
    table = arithmetic_table(**tables, fold=fold)
    write_text(csv, table.to_csv(index=False, float_format="%.6g"))
    logger.info("%d models with several budgets", table["base"].nunique())


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        trainings=Path(snakemake.input.trainings),
        models=Path(snakemake.input.models),
        controls=Path(snakemake.input.controls),
        fold=snakemake.params.fold,
        csv=Path(snakemake.output.csv),
    )
