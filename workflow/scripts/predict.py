"""Rule `predict`: in, a trained model and a fold; out, its answers on the test specimen."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.inference.evaluate import evaluate
from workflow.lib.inference.predictions import write_predictions
from workflow.lib.inference.support import Settings
from workflow.lib.models.saved import load_task
from workflow.lib.runtime.devices import choose_device, device_name
from workflow.lib.runtime.script import logger, run


def main(
    fold: Path,
    weights: Path,
    model: Path,
    predictions: Path,
    name: str,
    seed: int,
    settings: Mapping[str, float],
    device: str,
    threads: int,
) -> None:
    """Predict the fold's test signals plainly, with TTA and with several answers; compare.

    name: of the model in the config, which becomes the attribute `network`. settings: the config's
    `several`; what several answers need to be fitted to is the fold's validation part.
    """
    parts, attributes = read_fold(fold, ["validation", "test"]), read_attributes(fold)
    task = load_task(weights, model)
    where = choose_device(device)
    label = f"{name} fold {attributes['fold']} seed {seed}"
    answers, several = evaluate(
        task, parts["test"], parts["validation"], Settings(**settings), where, threads, label
    )
    attributes |= {"network": name, "seed": seed, "device": device_name(where)}
    write_predictions(predictions, answers, attributes, several)
    logger.info(
        "%s, fold %s, seed %d: %d signals, %d invalid answers, median %.2f°, with TTA %.2f°",
        name, attributes["fold"], seed, len(answers.reference), answers.n_invalid,
        np.median(answers.misorientation_deg), np.median(answers.tta_misorientation_deg),
    )  # fmt: skip


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        weights=Path(snakemake.input.weights),
        model=Path(snakemake.input.model),
        predictions=Path(snakemake.output.predictions),
        name=snakemake.wildcards.network,
        seed=int(snakemake.wildcards.seed),
        settings=snakemake.params.settings,
        device=snakemake.config["prediction_device"],  # changes no result, so no parameter
        threads=snakemake.threads,
    )
