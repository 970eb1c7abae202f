"""Rule `map_block`: in, a release and a checked scan; out, what its model says of some rows."""

from pathlib import Path

from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.maps.blocks import About, rows_of_block, write_block
from workflow.lib.maps.index import Indexer
from workflow.lib.maps.release import Chosen, open_release
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.runtime.devices import choose_device
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.script import run


def main(
    release: Path,
    signals: Path,
    facts: Path,
    block: Path,
    item: str,
    network: str,
    fold: int | None,
    seed: int | None,
    views: int,
    device: str,
    threads: int,
) -> None:
    """Map the rows that `item`, such as 2-of-4, has of the scan.

    network: in the release. fold, seed: of its model; None for the release's choice. views: of each
    signal.
    """
    checked, chosen = ScanFacts.load(facts), open_release(release).choose(network, fold, seed)
    indexer = Indexer(chosen.task, chosen.space, views, choose_device(device), threads)
    with open_signals(signals, checked.array or None) as scan:
        if scan.shape != checked.shape:
            raise InputError(
                f"{signals}: {scan.shape} pixels, but {checked.shape} when it was checked "
                f"({facts}): it has changed since; run the same command again"
            )
        rows = rows_of_block(item, scan.shape[0])
        label = f"{checked.name}, {chosen.title}, block {item}"
        write_block(scan, indexer, rows, _about(chosen, views), block, label)


def _about(chosen: Chosen, views: int) -> About:
    return About(
        training_origin="simulated" if chosen.is_simulated else "measured",
        network=chosen.network,
        fold=chosen.fold,
        seed=chosen.seed,
        views=views,
        made_by=f"{chosen.title} of the release with SHA-256 {chosen.checksum}",
    )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        release=Path(snakemake.input.release),
        signals=Path(snakemake.input.signals),
        facts=Path(snakemake.input.facts),
        block=Path(snakemake.output.block),
        item=snakemake.wildcards.scatteritem,
        network=snakemake.wildcards.mapper,
        fold=snakemake.params.fold,
        seed=snakemake.params.seed,
        views=snakemake.params.views,
        device=snakemake.config["prediction_device"],  # changes no result, so no parameter
        threads=snakemake.threads,
    )
