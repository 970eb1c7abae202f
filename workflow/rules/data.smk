# From an archive to one training problem per fold.
# Needs: nothing (source simulated), a local copy (archive) or the network (mendeley).
# Makes: dataset.h5, scans.h5, folds/<fold>.h5, tokens/<fold>.h5.

SIMULATED = RESULTS + "/archive"


def archive_files():
    """What `ingest` waits for, and the folder or zip it reads: (files, root)."""
    source = config["data"]["source"]
    if source == "mendeley":
        return rules.download.output, RAW
    if source == "archive":
        return [config["data"]["archive"]], config["data"]["archive"]
    return rules.simulate.output, SIMULATED


rule simulate:
    output:
        expand(
            SIMULATED + "/data/{part}_sets/{specimen}.npy",
            part=["training", "evaluation"],
            specimen=SPECIMENS,
        ),
        SIMULATED + "/data/samples/08/drm_data.npy",
        SIMULATED + "/data/samples/08/eulers.npy",
        SIMULATED + "/data/anomaly_specimen.npy",
        SIMULATED + "/data/SIMULATED.json",
    log:
        RESULTS + "/logs/simulate.log",
    benchmark:
        RESULTS + "/benchmarks/simulate.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        **config["simulation"],
        folder=SIMULATED,
        library=library_digest("simulate"),
    script:
        "../scripts/simulate.py"


rule download:
    input:
        lock=[config["data"]["lock"]] if config["data"]["lock"] else [],
    output:
        lock=RAW + "/dataset.lock.json",
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


rule ingest:
    input:
        archive_files()[0],
    output:
        dataset=RESULTS + "/dataset.h5",
        scans=RESULTS + "/scans.h5",
    log:
        RESULTS + "/logs/ingest.log",
    benchmark:
        RESULTS + "/benchmarks/ingest.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        root=archive_files()[1],
        source=config["data"]["source"],
        library=library_digest("ingest"),
    script:
        "../scripts/ingest.py"


rule split:
    input:
        dataset=rules.ingest.output.dataset,
    output:
        fold=RESULTS + "/folds/{fold}.h5",
    log:
        RESULTS + "/logs/split/{fold}.log",
    benchmark:
        RESULTS + "/benchmarks/split/{fold}.tsv"
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
        tokens=RESULTS + "/tokens/{fold}.h5",
    log:
        RESULTS + "/logs/tokenize/{fold}.log",
    benchmark:
        RESULTS + "/benchmarks/tokenize/{fold}.tsv"
    conda:
        LEARN_ENVIRONMENT
    params:
        tokenizer=config["networks"]["sequencenet"]["architecture"]["tokenizer"],
        library=library_digest("tokenize_fold"),
    script:
        "../scripts/tokenize_fold.py"
