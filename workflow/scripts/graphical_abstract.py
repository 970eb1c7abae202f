"""Rule `graphical_abstract`: in, the record and the sweep; out, the figure under the abstract."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.ambiguity import read_sweep
from workflow.lib.report.evidence.graphical_abstract import plot_graphical_abstract
from workflow.lib.report.evidence.record import read_record
from workflow.lib.runtime.script import run


def main(
    tables: Sequence[Path], provenance: Path, sweep: Path, style: Path, figures: Sequence[Path]
) -> None:
    """Draw it, with the limit of the sweep's signals where they are those of the record."""
    record = read_record(tables, provenance, is_this_run=False)
    exact = read_sweep(sweep).query("kind == 'exact'")
    for column in ("source", "fold", "n"):
        exact = exact[exact[column] == record.origin[column]]
    limit = float(exact["median_deg"].item()) if len(exact) == 1 else None
    plot_graphical_abstract(record, limit, style, figures)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        tables=[Path(path) for path in snakemake.input.tables],
        provenance=Path(snakemake.input.provenance),
        sweep=Path(snakemake.input.sweep),
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output],
    )
