# From numbers, tables and figures to the PDF.
# Needs: all of evaluate.smk, data_card.*, and the sources in paper/.
# Makes: numbers.tex, provenance.*, paper.pdf.

GENERATED = [
    f"{RESULTS}/{name}"
    for name in (
        "numbers.tex",
        "table1.tex",
        "folds.tex",
        "provenance.tex",
        "figure1.pdf",
        "learning_curves.pdf",
        "signals.pdf",
        "data_card.tex",
        "data_card.pdf",
    )
]


rule provenance:
    input:
        dataset=rules.ingest.output.dataset,
        models=every_training(rules.train.output.model),
        scores=rules.score.output.scores,
        table=f"{RESULTS}/table1.csv",
    output:
        json=f"{RESULTS}/provenance.json",
        tex=f"{RESULTS}/provenance.tex",
    log:
        f"{RESULTS}/logs/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/provenance.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        benchmarks=f"{RESULTS}/benchmarks",
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
        models=table_fold(rules.train.output.model),
        published="config/published.yaml",
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
        library=library_digest("write_numbers"),
    script:
        "../scripts/write_numbers.py"


rule paper:
    input:
        main="paper/main.tex",
        sources=sorted(str(path) for path in Path("paper").rglob("*") if path.is_file()),
        generated=GENERATED,
    output:
        pdf=f"{RESULTS}/paper.pdf",
    log:
        f"{RESULTS}/logs/paper.log",
        tex=f"{RESULTS}/logs/paper.tex.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper.tsv"
    localrule: True
    conda:
        "../../envs/paper.yaml"
    params:
        library=library_digest("paper"),
    script:
        "../scripts/paper.py"
