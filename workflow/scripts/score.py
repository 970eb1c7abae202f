"""Rule `score`: in, all predictions; out, a row per training, and medians per fold."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.scores import score_table
from workflow.lib.report.folds import folds_latex, folds_table
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    predictions: Sequence[Path],
    titles: Mapping[str, str],
    of_one_fold: Mapping[str, str],
    scores: Path,
    folds_csv: Path,
    folds_tex: Path,
) -> None:
    """Write scores.csv, folds.csv and folds.tex."""
    table = score_table(predictions)
    folds = folds_table(table, titles)
    write_text(scores, table.to_csv(index=False))
    write_text(folds_csv, folds.to_csv(index=False))
    write_text(folds_tex, folds_latex(folds, titles, of_one_fold))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        titles=snakemake.params.titles,
        of_one_fold=snakemake.params.of_one_fold,
        scores=Path(snakemake.output.scores),
        folds_csv=Path(snakemake.output.folds[0]),
        folds_tex=Path(snakemake.output.folds[1]),
    )
