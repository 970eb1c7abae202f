"""Rule `moved`: in, a run's record and the frozen one; out, what lies outside the intervals now."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.evidence.moved import moved_markdown, moved_table
from workflow.lib.runtime.files import InputError, write_text
from workflow.lib.runtime.script import logger, run


def main(frozen: Sequence[Path], new: Sequence[Path], csv: Path, markdown: Path) -> None:
    """Write moved.csv and moved.md."""
    if not frozen:
        raise InputError("paper/record/ has no table; expected a frozen record: make record")
    table, compared = moved_table(frozen, new)
    write_text(csv, table.to_csv(index=False, float_format="%.6g"))
    write_text(markdown, moved_markdown(table, compared))
    logger.info("%d of %d values moved", (table["change"] == "moved").sum(), compared)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        frozen=[Path(path) for path in snakemake.input.frozen],
        new=[Path(path) for path in snakemake.input.new],
        csv=Path(snakemake.output.csv),
        markdown=Path(snakemake.output.markdown),
    )
