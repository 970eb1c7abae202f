"""Rule `hypotheses_figures`: in, the hypotheses' tests on record; out, their figures and table."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.evidence.seams_figure import plot_seams
from workflow.lib.report.evidence.spellings_table import spellings_latex
from workflow.lib.report.evidence.triangle_figure import plot_triangles
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    seams: Path,
    triangle: Path,
    spellings: Path,
    style: Path,
    compared: Sequence[str],
    beside: Sequence[str],
    seams_figures: Sequence[Path],
    triangle_figures: Sequence[Path],
    spellings_tex: Path,
) -> None:
    """Draw and write them. compared: two models; beside: more for the figure of seams."""
    plot_seams(seams, compared, beside, style, seams_figures)
    plot_triangles(triangle, compared, style, triangle_figures)
    write_text(spellings_tex, spellings_latex(spellings))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        seams=Path(snakemake.input.seams),
        triangle=Path(snakemake.input.triangle),
        spellings=Path(snakemake.input.spellings),
        style=Path(snakemake.input.style),
        compared=snakemake.params.compared,
        beside=snakemake.params.beside,
        seams_figures=[Path(path) for path in snakemake.output.seams],
        triangle_figures=[Path(path) for path in snakemake.output.triangle],
        spellings_tex=Path(snakemake.output.spellings),
    )
