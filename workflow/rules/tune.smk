# The search for settings, a target of its own: `snakemake --configfile config/tune.yaml -- tune`.
# Needs: model.json of the candidates' trainings. Makes: tuning.*, and of the search on record, which
# is in config/search/, frontier.* for the paper. Nothing is predicted: candidates are told apart by
# validation signals alone. That one network has as many of them as the other is checked when a run
# begins (in the Snakefile), because other runs need not have.

CANDIDATES = sum(candidates(config).values(), [])


rule tune:
    input:
        models=every_training(rules.train.output.model, names=CANDIDATES),
        style=STYLE,
    output:
        csv=f"{RESULTS}/tuning.csv",
        markdown=f"{RESULTS}/tuning.md",
        figure=f"{RESULTS}/tuning.png",
    log:
        f"{RESULTS}/logs/tune.log",
    benchmark:
        f"{RESULTS}/benchmarks/tune.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        titles=TITLES,
        networks={network: found["title"] for network, found in CLASSES.items()},
        settings={name: settings(model) for name, model in MODELS.items()},
        code=CODE,
        library=library_digest("tune"),
    script:
        "../scripts/tune.py"


rule frontier:
    input:
        search=project_file("config/search/tuning.csv"),
        style=STYLE,
    output:
        figure=f"{RESULTS}/frontier.pdf",
        tex=f"{RESULTS}/frontier.tex",
    log:
        f"{RESULTS}/logs/frontier.log",
    benchmark:
        f"{RESULTS}/benchmarks/frontier.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        networks={network: found["title"] for network, found in CLASSES.items()},
        library=library_digest("frontier"),
    script:
        "../scripts/frontier.py"
