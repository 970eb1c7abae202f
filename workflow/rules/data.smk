# From an archive to one training problem per fold.
# Needs: nothing (source simulated), a local copy (archive) or the network (mendeley).
# Makes: dataset.h5, scans.h5, data_card.*, folds/<fold>.h5, tokens/<tokenizer>/<fold>.h5.


rule simulate:
    output:
        f"{SIMULATED}/data/SIMULATED.json",
        expand(
            f"{SIMULATED}/data/{{part}}_sets/{{specimen}}.npy",
            part=["training", "evaluation"],
            specimen=SPECIMENS,
            allow_missing=True,
        ),
        f"{SIMULATED}/data/samples/08/drm_data.npy",
        f"{SIMULATED}/data/samples/08/eulers.npy",
        f"{SIMULATED}/data/anomaly_specimen.npy",
    log:
        f"{OF_DATASET}/logs/simulate.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/simulate.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        **config["simulation"] | {"facet_amplitude": facet_amplitude},
        library=library_digest("simulate"),
    script:
        "../scripts/simulate.py"


rule download:
    input:
        lock=[config["data"]["lock"]] if config["data"]["lock"] else [],
    output:
        lock=f"{RAW}/dataset.lock.json",
    log:
        "results/raw/logs/download.log",
    benchmark:
        "results/raw/benchmarks/download.tsv"
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: config["data"]["parallel_downloads"]
    params:
        base_url=config["data"]["base_url"],
        dataset_id=DATASET_ID,
        version=DATASET_VERSION,
    script:
        "../scripts/download.py"


# Every file of an archive that is a folder is an input, so that a change of one is noticed. What
# was downloaded is verified against its lock.
INGESTED = {
    "archive": lambda: checked(files_of, Path(config["data"]["archive"]), config["specimens"]),
    "mendeley": lambda: checked(check_untouched, Path(rules.download.output.lock)),
    "simulated": lambda: rules.simulate.output,
}


rule ingest:
    input:
        INGESTED[config["data"]["source"]](),
    output:
        dataset=f"{OF_DATASET}/dataset.h5",
        scans=f"{OF_DATASET}/scans.h5",
    log:
        f"{OF_DATASET}/logs/ingest.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/ingest.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        source=config["data"]["source"],
        specimens=config["specimens"],
        unindexed=config["data"]["unindexed"],
        library=library_digest("ingest"),
    script:
        "../scripts/ingest.py"


rule split:
    input:
        dataset=rules.ingest.output.dataset,
    output:
        fold=f"{OF_DATASET}/folds/{{fold}}.h5",
    log:
        f"{OF_DATASET}/logs/split/{{fold}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/split/{{fold}}.tsv"
    priority: 1  # on the longest way to the paper
    conda:
        "../../envs/data.yaml"
    params:
        validation=config["validation"],
        library=library_digest("split"),
    script:
        "../scripts/split.py"


rule tokenize:
    input:
        fold=rules.split.output.fold,
    output:
        tokens=f"{OF_DATASET}/tokens/{{tokenizer}}/{{fold}}.h5",
    log:
        f"{OF_DATASET}/logs/tokenize/{{tokenizer}}/{{fold}}.log",
    benchmark:
        f"{OF_DATASET}/benchmarks/tokenize/{{tokenizer}}/{{fold}}.tsv"
    priority: 1  # on the longest way to the paper
    conda:
        LEARN_ENVIRONMENT
    params:
        library=library_digest("tokenize_fold"),
    script:
        "../scripts/tokenize_fold.py"


rule describe:
    input:
        dataset=of_this_run(rules.ingest.output.dataset),
        style=STYLE,
    output:
        markdown=f"{RESULTS}/data_card.md",
        tex=f"{RESULTS}/data_card.tex",
        figures=shown_figure("data_card", "Directions and intensities", "Data"),
    log:
        f"{RESULTS}/logs/describe.log",
    benchmark:
        f"{RESULTS}/benchmarks/describe.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        library=library_digest("describe"),
    script:
        "../scripts/describe.py"
