# The evidence: all models with intervals, each against those compared, on one fold and over folds,
# and all that the paper shows and says of it.
# Needs: predictions/, models/, and the record of hypotheses.smk, views.smk and claims.smk: this run's,
# or the frozen one in paper/record/, as the config's `evidence.source` says.
# Makes: record/trainings, models, controls, differences, folds, fold_summary and fold_differences,
# each a CSV; of the record tables, figures and evidence_numbers.tex.

OF_TRAININGS = [
    "trainings",
    "models",
    "controls",
    "differences",
    "folds",
    "fold_summary",
    "fold_differences",
]
# The tables that the text cites; `claims` is made of the others.
CITED = [
    "models",
    "controls",
    "differences",
    "fold_summary",
    "fold_differences",
    "near_far",
    "spellings",
    "views",
    "arithmetic",
]
# All tables: what is frozen and compared.
RECORD = [*CITED, "claims", "trainings", "folds", "seams", "triangle"]
SWEEP_ON_RECORD = project_file("config/ambiguity/ambiguity.csv")
# The models drawn beside those compared: each of these two has the other one's encoder.
BESIDE_SEAMS = ["euler_deep", "wide_writer"]
EVIDENCE_FIGURES = {
    "graphical_abstract": "Graphical abstract",
    "controls": "Controls",
    "seams": "Errors near seams",
    "triangle": "Errors by crystal direction",
    "views": "Number of views",
    "arithmetic": "Error against arithmetic",
}
EVIDENCE_TEXTS = [
    "controls.tex",
    "parts.tex",
    "fold_summary.tex",
    "spellings.tex",
    "claims.tex",
    "evidence_numbers.tex",
    "evidence_sources.json",
    "controls.md",
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


rule evidence:
    input:
        record=[recorded(f"{name}.csv") for name in RECORD],
        provenance=recorded("provenance.json"),
        sweep=SWEEP_ON_RECORD,
        style=STYLE,
    output:
        **{name: shown_figure(name, title) for name, title in EVIDENCE_FIGURES.items()},
        texts=[f"{RESULTS}/{name}" for name in EVIDENCE_TEXTS],
    log:
        f"{RESULTS}/logs/evidence.log",
    benchmark:
        f"{RESULTS}/benchmarks/evidence.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        beside=BESIDE_SEAMS,
        is_this_run=config["evidence"]["source"] == "run",
        figures=list(EVIDENCE_FIGURES),
        library=library_digest("evidence"),
    script:
        "../scripts/evidence.py"
