# What the record comes to: the original's statements, the text's sentences, where its numbers are
# from, and what has moved since the record was frozen.
# Needs: record/ of evidence.smk, hypotheses.smk and views.smk, or the frozen one in paper/record/;
# config/ambiguity/ambiguity.csv, and for `results` all files of macros.
# Makes: record/provenance.json, record/claims.csv, evidence_numbers.tex, evidence_sources.json,
# claims.tex, graphical_abstract.*, results.json; on request moved.csv and moved.md.

# The tables that the text cites, but the last one, which is made of the others.
CITED = [
    "models.csv",
    "controls.csv",
    "differences.csv",
    "fold_summary.csv",
    "fold_differences.csv",
    "near_far.csv",
    "spellings.csv",
    "views.csv",
    "arithmetic.csv",
]
# All tables, each with an interval or not: what is frozen and compared.
RECORD = [*CITED, "claims.csv", "trainings.csv", "folds.csv", "seams.csv", "triangle.csv"]
SWEEP_ON_RECORD = project_file("config/ambiguity/ambiguity.csv")
SECTIONS = sorted(Path(project_file("paper/sections")).glob("*.tex"))
# The rules that make files of macros, by the file.
MACROS_BY = {
    "numbers.tex": "numbers",
    "several_numbers.tex": "several",
    "ambiguity.tex": "ambiguity_record",
    "ambiguous_grain.tex": "ambiguous_grain",
    "data_card.tex": "describe",
    "frontier.tex": "frontier",
    "evidence_numbers.tex": "evidence_numbers",
}


def files_of_macros(wildcards):
    """Each file of macros of this run, with the rule that makes it and what it is made from."""
    return {
        f"{RESULTS}/{file}": {
            "rule": name,
            "inputs": expand(map(str, getattr(rules, name).input), run=RUN),
        }
        for file, name in MACROS_BY.items()
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
        tables=[f"{RESULTS}/record/{name}" for name in CITED],
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


rule evidence_numbers:
    input:
        tables=[recorded(name) for name in [*CITED, "claims.csv"]],
        provenance=recorded("provenance.json"),
        claims=recorded("claims.csv"),
    output:
        numbers=f"{RESULTS}/evidence_numbers.tex",
        sources=f"{RESULTS}/evidence_sources.json",
        claims=f"{RESULTS}/claims.tex",
    log:
        f"{RESULTS}/logs/evidence_numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/evidence_numbers.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        is_this_run=config["evidence"]["source"] == "run",
        library=library_digest("evidence_numbers"),
    script:
        "../scripts/evidence_numbers.py"


rule graphical_abstract:
    input:
        tables=[recorded("models.csv"), recorded("controls.csv")],
        provenance=recorded("provenance.json"),
        sweep=SWEEP_ON_RECORD,
        style=STYLE,
    output:
        shown_figure("graphical_abstract", "Graphical abstract"),
    log:
        f"{RESULTS}/logs/graphical_abstract.log",
    benchmark:
        f"{RESULTS}/benchmarks/graphical_abstract.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("graphical_abstract"),
    script:
        "../scripts/graphical_abstract.py"


rule results:
    input:
        macros=[f"{RESULTS}/{file}" for file in MACROS_BY],
        sections=SECTIONS,
        sources=rules.evidence_numbers.output.sources,
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
        generated=files_of_macros,
        library=library_digest("results"),
    script:
        "../scripts/results.py"


rule moved:
    input:
        new=[f"{RESULTS}/record/{name}" for name in RECORD],
        frozen=[project_file(f"paper/record/{name}") for name in RECORD],
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
