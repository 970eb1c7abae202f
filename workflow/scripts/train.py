"""Rule `train`: in, a fold (and its tokens); out, the weights, what they are, and the history."""

from pathlib import Path
from typing import Any

from workflow.lib.job import run
from workflow.lib.train_model import train_model


def main(
    fold: Path,
    tokens: Path | None,
    network: str,
    settings: dict[str, Any],
    seed: int,
    device: str,
    threads: int,
    checkpoint: Path,
    weights: Path,
    model: Path,
    history: Path,
    code: str,
) -> None:
    """See `train_model`."""
    train_model(
        fold, tokens, network, settings, seed, device, threads, checkpoint, weights, model,
        history, code,
    )  # fmt: skip


if __name__ == "__main__":
    tokens = snakemake.input.get("tokens")
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        tokens=Path(tokens) if tokens else None,
        network=snakemake.wildcards.network,
        settings=snakemake.params.settings,
        seed=int(snakemake.wildcards.seed),
        device=snakemake.params.device,
        threads=snakemake.threads,
        checkpoint=Path(snakemake.params.checkpoint),
        weights=Path(snakemake.output.weights),
        model=Path(snakemake.output.model),
        history=Path(snakemake.output.history),
        code=snakemake.params.library,
    )
