"""Rule `ambiguity_figure`: in, the table of a sweep; out, the same as Markdown and as a figure."""

from pathlib import Path

from workflow.lib.report.ambiguity import plot_sweep, read_sweep, sweep_markdown
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(csv: Path, style: Path, markdown: Path, figures: list[Path]) -> None:
    """Write what the sweep came to as Markdown, and draw it."""
    table = read_sweep(csv)
    text = sweep_markdown(table)
    write_text(markdown, text)
    plot_sweep(table, style, figures)
    logger.info("%s", text)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        csv=Path(snakemake.input.csv),
        style=Path(snakemake.input.style),
        markdown=Path(snakemake.output.markdown),
        figures=[Path(path) for path in snakemake.output.figures],
    )
