"""Rule `ambiguous_grain`: in, answers to the signals of a fold; out, a picture of one of them."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.ambiguous_grain import grain_latex, read_grain
from workflow.lib.report.grain_figure import plot_grain
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    fold: Path,
    predictions: Path,
    posterior: Path | None,
    title: str,
    style: Path,
    figures: Sequence[Path],
    tex: Path,
) -> None:
    """Choose a grain with two answers, draw it into each of `figures`, write what there is to say.

    posterior: the exact one of the fold, if there is one. title: of the model that answered.
    """
    grain, simulated = read_grain(fold, predictions, posterior)
    if grain is None:
        logger.info("no signal has a second answer: the picture has none")
    else:
        logger.info("signal %d, one of %d that meet the rule", grain.index, grain.qualified)
    plot_grain(grain, title, simulated, style, figures)
    write_text(tex, grain_latex(grain))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        predictions=Path(snakemake.input.predictions),
        posterior=next(map(Path, snakemake.input.posterior), None),  # of simulated data
        title=snakemake.params.title,
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output.figures],
        tex=Path(snakemake.output.tex),
    )
