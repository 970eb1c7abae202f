"""Rule `split`: the signals of one fold.

In: dataset.h5. Out: folds/<fold>.h5 with training, validation and test signals.
"""

from pathlib import Path

from workflow.lib.data.split import split
from workflow.lib.runtime.script import run


def main(
    dataset: Path, output: Path, fold: int, validation_share: float, validation_seed: int
) -> None:
    """Write the fold; arguments as for `workflow.lib.data.split.split`."""
    split(Path(dataset), int(fold), validation_share, validation_seed, Path(output))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        dataset=snakemake.input.dataset,
        output=snakemake.output.fold,
        fold=snakemake.wildcards.fold,
        validation_share=snakemake.params.validation["share"],
        validation_seed=snakemake.params.validation["seed"],
    )
