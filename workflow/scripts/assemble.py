"""Rule `assemble`: in, a fold and trained models of it; out, the ensemble that they are."""

from pathlib import Path

from workflow.lib.runtime.script import run
from workflow.lib.training.assemble import assemble_models

if __name__ == "__main__":
    pairs = zip(snakemake.input.weights, snakemake.input.models, strict=True)
    run(
        assemble_models,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        members=[(Path(weights), Path(model)) for weights, model in pairs],
        name=snakemake.wildcards.network,
        settings=snakemake.params.settings,
        seed=int(snakemake.wildcards.seed),
        threads=snakemake.threads,
        weights_path=Path(snakemake.output.weights),
        model_path=Path(snakemake.output.model),
        history_path=Path(snakemake.output.history),
    )
