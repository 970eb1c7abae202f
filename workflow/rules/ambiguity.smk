# The sweep of the simulator's facet amplitude, a target of its own:
# `snakemake --configfile config/ambiguity.yaml -- ambiguity`.
# Needs: of each dataset of the sweep, in results/<run>/c<amplitude>/, predictions/ and posterior/.
# Makes: ambiguity.csv, .md and .png, ambiguity_sweep.pdf, and of the sweep on record, which is in
# config/ambiguity/, ambiguity.pdf and ambiguity.tex for the paper.

OF_SWEEP = [f"{RESULTS}/{name}" for name in ("ambiguity.csv", "ambiguity.md", "ambiguity.png")]
OF_SWEEP += [f"{RESULTS}/ambiguity_sweep.pdf"]  # ambiguity.pdf is of the record


rule ambiguity_scores:
    input:
        predictions=table_fold(PREDICTIONS, runs=SWEEP),
        posteriors=table_fold(POSTERIOR, runs=SWEEP),
    output:
        csv=OF_SWEEP[0],
    log:
        f"{RESULTS}/logs/ambiguity_scores.log",
    benchmark:
        f"{RESULTS}/benchmarks/ambiguity_scores.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        answers=answers_by_amplitude(),
        titles=TITLES,
        resamples=config["bootstrap_resamples"],
        code=CODE,
        library=library_digest("ambiguity_scores"),
    script:
        "../scripts/ambiguity_scores.py"


rule ambiguity_figure:
    input:
        csv=rules.ambiguity_scores.output.csv,
        style=STYLE,
    output:
        markdown=OF_SWEEP[1],
        figures=OF_SWEEP[2:],
    log:
        f"{RESULTS}/logs/ambiguity_figure.log",
    benchmark:
        f"{RESULTS}/benchmarks/ambiguity_figure.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("ambiguity_figure"),
    script:
        "../scripts/ambiguity_figure.py"


rule ambiguity_record:
    input:
        sweep=project_file("config/ambiguity/ambiguity.csv"),
        style=STYLE,
    output:
        figure=f"{RESULTS}/ambiguity.pdf",
        tex=f"{RESULTS}/ambiguity.tex",
    log:
        f"{RESULTS}/logs/ambiguity_record.log",
    benchmark:
        f"{RESULTS}/benchmarks/ambiguity_record.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("ambiguity_record"),
    script:
        "../scripts/ambiguity_record.py"
