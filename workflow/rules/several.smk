# Several answers: which one to take, and whether their probabilities are true.
# Needs: predictions/, and posterior/ where the data are simulated. Makes: several.*,
# calibration.*, several_numbers.tex, reliability.*, risk_coverage.*.


rule several:
    input:
        predictions=table_fold(PREDICTIONS),
        posterior=(
            f"{RESULTS}/posterior/{config['table_fold']}.h5"
            if config["data"]["source"] == "simulated"
            else []
        ),
        style=STYLE,
    output:
        decisions=[shown_table("several"), *multiext(f"{RESULTS}/several", ".md", ".tex")],
        calibration=[
            shown_table("calibration"),
            *multiext(f"{RESULTS}/calibration", ".md", ".tex"),
        ],
        numbers=f"{RESULTS}/several_numbers.tex",
        reliability=shown_figure("reliability", "Reliability of the probabilities"),
        risk_coverage=shown_figure("risk_coverage", "Risk and coverage"),
    log:
        f"{RESULTS}/logs/several.log",
    benchmark:
        f"{RESULTS}/benchmarks/several.tsv"
    localrule: True
    conda:
        LEARN_ENVIRONMENT
    params:
        titles=TITLES,
        compared=COMPARED_TITLES,
        radius_deg=config["several"]["radius_deg"],
        resamples=config["bootstrap_resamples"],
        library=library_digest("several"),
    script:
        "../scripts/several.py"
