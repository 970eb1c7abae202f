"""Rule `ingest`: the archive's sets and scans as HDF5.

In: all files of an archive that is a folder, the one file of another, or the lock of a download.
Out: dataset.h5 with the sets of all specimens, scans.h5 with the whole-specimen scans.
"""

from pathlib import Path

from workflow.lib.archive.raw import raw_folder
from workflow.lib.data.dataset import ingest
from workflow.lib.data.scans import ingest_scans
from workflow.lib.runtime.script import run


def main(
    place: Path,
    dataset: Path,
    scans: Path,
    source: str,
    specimens: int,
    unindexed: str = "refuse",
    lock: Path | None = None,
) -> None:
    """Ingest the archive at `place`, a folder or a file, with that many specimens.

    source, unindexed: as in the config. lock: in `place`, lists the files it must hold.
    """
    with raw_folder(place, dataset.parent, specimens, lock) as folder:
        ingest(folder, dataset, source, unindexed)
        ingest_scans(folder, scans, source)


def _place(source: str, first_input: Path) -> Path:
    """Where the archive is. Not a parameter of the rule: its files are inputs, and the same
    files by another path give the same dataset."""
    if source == "archive":
        return Path(snakemake.config["data"]["archive"])
    return first_input.parent if source == "mendeley" else first_input.parents[1]


if __name__ == "__main__":
    first = Path(snakemake.input[0])
    source = snakemake.params.source
    run(
        main,
        snakemake.log[0],
        place=_place(source, first),
        dataset=Path(snakemake.output.dataset),
        scans=Path(snakemake.output.scans),
        source=source,
        specimens=snakemake.params.specimens,
        unindexed=snakemake.params.unindexed,
        lock=first if source == "mendeley" else None,
    )
