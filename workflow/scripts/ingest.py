"""Rule `ingest`: the archive's sets and scans as HDF5.

In: the root of an archive (a folder, or a .zip, wherever inside it the files lie).
Out: dataset.h5 with the sets of all specimens, scans.h5 with the whole-specimen scans.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow.lib.dataset import ingest
from workflow.lib.files import scratch_folder
from workflow.lib.job import run
from workflow.lib.scans import ingest_scans
from workflow.lib.unpack import unpack_zip


def main(root: Path, dataset: Path, scans: Path, source: str) -> None:
    """Ingest the archive at `root`; `source` is "simulated", "archive" or "mendeley"."""
    with _as_folder(Path(root), Path(dataset).parent) as folder:
        ingest(folder, Path(dataset), source)
        ingest_scans(folder, Path(scans), source)


@contextmanager
def _as_folder(root: Path, near: Path) -> Iterator[Path]:
    """`root` itself, or the temporary folder in `near` into which the zip `root` is unpacked."""
    if root.suffix.lower() != ".zip":
        yield root
        return
    with scratch_folder(near / "unpacked") as temporary:
        folder = temporary / root.stem
        unpack_zip(root, folder)
        yield folder


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        root=snakemake.params.root,
        dataset=snakemake.output.dataset,
        scans=snakemake.output.scans,
        source=snakemake.params.source,
    )
