# From trained networks to tables and figures.
# Needs: models/, folds/. Makes: predictions/, scores.csv, table1.*, comparison.csv,
# folds.*, figure1.*, learning_curves.*, signals.*.


rule predict:
    input:
        fold=RESULTS + "/folds/{fold}.h5",
        weights=rules.train.output.weights,
        model=rules.train.output.model,
    output:
        predictions=PREDICTIONS,
    log:
        RESULTS + "/logs/predict/{network}/{fold}/{seed}.log",
    benchmark:
        RESULTS + "/benchmarks/predict/{network}/{fold}/{seed}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["device"] != "cpu"),
    params:
        device=config["device"],
        library=library_digest("predict"),
    script:
        "../scripts/predict.py"


rule score:
    input:
        predictions=every_training(PREDICTIONS),
    output:
        scores=RESULTS + "/scores.csv",
        folds=multiext(RESULTS + "/folds", ".csv", ".tex"),
    log:
        RESULTS + "/logs/score.log",
    benchmark:
        RESULTS + "/benchmarks/score.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("score"),
    script:
        "../scripts/score.py"


rule table1:
    input:
        predictions=table_fold(PREDICTIONS),
        published="config/published.yaml",
    output:
        table=multiext(RESULTS + "/table1", ".csv", ".md", ".tex"),
        comparison=RESULTS + "/comparison.csv",
    log:
        RESULTS + "/logs/table1.log",
    benchmark:
        RESULTS + "/benchmarks/table1.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        resamples=config["bootstrap_resamples"],
        library=library_digest("table1"),
    script:
        "../scripts/table1.py"


rule figure1:
    input:
        predictions=table_fold(PREDICTIONS),
        style=STYLE,
    output:
        multiext(RESULTS + "/figure1", ".pdf", ".png"),
    log:
        RESULTS + "/logs/figure1.log",
    benchmark:
        RESULTS + "/benchmarks/figure1.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("figure1"),
    script:
        "../scripts/figure1.py"


rule learning_curves:
    input:
        models=every_training(rules.train.output.model),
        histories=every_training(rules.train.output.history),
        style=STYLE,
    output:
        multiext(RESULTS + "/learning_curves", ".pdf", ".png"),
    log:
        RESULTS + "/logs/learning_curves.log",
    benchmark:
        RESULTS + "/benchmarks/learning_curves.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("learning_curves"),
    script:
        "../scripts/learning_curves.py"


rule signals:
    input:
        dataset=rules.ingest.output.dataset,
        style=STYLE,
    output:
        multiext(RESULTS + "/signals", ".pdf", ".png"),
    log:
        RESULTS + "/logs/signals.log",
    benchmark:
        RESULTS + "/benchmarks/signals.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("signals"),
    script:
        "../scripts/signals.py"
