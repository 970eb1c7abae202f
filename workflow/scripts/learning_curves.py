"""Rule `learning_curves`: in, the history of every training; out, one figure of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.report.learning_curves import plot_learning_curves, read_histories
from workflow.lib.runtime.script import run


def main(
    models: Sequence[Path],
    histories: Sequence[Path],
    titles: Mapping[str, str],
    compared: Sequence[str],
    style: Path,
    figures: Sequence[Path],
) -> None:
    """Draw loss and validation median over epochs into each of `figures`."""
    table, simulated = read_histories(models, histories)
    plot_learning_curves(table, titles, compared, simulated, style, figures)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        models=[Path(path) for path in snakemake.input.models],
        histories=[Path(path) for path in snakemake.input.histories],
        titles=snakemake.params.titles,
        compared=snakemake.params.compared,
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output],
    )
