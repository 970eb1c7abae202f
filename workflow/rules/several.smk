# Several answers: which one to take, whether their probabilities are true, and a grain that has two.
# Needs: folds/, predictions/, and posterior/ where the data are simulated. Makes: several.*,
# calibration.*, several_numbers.tex, reliability.*, risk_coverage.*, ambiguous_grain.*.

# The model that writes; where none of those compared does, the figure may have nothing to show.
WRITER = next((name for name in COMPARED if tokenizer_of(name)), COMPARED[-1])


rule several:
    input:
        predictions=table_fold(PREDICTIONS),
        posterior=exact_answers(),
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


rule ambiguous_grain:
    input:
        fold=f"{RESULTS}/folds/{config['table_fold']}.h5",
        predictions=table_fold(PREDICTIONS, [WRITER])[0],
        posterior=exact_answers(),
        style=STYLE,
    output:
        figures=shown_figure("ambiguous_grain", "One ambiguous grain"),
        tex=f"{RESULTS}/ambiguous_grain.tex",
    log:
        f"{RESULTS}/logs/ambiguous_grain.log",
    benchmark:
        f"{RESULTS}/benchmarks/ambiguous_grain.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        title=TITLES[WRITER],
        library=library_digest("ambiguous_grain"),
    script:
        "../scripts/ambiguous_grain.py"
