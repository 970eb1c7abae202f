"""Rule `signals`: in, the dataset; out, a picture of a dozen signals."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.data.dataset import read_attributes
from workflow.lib.report.signals import first_signals, plot_signals
from workflow.lib.runtime.script import run


def main(dataset: Path, style: Path, figures: Sequence[Path]) -> None:
    """Draw the first training signals of the specimens into each of `figures`."""
    simulated = bool(read_attributes(dataset)["simulated"])
    for figure in figures:
        plot_signals(*first_signals(dataset), figure, style, simulated)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        dataset=Path(snakemake.input.dataset),
        style=Path(snakemake.input.style),
        figures=[Path(path) for path in snakemake.output],
    )
