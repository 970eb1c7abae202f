"""Rule `figure1`: in, the predictions of one fold; out, the histograms of the models compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.scores import read_results
from workflow.lib.report.figure1 import plot_histograms
from workflow.lib.runtime.script import run


def main(
    predictions: Sequence[Path], titles: Mapping[str, str], style: Path, figures: Sequence[Path]
) -> None:
    """Draw Figure 1 into each of `figures`; the suffix is the format."""
    results, simulated, _ = read_results(predictions)
    plot_histograms(results, titles, simulated, style, figures)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        titles=snakemake.params.titles,
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output],
    )
