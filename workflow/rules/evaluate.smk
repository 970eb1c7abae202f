# From trained models to tables and figures.
# Needs: models/, folds/. Makes: predictions/, scores.csv, table1.*, comparison.csv,
# folds.*, figure1.*, learning_curves.*, signals.*.


rule predict:
    input:
        fold=f"{OF_DATASET}/folds/{{fold}}.h5",
        weights=rules.train.output.weights,
        model=rules.train.output.model,
    output:
        predictions=PREDICTIONS,
    log:
        f"{OF_DATASET}/logs/predict/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/predict/{{network}}/{{fold}}/{{seed}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["prediction_device"] != "cpu"),
    params:
        settings=config["several"],
        library=model_digest("predict"),
    script:
        "../scripts/predict.py"


rule score:
    input:
        predictions=every_training(PREDICTIONS),
    output:
        scores=shown_table("scores"),
        folds=[shown_table("folds"), f"{RESULTS}/folds.tex"],
    log:
        f"{RESULTS}/logs/score.log",
    benchmark:
        f"{RESULTS}/benchmarks/score.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=TITLES,
        of_one_fold=SHOWN_TITLES,
        library=library_digest("score"),
    script:
        "../scripts/score.py"


rule table1:
    input:
        predictions=table_fold(PREDICTIONS),
        published=PUBLISHED,
    output:
        table=[shown_table("table1"), *multiext(f"{RESULTS}/table1", ".md", ".tex")],
        comparison=shown_table("comparison"),
    log:
        f"{RESULTS}/logs/table1.log",
    benchmark:
        f"{RESULTS}/benchmarks/table1.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=TITLES,
        shown=list(SHOWN_TITLES.values()),
        compared=COMPARED,
        resamples=config["bootstrap_resamples"],
        library=library_digest("table1"),
    script:
        "../scripts/table1.py"


rule figure1:
    input:
        predictions=table_fold(PREDICTIONS, COMPARED),
        style=STYLE,
    output:
        shown_figure("figure1", "Figure 1: histograms"),
    log:
        f"{RESULTS}/logs/figure1.log",
    benchmark:
        f"{RESULTS}/benchmarks/figure1.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=COMPARED_TITLES,
        library=library_digest("figure1"),
    script:
        "../scripts/figure1.py"


rule learning_curves:
    input:
        models=every_training(rules.train.output.model),
        histories=every_training(rules.train.output.history),
        style=STYLE,
    output:
        shown_figure("learning_curves", "Learning curves"),
    log:
        f"{RESULTS}/logs/learning_curves.log",
    benchmark:
        f"{RESULTS}/benchmarks/learning_curves.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=TITLES,
        compared=COMPARED,
        library=library_digest("learning_curves"),
    script:
        "../scripts/learning_curves.py"


rule signals:
    input:
        dataset=of_this_run(rules.ingest.output.dataset),
        style=STYLE,
    output:
        shown_figure("signals", "Signals"),
    log:
        f"{RESULTS}/logs/signals.log",
    benchmark:
        f"{RESULTS}/benchmarks/signals.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("signals"),
    script:
        "../scripts/signals.py"
