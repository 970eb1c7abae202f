"""Rule `numbers`: in, tables and models; out, numbers.tex, every number the paper's text cites.

The name is not the rule's, because `numbers` is a module of Python's standard library.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.report.numbers import numbers_tex
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    scores: Path,
    table: Path,
    comparison: Path,
    provenance: Path,
    fold: Path,
    models: Sequence[Path],
    published: Path,
    compared: Mapping[str, str],
    numbers: Path,
) -> None:
    """Write the macros."""
    text = numbers_tex(scores, table, comparison, provenance, fold, models, published, compared)
    write_text(numbers, text)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        scores=Path(snakemake.input.scores),
        table=Path(snakemake.input.table),
        comparison=Path(snakemake.input.comparison),
        provenance=Path(snakemake.input.provenance),
        fold=Path(snakemake.input.fold),
        models=[Path(path) for path in snakemake.input.models],
        published=Path(snakemake.input.published),
        compared=snakemake.params.compared,
        numbers=Path(snakemake.output.numbers),
    )
