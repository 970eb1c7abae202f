"""Rule `train`: in, a fold (and its tokens); out, the weights, what they are, and the history."""

from pathlib import Path

from workflow.lib.runtime.script import run
from workflow.lib.training.train import train_model

if __name__ == "__main__":
    tokens = snakemake.input.get("tokens")
    run(
        train_model,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        tokens=Path(tokens) if tokens else None,
        name=snakemake.wildcards.network,
        settings=snakemake.params.settings,
        seed=int(snakemake.wildcards.seed),
        device=snakemake.config["device"],  # changes no result, so no parameter
        threads=snakemake.threads,
        checkpoint=Path(snakemake.params.checkpoint),
        kept=Path(snakemake.params.kept),
        weights_path=Path(snakemake.output.weights),
        model_path=Path(snakemake.output.model),
        history_path=Path(snakemake.output.history),
        code=snakemake.params.library,
    )
