# What the record comes to: the original's statements, where the text's numbers are from, and what has
# moved since the record was frozen.
# Needs: record/ of evidence.smk, hypotheses.smk and views.smk, config/ambiguity/ambiguity.csv, and
# for `results` all files of macros.
# Makes: record/provenance.json, record/claims.csv, results.json; on request moved.csv and moved.md.

from workflow.lib.report.paper import paper_sources

SOURCES = paper_sources(Path(project_file("paper")))
SECTIONS = [path for path in SOURCES if path.parent.name == "sections"]
# The rules that make files of macros, by the file.
MACROS_BY = {
    "numbers.tex": "numbers",
    "several_numbers.tex": "several",
    "ambiguity.tex": "ambiguity_record",
    "ambiguous_grain.tex": "ambiguous_grain",
    "data_card.tex": "describe",
    "frontier.tex": "frontier",
    "evidence_numbers.tex": "evidence",
    "maps_numbers.tex": "maps_figure",
}


rule record_origin:
    input:
        fold=f"{RESULTS}/folds/{config['table_fold']}.h5",
    output:
        provenance=f"{RESULTS}/record/provenance.json",
    log:
        f"{RESULTS}/logs/record_origin.log",
    benchmark:
        f"{RESULTS}/benchmarks/record_origin.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        name=RUN,
        compared=COMPARED,
        code=CODE,
        library=library_digest("record_origin"),
    script:
        "../scripts/record_origin.py"


rule claims:
    input:
        tables=[f"{RESULTS}/record/{name}.csv" for name in CITED],
        provenance=rules.record_origin.output.provenance,
        sweep=SWEEP_ON_RECORD,
        published=PUBLISHED,
    output:
        claims=f"{RESULTS}/record/claims.csv",
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        library=library_digest("claims"),
    script:
        "../scripts/claims.py"


rule results:
    input:
        macros=[f"{RESULTS}/{file}" for file in MACROS_BY],
        sections=SECTIONS,
        sources=f"{RESULTS}/evidence_sources.json",
        provenance=f"{RESULTS}/provenance.json",
    output:
        results=f"{RESULTS}/results.json",
    log:
        f"{RESULTS}/logs/results.log",
    benchmark:
        f"{RESULTS}/benchmarks/results.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        generated=lambda wildcards: {
            f"{RESULTS}/{file}": {
                "rule": name,
                "inputs": expand(map(str, getattr(rules, name).input), run=RUN),
            }
            for file, name in MACROS_BY.items()
        },
        library=library_digest("results"),
    script:
        "../scripts/results.py"


rule moved:
    input:
        new=[f"{RESULTS}/record/{name}.csv" for name in RECORD],
        frozen=[project_file(f"paper/record/{name}.csv") for name in RECORD],
    output:
        csv=f"{RESULTS}/moved.csv",
        markdown=f"{RESULTS}/moved.md",
    log:
        f"{RESULTS}/logs/moved.log",
    benchmark:
        f"{RESULTS}/benchmarks/moved.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("moved"),
    script:
        "../scripts/moved.py"
