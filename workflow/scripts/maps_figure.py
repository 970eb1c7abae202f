"""Rule `maps_figure`: in, the maps on record; out, figure, table and sentences for the paper."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.evaluation.record import read_table
from workflow.lib.maps.record import read_maps
from workflow.lib.report.evidence.record import read_record
from workflow.lib.report.maps_figure import plot_maps
from workflow.lib.report.maps_paper import COLUMNS, maps_latex, maps_macros, maps_tex
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    csv: Path,
    maps: Path,
    provenance: Path,
    is_this_run: bool,
    style: Path,
    figures: Sequence[Path],
    table: Path,
    numbers: Path,
) -> None:
    """Draw `figures`, write the tabular `table` and the macros `numbers`."""
    write_text(table, maps_latex(read_table(csv, COLUMNS)))
    record = read_record([csv], provenance, is_this_run)
    write_text(numbers, maps_tex(maps_macros(record)))
    plot_maps(read_maps(maps), style, figures)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        csv=Path(snakemake.input.csv),
        maps=Path(snakemake.input.maps),
        provenance=Path(snakemake.input.provenance),
        is_this_run=snakemake.params.is_this_run,
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output.figures],
        table=Path(snakemake.output.table),
        numbers=Path(snakemake.output.numbers),
    )
