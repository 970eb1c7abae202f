# Training sets from scans.
# Needs: scan.json, ebsd.h5, ebsd_grains.h5. Makes: maps/<scan>/registration.json, training_set/.

OF_MAPS += of_scans(f"{SCAN}/registration.json", "ebsd")
OF_MAPS += of_scans(f"{SCAN}/training_set", "training_set")


rule registration:
    input:
        scan=f"{SCAN}/scan.json",
        signals=signals_of,
        grains=f"{SCAN}/ebsd_grains.h5",
    output:
        registration=f"{SCAN}/registration.json",
    log:
        f"{RESULTS}/logs/registration/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/registration/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        array=of_scan("array"),
        library=library_digest("registration"),
    script:
        "../scripts/registration.py"


rule training_set:
    input:
        scan=f"{SCAN}/scan.json",
        signals=signals_of,
        ebsd=f"{SCAN}/ebsd.h5",
        grains=f"{SCAN}/ebsd_grains.h5",
        registration=rules.registration.output.registration,  # so that its warning comes first
    output:
        folder=directory(f"{SCAN}/training_set"),
    log:
        f"{RESULTS}/logs/training_set/{{scan}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/training_set/{{scan}}.tsv"
    conda:
        "../../envs/maps.yaml"
    params:
        array=of_scan("array"),
        specimen=of_scan("training_set"),
        library=library_digest("training_set"),
    script:
        "../scripts/training_set.py"
