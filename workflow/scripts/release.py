"""Rule `release`: in, trained models, their answers and signal spaces; out, one zip."""

import json
from collections.abc import Sequence
from pathlib import Path

from workflow.lib.maps.release import Run, Trained, pack_release, release_facts
from workflow.lib.maps.release.contents import (
    CARD,
    FACTS,
    LICENSE,
    MODEL,
    WEIGHTS,
    model_folder,
    space_file,
)
from workflow.lib.report.model_card import model_card
from workflow.lib.runtime.checkout import code_version
from workflow.lib.runtime.digest import ROOT
from workflow.lib.runtime.script import logger, run


def main(
    trained: Sequence[Trained], spaces: Sequence[Path], licence: Path, settings: Run, release: Path
) -> None:
    """Pack the models into `release`, with what there is to know of them.

    spaces: signal spaces, whose names are their folds' numbers.
    """
    facts = release_facts(trained, settings)
    files: dict[str, bytes | Path] = {
        FACTS: (json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(),
        CARD: model_card(facts).encode(),
        LICENSE: licence,
    }
    files |= {space_file(int(path.stem)): path for path in spaces}
    for one, model in zip(trained, facts["models"], strict=True):
        folder = model_folder(model["network"], model["fold"], model["seed"])
        files |= {f"{folder}/{WEIGHTS}": one.weights, f"{folder}/{MODEL}": one.model}
    pack_release(release, files)
    size_mb = release.stat().st_size / 1e6
    logger.info("%s: %d models, %.1f MB", release, len(trained), size_mb)


if __name__ == "__main__":
    inputs = (snakemake.input.weights, snakemake.input.models, snakemake.input.predictions)
    run(
        main,
        snakemake.log[0],
        trained=[Trained(*map(Path, files)) for files in zip(*inputs, strict=True)],
        spaces=[Path(path) for path in snakemake.input.spaces],
        licence=Path(snakemake.input.licence),
        settings=Run(
            snakemake.params.run,
            snakemake.params.titles,
            tuple(snakemake.params.default),
            snakemake.params.anomaly,
            code_version(ROOT),  # no parameter: a commit alone makes no other release, nor maps
            snakemake.params.resamples,
        ),
        release=Path(snakemake.output.release),
    )
