# One training per model, fold and seed; on a cluster they run side by side. The wildcard `network`
# is the name of a model in the config.
# Needs: folds/<fold>.h5, and tokens/<tokenizer>/<fold>.h5 for a model with a tokenizer.
# Makes: models/<network>/<fold>/<seed>/, ensembles among them, which are made of others' trainings,
# and with `profiler_steps` traces/. The checkpoint beside
# a model is undeclared on purpose: Snakemake deletes a failed job's outputs, and the next attempt
# resumes from it. So is a copy of what is finished (`workflow.lib.runtime.kept`), because Snakemake
# deletes outputs before a job is submitted, whatever comes of it. The device is no parameter: where
# a network is trained does not decide what it is, and `auto` may be the same as `cpu`.


rule train:
    input:
        unpack(training_inputs),
    output:
        weights=f"{MODEL}/weights.safetensors",
        model=shown_training(f"{MODEL}/model.json", "settings and result"),
        history=shown_training(f"{MODEL}/training.csv", "history"),
    log:
        f"{OF_DATASET}/logs/train/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/train/{{network}}/{{fold}}/{{seed}}.tsv"
    wildcard_constraints:
        network=one_of(TRAINED),
    priority: 1  # on the longest way to the paper
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["device"] != "cpu"),
    params:
        settings=training_settings,
        checkpoint=f"{MODEL}/checkpoint.pt",
        kept=f"{OF_DATASET}/kept/{{network}}/{{fold}}/{{seed}}",
        library=model_digest("train"),
    script:
        "../scripts/train.py"


# An ensemble's files are those of a training, so that all that comes after is the same.
rule assemble:
    input:
        unpack(members),
    output:
        weights=f"{MODEL}/weights.safetensors",
        model=shown_training(f"{MODEL}/model.json", "settings and result"),
        history=shown_training(f"{MODEL}/training.csv", "history"),
    log:
        f"{OF_DATASET}/logs/assemble/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/assemble/{{network}}/{{fold}}/{{seed}}.tsv"
    wildcard_constraints:
        network=one_of(MADE_OF),
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    params:
        settings=training_settings,
        library=model_digest("assemble"),
    script:
        "../scripts/assemble.py"


# Traces a few steps of a training that is thrown away, so that a trace retrains nothing.
rule profile:
    input:
        unpack(training_inputs),
    output:
        trace=f"{OF_DATASET}/traces/{{network}}/{{fold}}/{{seed}}.json",
        summary=f"{OF_DATASET}/traces/{{network}}/{{fold}}/{{seed}}.txt",
    log:
        f"{OF_DATASET}/logs/profile/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/profile/{{network}}/{{fold}}/{{seed}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["device"] != "cpu"),
    params:
        settings=training_settings,
        steps=config["profiler_steps"],
        library=model_digest("profile_training"),
    script:
        "../scripts/profile_training.py"
