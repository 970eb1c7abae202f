"""Rule `ambiguity_record`: in, the sweep on record; out, its figure and numbers for the paper."""

from pathlib import Path

from workflow.lib.report.ambiguity import plot_sweep, read_sweep, sweep_latex
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(sweep: Path, style: Path, figure: Path, tex: Path) -> None:
    """Draw the sweep, and write its numbers and where they are from as macros."""
    table = read_sweep(sweep)
    plot_sweep(table, style, [figure])
    write_text(tex, sweep_latex(table))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        sweep=Path(snakemake.input.sweep),
        style=Path(snakemake.input.style),
        figure=Path(snakemake.output.figure),
        tex=Path(snakemake.output.tex),
    )
