"""Rule `download`: the dataset from Mendeley Data, or a mirror of it, verified.

In: the network, and a lock file if the config names one. Out: the lock file of what was
fetched, written last. The data lie beside it below `data/`, undeclared, so that a failed
or killed job loses nothing: the next one continues where it stopped.
"""

from pathlib import Path

from workflow.lib.archive.download.fetch import fetch
from workflow.lib.runtime.script import run


def main(
    *,
    folder: Path,
    output: Path,
    base_url: str,
    dataset_id: str,
    version: int,
    lock: Path | None,
    parallel: int,
) -> None:
    """Fetch into `folder` and write the lock to `output`; see `archive.download.fetch`."""
    fetch(
        folder,
        output,
        base_url=base_url,
        dataset_id=dataset_id,
        version=version,
        lock=lock,
        parallel=parallel,
    )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        folder=Path(snakemake.output.lock).parent,
        output=Path(snakemake.output.lock),
        base_url=snakemake.params.base_url,
        dataset_id=snakemake.params.dataset_id,
        version=snakemake.params.version,
        lock=next(map(Path, snakemake.input), None),
        parallel=snakemake.threads,
    )
