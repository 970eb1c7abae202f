# Test-time augmentation with fewer than 72 views, and errors by the arithmetic of training.
# Needs: models/, folds/, record/ (trainings, models, controls).
# Makes: views/, record/views.csv, record/arithmetic.csv.

from workflow.lib.runtime.variants import viewed

VIEWED = checked(viewed, config, CLASSES)


rule views:
    input:
        fold=f"{OF_DATASET}/folds/{{fold}}.h5",
        weights=rules.train.output.weights,
        model=rules.train.output.model,
    output:
        csv=f"{OF_DATASET}/views/{{network}}/{{fold}}/{{seed}}.csv",
    log:
        f"{OF_DATASET}/logs/views/{{network}}/{{fold}}/{{seed}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/views/{{network}}/{{fold}}/{{seed}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    params:
        settings=config["several"],
        resamples=config["bootstrap_resamples"],
        library=model_digest("views"),
    script:
        "../scripts/views.py"


rule views_record:
    input:
        tables=table_fold(rules.views.output.csv, VIEWED),
    output:
        csv=f"{RESULTS}/record/views.csv",
    log:
        f"{RESULTS}/logs/views_record.log",
    benchmark:
        f"{RESULTS}/benchmarks/views_record.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        titles={name: TITLES[name] for name in VIEWED},
        kinds={name: KINDS[name] for name in VIEWED},
        library=library_digest("views_record"),
    script:
        "../scripts/views_record.py"


rule arithmetic_record:
    input:
        trainings=f"{RESULTS}/record/trainings.csv",
        models=f"{RESULTS}/record/models.csv",
        controls=f"{RESULTS}/record/controls.csv",
    output:
        csv=f"{RESULTS}/record/arithmetic.csv",
    log:
        f"{RESULTS}/logs/arithmetic_record.log",
    benchmark:
        f"{RESULTS}/benchmarks/arithmetic_record.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        fold=config["table_fold"],
        library=library_digest("arithmetic_record"),
    script:
        "../scripts/arithmetic_record.py"
