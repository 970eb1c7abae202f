"""Rule `views_figures`: in, the record of views and of arithmetic; out, a figure of each."""

from pathlib import Path

from workflow.lib.evaluation.arithmetic import read_record
from workflow.lib.report.evidence import arithmetic_figure, views_figure
from workflow.lib.report.evidence.arithmetic_figure import plot_arithmetic
from workflow.lib.report.evidence.views_figure import plot_views
from workflow.lib.runtime.script import run


def main(
    views: Path,
    arithmetic: Path,
    models: Path,
    controls: Path,
    style: Path,
    views_figures: list[Path],
    arithmetic_figures: list[Path],
) -> None:
    """Draw error against the number of views and its time, and against the arithmetic."""
    plot_views(read_record(views, views_figure.NEEDED), style, views_figures)
    plot_arithmetic(
        read_record(arithmetic, arithmetic_figure.NEEDED),
        read_record(models, arithmetic_figure.NEEDED_OF_MODELS),
        read_record(controls, arithmetic_figure.NEEDED_OF_CONTROLS),
        style,
        arithmetic_figures,
    )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        views=Path(snakemake.input.views),
        arithmetic=Path(snakemake.input.arithmetic),
        models=Path(snakemake.input.models),
        controls=Path(snakemake.input.controls),
        style=Path(snakemake.input.style),
        views_figures=[Path(path) for path in snakemake.output.views],
        arithmetic_figures=[Path(path) for path in snakemake.output.arithmetic],
    )
