# What the data allow: the posterior under the model that made them. For source simulated alone.
# Needs: folds/. Makes: posterior/<fold>.h5.


rule posterior:
    input:
        fold=f"{OF_DATASET}/folds/{{fold}}.h5",
    output:
        posterior=POSTERIOR,
    log:
        f"{OF_DATASET}/logs/posterior/{{fold}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/posterior/{{fold}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    params:
        facet_amplitude=facet_amplitude,
        settings=config["posterior"]
        | {name: config["several"][name] for name in ("candidates", "radius_deg")},
        library=library_digest("posterior"),
    script:
        "../scripts/posterior.py"
