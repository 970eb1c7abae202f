# Grains of a map, and what is right about them where the truth is known.
# Needs: map.h5, ebsd.h5, the signals of simulated scans.
# Makes: grains.csv, boundaries.csv, grains.h5, and those of EBSD; truth.h5, map_scores.csv.

OF_MAPS += of_scans(f"{MAP}/grains.csv") + of_scans(f"{SCAN}/ebsd_grains.csv", "ebsd")
OF_MAPS += of_scans(f"{MAP}/map_scores.csv", "truth")


rule grains:
    input:
        orientation_map=f"{MAP}/map.h5",
    output:
        table=f"{MAP}/grains.csv",
        boundaries=f"{MAP}/boundaries.csv",
        labels=f"{MAP}/grains.h5",
    log:
        f"{RESULTS}/logs/grains/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/grains/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    threads: config["training_threads"]
    params:
        settings=config["maps"]["grains"] | {"window_px": 5},
        library=library_digest("grains"),
    script:
        "../scripts/grains.py"


rule ebsd_grains:
    input:
        orientation_map=f"{SCAN}/ebsd.h5",
    output:
        table=f"{SCAN}/ebsd_grains.csv",
        boundaries=f"{SCAN}/ebsd_boundaries.csv",
        labels=f"{SCAN}/ebsd_grains.h5",
    log:
        f"{RESULTS}/logs/ebsd_grains/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ebsd_grains/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    threads: config["training_threads"]
    params:
        settings=config["maps"]["grains"] | {"window_px": 1},  # no noise to be filtered
        library=library_digest("grains"),
    script:
        "../scripts/grains.py"


rule truth:
    input:
        signals=of_scan("signals"),
    output:
        truth=f"{SCAN}/truth.h5",
    log:
        f"{RESULTS}/logs/truth/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/truth/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        array=of_scan("array"),
        name=of_scan("truth"),
        axes=of_scan("axes"),
        simulation=config["simulation"],
        library=library_digest("truth"),
    script:
        "../scripts/truth.py"


rule map_scores:
    input:
        orientation_map=rules.grains.input.orientation_map,
        grains=rules.grains.output.labels,
        truth=rules.truth.output.truth,
    output:
        csv=f"{MAP}/map_scores.csv",
    log:
        f"{RESULTS}/logs/map_scores/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/map_scores/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("map_scores"),
    script:
        "../scripts/map_scores.py"
