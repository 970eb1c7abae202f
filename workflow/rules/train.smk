# One training per network, fold and seed; on a cluster they run side by side.
# Needs: folds/<fold>.h5, and tokens/<fold>.h5 for SequenceNet.
# Makes: models/<network>/<fold>/<seed>/; the checkpoint beside it is undeclared on purpose:
# Snakemake deletes a failed job's outputs, and the next attempt resumes from it.


rule train:
    input:
        unpack(training_inputs),
    output:
        weights=f"{MODEL}/weights.safetensors",
        model=f"{MODEL}/model.json",
        history=f"{MODEL}/training.csv",
    log:
        f"{RESULTS}/logs/train/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{network}}/{{fold}}/{{seed}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["device"] != "cpu"),
    params:
        settings=lambda wildcards: config["networks"][wildcards.network],
        device=config["device"],
        checkpoint=f"{MODEL}/checkpoint.pt",
        library=library_digest("train"),
    script:
        "../scripts/train.py"
