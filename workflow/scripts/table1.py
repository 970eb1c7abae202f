"""Rule `table1`: in, the predictions of one fold; out, Table 1 and two models compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.comparison import compare
from workflow.lib.evaluation.published import read_published
from workflow.lib.evaluation.scores import read_results
from workflow.lib.report.table1 import table1, table1_latex, table1_markdown
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    predictions: Sequence[Path],
    published: Path,
    titles: Mapping[str, str],
    shown: Sequence[str],
    compared: Sequence[str],
    resamples: int,
    csv: Path,
    markdown: Path,
    latex: Path,
    comparison: Path,
) -> None:
    """Write Table 1 as CSV, Markdown and LaTeX, and the reductions with their intervals.

    shown: titles of the models that the LaTeX has rows for.
    """
    results, simulated, source = read_results(predictions)
    table = table1(results, titles, read_published(published), resamples, source, simulated)
    write_text(csv, table.to_csv(index=False))
    write_text(markdown, table1_markdown(table))
    write_text(latex, table1_latex(table, shown))
    write_text(comparison, compare(results, compared, resamples).to_csv(index=False))
    logger.info("%s", table1_markdown(table))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        published=Path(snakemake.input.published),
        titles=snakemake.params.titles,
        shown=snakemake.params.shown,
        compared=snakemake.params.compared,
        resamples=snakemake.params.resamples,
        csv=Path(snakemake.output.table[0]),
        markdown=Path(snakemake.output.table[1]),
        latex=Path(snakemake.output.table[2]),
        comparison=Path(snakemake.output.comparison),
    )
