# From scans to orientation maps, block by block: each is a job, on a cluster too, and one that is
# killed repeats its own rows only.
# Needs: scan.json, signals, release.zip. Makes: maps/<scan>/<mapper>/map.h5.


scattergather:
    block=config["maps"]["blocks"],


rule map_block:
    input:
        release=RELEASE,
        signals=signals_of,
        facts=rules.scan.output.facts,
    output:
        block=temp(f"{MAP}/blocks/{{scatteritem}}.h5"),
    log:
        f"{RESULTS}/logs/map_block/{{scan}}/{{mapper}}/{{scatteritem}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map_block/{{scan}}/{{mapper}}/{{scatteritem}}.tsv"
    conda:
        LEARN_ENVIRONMENT
    threads: config["training_threads"]
    resources:
        gpu=int(config["prediction_device"] != "cpu"),
    params:
        fold=of_scan("fold"),
        seed=of_scan("seed"),
        views=config["maps"]["views"],
        library=library_digest("map_block"),
    script:
        "../scripts/map_block.py"


rule map:
    input:
        blocks=gather.block(rules.map_block.output.block, allow_missing=True),
        facts=rules.scan.output.facts,
    output:
        map=f"{MAP}/map.h5",
    log:
        f"{RESULTS}/logs/map/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("map"),
    script:
        "../scripts/map.py"


OF_MAPS += of_scans(rules.map.output.map)
