# The paper's own hypotheses, tested: errors near seams, mixed spellings, errors by crystal direction.
# Of the models that are no other's with another budget.
# Needs: predictions/, record/models.csv. Makes: record/seams.csv, near_far.csv, spellings.csv and triangle.csv.


rule hypotheses:
    input:
        predictions=table_fold(PREDICTIONS),
        models=f"{RESULTS}/record/models.csv",
    output:
        seams=f"{RESULTS}/record/seams.csv",
        near_far=f"{RESULTS}/record/near_far.csv",
        spellings=f"{RESULTS}/record/spellings.csv",
        triangle=f"{RESULTS}/record/triangle.csv",
    log:
        f"{RESULTS}/logs/hypotheses.log",
    benchmark:
        f"{RESULTS}/benchmarks/hypotheses.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        titles=TITLES,
        kinds=KINDS,
        resamples=config["bootstrap_resamples"],
        library=library_digest("hypotheses"),
    script:
        "../scripts/hypotheses.py"
