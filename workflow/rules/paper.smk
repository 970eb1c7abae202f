# From numbers, tables and figures to the PDF.
# Needs: all of evaluate.smk, several.smk, `evidence` and `maps_figure`, data_card.*, ambiguity.*,
# frontier.*, and the sources in paper/.
# Makes: jobs.*, trainings.*, provenance.*, numbers.tex, compiled/paper.pdf, paper.pdf, report/.

from workflow.lib.report.paper import paper_sources

GENERATED = [
    f"{RESULTS}/{name}"
    for name in (
        "numbers.tex",
        "table1.tex",
        "folds.tex",
        "jobs.tex",
        "trainings.tex",
        "provenance.tex",
        "figure1.pdf",
        "learning_curves.pdf",
        "signals.pdf",
        "ambiguous_grain.pdf",
        "ambiguous_grain.tex",
        "data_card.tex",
        "data_card.pdf",
        "frontier.pdf",
        "frontier.tex",
        "several.tex",
        "calibration.tex",
        "several_numbers.tex",
        "reliability.pdf",
        "risk_coverage.pdf",
        "ambiguity.pdf",
        "ambiguity.tex",
        "maps.pdf",
        "maps.tex",
        "maps_numbers.tex",
        *[f"{figure}.pdf" for figure in EVIDENCE_FIGURES],
        *[text for text in EVIDENCE_TEXTS if text.endswith(".tex")],
    )
]
# The rules that `jobs` waits for and measures; those of this file come after it.
MEASURED = [
    *{"simulated": ["simulate"], "mendeley": ["download"], "archive": []}[config["data"]["source"]],
    *["ingest", "describe", "signals", "split", "tokenize", "train", "assemble", "predict"],
    *["posterior"] * (config["data"]["source"] == "simulated"),
    *["score", "table1", "figure1", "learning_curves", "several", "ambiguous_grain"],
    *["ambiguity_record", "frontier", "evidence", "maps_figure"],
]
LATER = ["jobs", "provenance", "numbers", "results", "compile", "paper", "signal_space", "release"]


rule jobs:
    input:
        models=every_training(rules.train.output.model),
        predictions=every_training(rules.predict.output.predictions),
        finished=[
            rules.describe.output.markdown,
            rules.signals.output,
            rules.score.output.scores,
            rules.table1.output.comparison,
            rules.figure1.output,
            rules.learning_curves.output,
            rules.several.output,
            rules.ambiguous_grain.output,
            rules.ambiguity_record.output,
            rules.frontier.output,
            rules.evidence.output,
            rules.maps_figure.output,
        ],
    output:
        jobs=[shown_table("jobs"), *multiext(f"{RESULTS}/jobs", ".md", ".tex")],
        trainings=[shown_table("trainings"), *multiext(f"{RESULTS}/trainings", ".md", ".tex")],
    log:
        f"{RESULTS}/logs/jobs.log",
    benchmark:
        f"{RESULTS}/benchmarks/jobs.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        benchmarks=files_of_jobs("benchmark", MEASURED),
        titles=TITLES,
        library=library_digest("jobs"),
    script:
        "../scripts/jobs.py"


rule provenance:
    input:
        dataset=of_this_run(rules.ingest.output.dataset),
        models=every_training(rules.train.output.model),
        jobs=rules.jobs.output.jobs[0],
    output:
        json=shown(f"{RESULTS}/provenance.json", "provenance", "Provenance", format="JSON"),
        tex=f"{RESULTS}/provenance.tex",
    log:
        f"{RESULTS}/logs/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/provenance.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        code=CODE,
        config=config,
        library=library_digest("provenance"),
    script:
        "../scripts/provenance.py"


rule numbers:
    input:
        scores=rules.score.output.scores,
        table=f"{RESULTS}/table1.csv",
        comparison=rules.table1.output.comparison,
        provenance=rules.provenance.output.json,
        fold=f"{RESULTS}/folds/{config['table_fold']}.h5",
        models=table_fold(rules.train.output.model, COMPARED),
        published=PUBLISHED,
    output:
        numbers=f"{RESULTS}/numbers.tex",
    log:
        f"{RESULTS}/logs/numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/numbers.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        compared=COMPARED_TITLES,
        library=library_digest("write_numbers"),
    script:
        "../scripts/write_numbers.py"


rule compile:
    input:
        main=project_file("paper/main.tex"),
        sources=paper_sources(Path(project_file("paper"))),
        generated=GENERATED,
    output:
        pdf=f"{RESULTS}/compiled/paper.pdf",
    log:
        f"{RESULTS}/logs/compile.log",
        tex=f"{RESULTS}/logs/paper.tex.log",
    benchmark:
        f"{RESULTS}/benchmarks/compile.tsv"
    localrule: True
    conda:
        "../../envs/paper.yaml"
    params:
        library=library_digest("compile"),
    script:
        "../scripts/compile.py"


rule paper:
    input:
        compiled=rules.compile.output.pdf,
        made_of=rules.compile.input,  # so that a compilation that failed is made up for
    output:
        pdf=shown(f"{RESULTS}/paper.pdf", "paper", "Paper", document="the paper", format="PDF"),
    log:
        f"{RESULTS}/logs/paper.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper.tsv"
    localrule: True
    conda:
        "../../envs/paper.yaml"
    params:
        library=library_digest("paper"),
    script:
        "../scripts/paper.py"


rule pages:
    input:
        paper=rules.paper.output.pdf,  # the last rules, so that all logs are written
        results=f"{RESULTS}/results.json",
        release=OF_RELEASE,
        provenance=rules.provenance.output.json,
        card=rules.describe.output.markdown,
        tables=expand(f"{RESULTS}/{{table}}.csv", table=TABLES),
    output:
        notice=f"{RESULTS}/report/notice.rst",
        provenance=shown(
            f"{RESULTS}/report/provenance.html", "provenance", "Provenance", format="page"
        ),
        card=shown(
            f"{RESULTS}/report/data_card.html", "card", "Data", figure="Data card", format="page"
        ),
        logs=shown(f"{RESULTS}/report/logs.html", "logs", "Logs", logs="all rules", format="page"),
        tables=[shown_table(name, f"{RESULTS}/report/{name}.html", "page") for name in TABLES],
    log:
        f"{RESULTS}/logs/pages.log",
    benchmark:
        f"{RESULTS}/benchmarks/pages.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=list(TABLES.values()),
        logs=files_of_jobs("log", [*MEASURED, *LATER]),
        library=library_digest("pages"),
    script:
        "../scripts/pages.py"
