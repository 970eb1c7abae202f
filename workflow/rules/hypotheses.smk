# The paper's own hypotheses, tested: errors near seams, mixed spellings, errors by crystal direction.
# Needs: predictions/. Makes: record/seams.csv, near_far.csv, spellings.csv and triangle.csv, and of
# those on record seams.* and triangle.* (figures) and spellings.tex for the paper.

# The models drawn beside those compared: each of these two has the other one's encoder.
BESIDE_SEAMS = ["euler_deep", "wide_writer"]


rule hypotheses:
    input:
        predictions=table_fold(PREDICTIONS),
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


rule hypotheses_figures:
    input:
        seams=recorded("seams.csv"),
        triangle=recorded("triangle.csv"),
        spellings=recorded("spellings.csv"),
        style=STYLE,
    output:
        seams=shown_figure("seams", "Errors near seams"),
        triangle=shown_figure("triangle", "Errors by crystal direction"),
        spellings=f"{RESULTS}/spellings.tex",
    log:
        f"{RESULTS}/logs/hypotheses_figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/hypotheses_figures.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        compared=COMPARED,
        beside=BESIDE_SEAMS,
        library=library_digest("hypotheses_figures"),
    script:
        "../scripts/hypotheses_figures.py"
