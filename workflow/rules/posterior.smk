# What the data allow: the posterior under the model that made them. For source simulated alone.
# Needs: folds/. Makes: posterior/<fold>.h5.


rule posterior:
    input:
        fold=f"{RESULTS}/folds/{{fold}}.h5",
    output:
        posterior=f"{RESULTS}/posterior/{{fold}}.h5",
    log:
        f"{RESULTS}/logs/posterior/{{fold}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/posterior/{{fold}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    params:
        facet_amplitude=config["simulation"]["facet_amplitude"],
        settings=config["posterior"],
        library=library_digest("posterior"),
    script:
        "../scripts/posterior.py"
