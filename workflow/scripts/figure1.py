"""Rule `figure1`: in, the predictions of one fold; out, the histograms of both networks."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.evaluation.scores import read_results
from workflow.lib.report.figures import plot_histograms
from workflow.lib.runtime.script import run


def main(predictions: Sequence[Path], style: Path, figures: Sequence[Path]) -> None:
    """Draw Figure 1 into each of `figures`; the suffix is the format."""
    results, simulated, _ = read_results(predictions)
    plot_histograms(results, simulated, style, figures)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output],
    )
