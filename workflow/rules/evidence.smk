# The evidence: all models with intervals, each against those compared, on one fold and over folds.
# Needs: predictions/ and models/; for tables and figure the record, this run's or the one on record.
# Makes: record/trainings, models, controls, differences, folds, fold_summary and fold_differences,
# each a CSV; controls.tex, .md, .pdf and .png, parts.tex, fold_summary.tex.

OF_TRAININGS = [
    "trainings",
    "models",
    "controls",
    "differences",
    "folds",
    "fold_summary",
    "fold_differences",
]


rule evidence_scores:
    input:
        predictions=every_training(PREDICTIONS),
        models=every_training(rules.train.output.model),
    output:
        [f"{RESULTS}/record/{name}.csv" for name in OF_TRAININGS],
    log:
        f"{RESULTS}/logs/evidence_scores.log",
    benchmark:
        f"{RESULTS}/benchmarks/evidence_scores.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        titles=TITLES,
        kinds=KINDS,
        compared=COMPARED,
        table_fold=config["table_fold"],
        resamples=config["bootstrap_resamples"],
        library=library_digest("evidence_scores"),
    script:
        "../scripts/evidence_scores.py"


rule controls:
    input:
        record=[recorded(f"{name}.csv") for name in OF_TRAININGS if name != "folds"],
        style=STYLE,
    output:
        controls=f"{RESULTS}/controls.tex",
        markdown=f"{RESULTS}/controls.md",
        parts=f"{RESULTS}/parts.tex",
        fold_summary=f"{RESULTS}/fold_summary.tex",
        figures=shown_figure("controls", "Controls"),
    log:
        f"{RESULTS}/logs/controls.log",
    benchmark:
        f"{RESULTS}/benchmarks/controls.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("controls"),
    script:
        "../scripts/controls.py"
