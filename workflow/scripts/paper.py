"""Rule `paper`: in, the PDF that was compiled; out, the paper.

Snakemake removes what a rule made before it runs again. So the paper is not made by LaTeX itself:
the last one has to stay when a compilation fails.
"""

import shutil
from pathlib import Path

from workflow.lib.runtime.files import atomic
from workflow.lib.runtime.script import logger, run


def main(compiled: Path, pdf: Path) -> None:
    """Copy `compiled` to `pdf`."""
    with atomic(pdf) as part:
        shutil.copyfile(compiled, part)
    logger.info("wrote %s", pdf)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        compiled=Path(snakemake.input.compiled),
        pdf=Path(snakemake.output.pdf),
    )
