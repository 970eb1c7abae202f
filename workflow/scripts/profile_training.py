"""Rule `profile`: in, a fold (and its tokens); out, a trace of a few steps of its training."""

from pathlib import Path

from workflow.lib.runtime.script import run
from workflow.lib.training.profile import profile_training

if __name__ == "__main__":
    tokens = snakemake.input.get("tokens")
    run(
        profile_training,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        tokens=Path(tokens) if tokens else None,
        name=snakemake.wildcards.network,
        settings=snakemake.params.settings,
        seed=int(snakemake.wildcards.seed),
        device=snakemake.config["device"],  # changes no result, so no parameter
        threads=snakemake.threads,
        steps=snakemake.params.steps,
        trace_path=Path(snakemake.output.trace),
        summary_path=Path(snakemake.output.summary),
    )
