"""Rule `claims`: in, the record's other tables; out, the original's statements, tested."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.evaluation.published import read_published
from workflow.lib.report.ambiguity import read_sweep
from workflow.lib.report.evidence.claims import claims_table
from workflow.lib.report.evidence.published import published_reductions
from workflow.lib.report.evidence.record import read_record
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    tables: Sequence[Path], provenance: Path, sweep: Path, published: Path, claims: Path
) -> None:
    """Write a row per statement."""
    record = read_record(tables, provenance, is_this_run=True)
    reductions = published_reductions(read_published(published))
    table = claims_table(record, read_sweep(sweep), reductions)
    write_text(claims, table.to_csv(index=False, float_format="%.6g"))
    for row in table.itertuples():
        logger.info("%s: %s", row.claim, row.verdict)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        tables=[Path(path) for path in snakemake.input.tables],
        provenance=Path(snakemake.input.provenance),
        sweep=Path(snakemake.input.sweep),
        published=Path(snakemake.input.published),
        claims=Path(snakemake.output.claims),
    )
