# Scans as they come from a microscope.
# Needs: the files that the config's `maps` names. Makes: maps/<scan>/scan.json, signals.npy, ebsd.h5.


rule images:
    input:
        images=images_of("signals"),
        background=images_of("background"),
    output:
        signals=f"{SCAN}/signals.npy",
    log:
        f"{RESULTS}/logs/images/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/images/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        folder=of_scan("signals"),
        background=of_scan("background"),
        library=library_digest("images"),
    script:
        "../scripts/images.py"


rule scan:
    input:
        signals=signals_of,
        ebsd=ebsd_of,
    output:
        facts=f"{SCAN}/scan.json",
    log:
        f"{RESULTS}/logs/scan/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/scan/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        source=of_scan("signals"),
        settings=scan_settings,
        library=library_digest("scan"),
    script:
        "../scripts/scan.py"


rule ebsd:
    input:
        facts=rules.scan.output.facts,
        ebsd=lambda wildcards: SCANS[wildcards.scan]["ebsd"]["file"],
    output:
        ebsd=f"{SCAN}/ebsd.h5",
    log:
        f"{RESULTS}/logs/ebsd/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ebsd/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        settings=ebsd_settings,
        library=library_digest("ebsd"),
    script:
        "../scripts/ebsd.py"


OF_MAPS += of_scans(rules.scan.output.facts) + of_scans(rules.ebsd.output.ebsd, "ebsd")
