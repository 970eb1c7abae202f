"""Rule `views_record`: in, a table for each training; out, one of all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.views import views_record
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    tables: Sequence[Path], titles: Mapping[str, str], kinds: Mapping[str, str], csv: Path
) -> None:
    """Write the rows of all tables, with the models' titles and kinds."""
    record = views_record(tables, titles, kinds)
    write_text(csv, record.to_csv(index=False, float_format="%.6g"))
    logger.info("%d rows of %d models", len(record), record["network"].nunique())


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        tables=[Path(path) for path in snakemake.input.tables],
        titles=snakemake.params.titles,
        kinds=snakemake.params.kinds,
        csv=Path(snakemake.output.csv),
    )
