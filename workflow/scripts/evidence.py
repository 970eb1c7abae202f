"""Rule `evidence`: in, the record; out, all that the paper shows and says of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.record import read_table
from workflow.lib.report.ambiguity import read_sweep
from workflow.lib.report.evidence.arithmetic_figure import plot_arithmetic
from workflow.lib.report.evidence.claims import claims_latex
from workflow.lib.report.evidence.controls_figure import plot_controls
from workflow.lib.report.evidence.controls_table import controls_latex, controls_markdown
from workflow.lib.report.evidence.fold_summary_table import fold_summary_latex
from workflow.lib.report.evidence.graphical_abstract import limit_deg, plot_graphical_abstract
from workflow.lib.report.evidence.numbers import evidence_macros, evidence_sources, evidence_tex
from workflow.lib.report.evidence.parts_table import parts_latex
from workflow.lib.report.evidence.record import read_record
from workflow.lib.report.evidence.rows import COLUMNS, references_of
from workflow.lib.report.evidence.seams_figure import plot_seams
from workflow.lib.report.evidence.spellings_table import spellings_latex
from workflow.lib.report.evidence.triangle_figure import plot_triangles
from workflow.lib.report.evidence.views_figure import plot_views
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    record: Mapping[str, Path],
    provenance: Path,
    is_this_run: bool,
    sweep: Path,
    beside: Sequence[str],
    style: Path,
    texts: Mapping[str, Path],
    figures: Mapping[str, Sequence[Path]],
) -> None:
    """Write `texts` and draw `figures`, each by its name.

    record: tables by their names. beside: models in the figure of seams beside those compared.
    """
    tables = {name: read_table(path, COLUMNS.get(name, ())) for name, path in record.items()}
    controls, differences = tables["controls"], tables["differences"]
    folds = tables["fold_summary"], tables["fold_differences"]
    simulated = bool(tables["trainings"]["simulated"].any())
    told = read_record(list(record.values()), provenance, is_this_run)
    compared, macros = told.origin["compared"], evidence_macros(told)

    write_text(texts["controls.tex"], controls_latex(controls, differences, simulated))
    markdown = controls_markdown(controls, differences, tables["models"], simulated)
    write_text(texts["controls.md"], markdown)
    write_text(texts["parts.tex"], parts_latex(controls, simulated))
    write_text(texts["fold_summary.tex"], fold_summary_latex(*folds, simulated))
    write_text(texts["spellings.tex"], spellings_latex(record["spellings"]))
    write_text(texts["claims.tex"], claims_latex(tables["claims"]))
    write_text(texts["evidence_numbers.tex"], evidence_tex(macros))
    sources = json.dumps(evidence_sources(macros), indent=1)
    write_text(texts["evidence_sources.json"], sources + "\n")

    references = references_of(differences)
    plot_controls(controls, references, simulated, style, figures["controls"])
    plot_seams(record["seams"], compared, beside, style, figures["seams"])
    plot_triangles(record["triangle"], compared, style, figures["triangle"])
    plot_views(tables["views"], style, figures["views"])
    points = tables["arithmetic"], tables["models"], controls
    plot_arithmetic(*points, style, figures["arithmetic"])
    limit = limit_deg(read_sweep(sweep), told.origin)
    plot_graphical_abstract(told, limit, style, figures["graphical_abstract"])
    logger.info("%s", markdown)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        record={Path(path).stem: Path(path) for path in snakemake.input.record},
        provenance=Path(snakemake.input.provenance),
        is_this_run=snakemake.params.is_this_run,
        sweep=Path(snakemake.input.sweep),
        beside=snakemake.params.beside,
        style=Path(snakemake.input.style),
        texts={Path(path).name: Path(path) for path in snakemake.output.texts},
        figures={
            name: [Path(path) for path in snakemake.output[name]]
            for name in snakemake.params.figures
        },
    )
