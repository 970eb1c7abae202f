"""Rule `views`: in, a trained model and a fold; out, its error and its time for 1 to 72 views."""

from collections.abc import Mapping
from pathlib import Path

import torch

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.evaluation.views import view_table
from workflow.lib.inference.support import Settings
from workflow.lib.inference.views import (
    costs_ms,
    decide_from_views,
    errors_deg,
    fitted_temperature,
)
from workflow.lib.models.saved import load_task
from workflow.lib.runtime.devices import use_cpu
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    fold: Path,
    weights: Path,
    model: Path,
    csv: Path,
    name: str,
    seed: int,
    settings: Mapping[str, float],
    resamples: int,
) -> None:
    """Decide on the fold's test signals from each number of views; write a table of it.

    name: of the model in the config. settings: the config's `several`. All on one core of a CPU,
    so that times can be compared.
    """
    use_cpu(1)
    parts, attributes = read_fold(fold, ["validation", "test"]), read_attributes(fold)
    task, several = load_task(weights, model), Settings(**settings)
    signals, reference = (
        torch.from_numpy(array) for array in (parts["test"].signals, parts["test"].orientation)
    )
    validation = parts["validation"]
    temperature = fitted_temperature(
        task, torch.from_numpy(validation.signals), torch.from_numpy(validation.orientation)
    )
    label = f"{name} fold {attributes['fold']} seed {seed}, views"
    deg = errors_deg(decide_from_views(task, signals, several, temperature, label), reference)
    cost_ms = costs_ms(task, signals, several, temperature)
    table = view_table(
        name, int(attributes["fold"]), seed, deg, cost_ms, resamples, bool(attributes["simulated"])
    )
    write_text(csv, table.to_csv(index=False, float_format="%.6g"))
    medians = table[table["statistic"] == "median_deg"]
    logger.info(
        "%s",
        medians.drop(columns=["network", "fold", "seed", "statistic", "simulated"]).to_string(),
    )


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        weights=Path(snakemake.input.weights),
        model=Path(snakemake.input.model),
        csv=Path(snakemake.output.csv),
        name=snakemake.wildcards.network,
        seed=int(snakemake.wildcards.seed),
        settings=snakemake.params.settings,
        resamples=snakemake.params.resamples,
    )
