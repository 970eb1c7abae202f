"""Rule `frontier`: in, the search on record; out, its figure and its origin for the paper."""

from collections.abc import Mapping
from pathlib import Path

from workflow.lib.report.tuning import origin_latex, plot_candidates, read_search
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(search: Path, networks: Mapping[str, str], style: Path, figure: Path, tex: Path) -> None:
    """Draw validation median against arithmetic, and write a sentence on where that is from."""
    trainings = read_search(search)
    plot_candidates(trainings, networks, style, [figure])
    write_text(tex, origin_latex(trainings))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        search=Path(snakemake.input.search),
        networks=snakemake.params.networks,
        style=Path(snakemake.input.style),
        figure=Path(snakemake.output.figure),
        tex=Path(snakemake.output.tex),
    )
