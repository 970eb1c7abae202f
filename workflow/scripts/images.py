"""Rule `images`: in, a folder of images, one a direction of the light; out, a scan's signals."""

from pathlib import Path

from workflow.lib.archive.scan.images import stack_images
from workflow.lib.runtime.script import logger, run


def main(folder: Path, background: Path | None, signals: Path) -> None:
    """Write the images of `folder`, less those of `background`, as `signals`."""
    columns, rows = stack_images(folder, background, signals)
    logger.info("%s: images of %d × %d pixels", folder, columns, rows)


if __name__ == "__main__":
    background = snakemake.params.background
    run(
        main,
        snakemake.log[0],
        folder=Path(snakemake.params.folder),
        background=Path(background) if background else None,
        signals=Path(snakemake.output.signals),
    )
