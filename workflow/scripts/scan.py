"""Rule `scan`: in, a scan's signals and its EBSD map; out, what is known of it, checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow.lib.maps.scan_check import check_scan
from workflow.lib.runtime.script import logger, run


def main(
    signals: Path,
    source: Path,
    ebsd: Path | None,
    facts: Path,
    name: str,
    settings: Mapping[str, Any],
) -> None:
    """Check the scan `name` and write `facts`.

    source: of the signals in the config. settings: of the scan in the config.
    """
    scan = check_scan(name, signals, source, ebsd, settings)
    for warning in scan.warnings:
        logger.warning("warning: scan %s: %s", name, warning)
    scan.save(facts)
    logger.info(
        "%s: %d × %d pixels, first index along %s, second along %s; signals: %s",
        name, *scan.shape, *scan.axes, scan.signals_origin,
    )  # fmt: skip


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        signals=Path(snakemake.input.signals),
        source=Path(snakemake.params.source),
        ebsd=next(map(Path, snakemake.input.ebsd), None),
        facts=Path(snakemake.output.facts),
        name=snakemake.wildcards.scan,
        settings=snakemake.params.settings,
    )
