# Maps in the formats of other programs, and beside the EBSD map of their scan.
# Needs: map.h5, ebsd.h5, ebsd_grains.h5. Makes: map.ang, map.ctf, comparison.csv,
# comparison_histogram.csv.


rule exchange:
    input:
        orientation_map=f"{MAP}/map.h5",
    output:
        ang=f"{MAP}/map.ang",
        ctf=f"{MAP}/map.ctf",
    log:
        f"{RESULTS}/logs/exchange/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/exchange/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("exchange"),
    script:
        "../scripts/exchange.py"


rule compare:
    input:
        orientation_map=rules.exchange.input.orientation_map,
        ebsd=f"{SCAN}/ebsd.h5",
        grains=f"{SCAN}/ebsd_grains.h5",
    output:
        table=f"{MAP}/comparison.csv",
        histogram=f"{MAP}/comparison_histogram.csv",
    log:
        f"{RESULTS}/logs/compare/{{scan}}/{{mapper}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/compare/{{scan}}/{{mapper}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        library=library_digest("compare"),
    script:
        "../scripts/compare.py"


OF_MAPS += of_scans(rules.exchange.output) + of_scans(rules.compare.output, "ebsd")
