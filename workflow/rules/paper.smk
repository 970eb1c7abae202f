# From numbers, tables and figures to the PDF.
# Needs: all of evaluate.smk, and the sources in paper/. Makes: numbers.tex, provenance.*,
# paper.pdf.

GENERATED = [
    RESULTS + f"/{name}"
    for name in (
        "numbers.tex",
        "table1.tex",
        "folds.tex",
        "provenance.tex",
        "figure1.pdf",
        "learning_curves.pdf",
        "signals.pdf",
    )
]


rule provenance:
    input:
        dataset=rules.ingest.output.dataset,
        models=every_training(rules.train.output.model),
        scores=rules.score.output.scores,
        table=RESULTS + "/table1.csv",
    output:
        json=RESULTS + "/provenance.json",
        tex=RESULTS + "/provenance.tex",
    log:
        RESULTS + "/logs/provenance.log",
    benchmark:
        RESULTS + "/benchmarks/provenance.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        benchmarks=RESULTS + "/benchmarks",
        library=library_digest("provenance"),
    script:
        "../scripts/provenance.py"


rule numbers:
    input:
        scores=rules.score.output.scores,
        table=RESULTS + "/table1.csv",
        comparison=rules.table1.output.comparison,
        provenance=rules.provenance.output.json,
        fold=RESULTS + f"/folds/{config['table_fold']}.h5",
        models=table_fold(rules.train.output.model),
        published="config/published.yaml",
    output:
        numbers=RESULTS + "/numbers.tex",
    log:
        RESULTS + "/logs/numbers.log",
    benchmark:
        RESULTS + "/benchmarks/numbers.tsv"
    conda:
        LEARN_ENVIRONMENT
    params:
        library=library_digest("write_numbers"),
    script:
        "../scripts/write_numbers.py"


rule paper:
    input:
        sources=sorted(str(path) for path in Path("paper").rglob("*") if path.is_file()),
        generated=GENERATED,
    output:
        pdf=RESULTS + "/paper.pdf",
    log:
        RESULTS + "/logs/paper.log",
        tex=RESULTS + "/logs/paper.tex.log",
    benchmark:
        RESULTS + "/benchmarks/paper.tsv"
    conda:
        "../../envs/paper.yaml"
    params:
        sources="paper",
        library=library_digest("paper"),
    script:
        "../scripts/paper.py"
