# The paper's maps: the scan of specimen 8 and that of the specimen with anomalies.
# Needs: maps, EBSD and truth of those scans whose `truth` says which they are, and map_scores.csv;
# of the record, this run's own or the frozen one in paper/record/, as `evidence.source` says.
# Makes: record/maps.csv, record/maps.h5; maps.pdf, maps.tex and maps_numbers.tex.

# The first scan of each name in the simulation, if the config has one.
OF_TRUTH = {
    truth: [name for name, scan in SCANS.items() if scan["truth"] == truth][:1]
    for truth in ("samples/08", "anomaly_specimen")
}
WITH_EBSD = [name for name in OF_TRUTH["samples/08"] if SCANS[name]["ebsd"] is not None]


rule maps_record:
    input:
        specimen_scores=expand(f"{MAP}/map_scores.csv", scan=OF_TRUTH["samples/08"], mapper=MAPPERS),
        anomalous_scores=expand(
            f"{MAP}/map_scores.csv", scan=OF_TRUTH["anomaly_specimen"], mapper=MAPPERS
        ),
        specimen=expand(f"{MAP}/map.h5", scan=WITH_EBSD, mapper=MAPPERS),
        ebsd=expand(f"{SCAN}/ebsd.h5", scan=WITH_EBSD),
        anomalous=expand(f"{MAP}/map.h5", scan=OF_TRUTH["anomaly_specimen"], mapper=MAPPERS[-1:]),
        truth=expand(f"{SCAN}/truth.h5", scan=OF_TRUTH["anomaly_specimen"]),
    output:
        csv=f"{RESULTS}/record/maps.csv",
        maps=f"{RESULTS}/record/maps.h5",
    log:
        f"{RESULTS}/logs/maps_record.log",
    benchmark:
        f"{RESULTS}/benchmarks/maps_record.tsv"
    localrule: True
    conda:
        "../../envs/maps.yaml"
    params:
        titles={name: TITLES.get(name, name) for name in MAPPERS},
        threshold_deg=config["maps"]["grains"]["threshold_deg"],
        library=library_digest("maps_record"),
    script:
        "../scripts/maps_record.py"


rule maps_figure:
    input:
        csv=recorded("maps.csv"),
        maps=recorded("maps.h5"),
        provenance=recorded("provenance.json"),
        style=STYLE,
    output:
        figures=shown_figure("maps", "Orientation maps"),
        table=f"{RESULTS}/maps.tex",
        numbers=f"{RESULTS}/maps_numbers.tex",
    log:
        f"{RESULTS}/logs/maps_figure.log",
    benchmark:
        f"{RESULTS}/benchmarks/maps_figure.tsv"
    localrule: True
    conda:
        "../../envs/maps.yaml"
    params:
        is_this_run=config["evidence"]["source"] == "run",
        library=library_digest("maps_figure"),
    script:
        "../scripts/maps_figure.py"
