"""Rule `compile`: in, the sources of the paper and all generated files it shows; out, a PDF."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.paper import build_paper
from workflow.lib.runtime.script import logger, run


def main(sources: Path, generated: Sequence[Path], pdf: Path, tex_log: Path) -> None:
    """Compile the folder `sources` with the `generated` files into `pdf`.

    tex_log: where TeX's own log is kept, beside the rule's log.
    """
    build_paper(sources, generated, pdf, tex_log)
    logger.info("wrote %s", pdf)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        sources=Path(snakemake.input.main).parent,
        generated=[Path(file) for file in snakemake.input.generated],
        pdf=Path(snakemake.output.pdf),
        tex_log=Path(snakemake.log.tex),
    )
