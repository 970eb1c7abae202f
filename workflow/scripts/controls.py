"""Rule `controls`: in, tables of the record; out, the paper's tables and figure of the controls."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.report.evidence.controls_figure import plot_controls
from workflow.lib.report.evidence.controls_table import controls_latex, controls_markdown
from workflow.lib.report.evidence.fold_summary_table import fold_summary_latex
from workflow.lib.report.evidence.parts_table import parts_latex
from workflow.lib.report.evidence.rows import read_record, references_of
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run

COLUMNS = {
    "trainings": ["simulated"],
    "models": ["network", "parameters", "tflop"],
    "controls": ["network", "title", "kind", "statistic", "value", "low", "high", "seeds", "n"],
    "differences": ["network", "reference", "statistic", "percent", "effect", "p_holm"],
    "fold_summary": ["network", "title", "statistic", "value", "sd"],
    "fold_differences": ["network", "reference", "statistic", "percent", "folds_lower", "p_holm"],
}


def main(
    record: Mapping[str, Path],
    style: Path,
    controls_tex: Path,
    controls_md: Path,
    parts_tex: Path,
    fold_summary_tex: Path,
    figures: Sequence[Path],
) -> None:
    """Write the tables and draw the figure. record: files by the names of their tables, COLUMNS."""
    tables = {name: read_record(path, COLUMNS[name]) for name, path in record.items()}
    controls, differences = tables["controls"], tables["differences"]
    simulated = bool(tables["trainings"]["simulated"].any())
    markdown = controls_markdown(controls, differences, tables["models"], simulated)
    write_text(controls_md, markdown)
    write_text(controls_tex, controls_latex(controls, differences, simulated))
    write_text(parts_tex, parts_latex(controls, simulated))
    over_folds = tables["fold_summary"], tables["fold_differences"]
    write_text(fold_summary_tex, fold_summary_latex(*over_folds, simulated))
    plot_controls(controls, references_of(differences), simulated, style, figures)
    logger.info("%s", markdown)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        record={Path(path).stem: Path(path) for path in snakemake.input.record},
        style=Path(snakemake.input.style),
        controls_tex=Path(snakemake.output.controls),
        controls_md=Path(snakemake.output.markdown),
        parts_tex=Path(snakemake.output.parts),
        fold_summary_tex=Path(snakemake.output.fold_summary),
        figures=[Path(path) for path in snakemake.output.figures],
    )
