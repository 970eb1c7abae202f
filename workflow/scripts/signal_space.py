"""Rule `signal_space`: in, a fold; out, the subspace in which its training signals lie."""

from collections.abc import Mapping
from pathlib import Path

from workflow.lib.data.split import read_fold
from workflow.lib.maps.signal_space import fit_signal_space
from workflow.lib.runtime.script import logger, run


def main(fold: Path, space: Path, settings: Mapping[str, float]) -> None:
    """Fit to the training signals of `fold`, the threshold to its validation signals.

    settings: the config's `release.anomaly`.
    """
    parts = read_fold(fold, ["train", "validation"])
    fitted = fit_signal_space(parts["train"].signals, parts["validation"].signals, **settings)
    fitted.save(space)
    logger.info("%s: threshold %.3g", space, fitted.threshold)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        space=Path(snakemake.output.space),
        settings=snakemake.params.settings,
    )
