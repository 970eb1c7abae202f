# Models to hand out.
# Needs: models/, folds/, predictions/. Makes: signal_space/<fold>.safetensors, release.zip.

from workflow.lib.runtime.variants import released

RELEASED = checked(released, config)
RELEASED_BY_DEFAULT = COMPARED[-1] if COMPARED[-1] in RELEASED else RELEASED[0]
OF_RELEASE = [f"{RESULTS}/release.zip"]


rule signal_space:
    input:
        fold=f"{RESULTS}/folds/{{fold}}.h5",
    output:
        space=f"{RESULTS}/signal_space/{{fold}}.safetensors",
    log:
        f"{RESULTS}/logs/signal_space/{{fold}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/signal_space/{{fold}}.tsv"
    localrule: True
    conda:
        "../../envs/maps.yaml"
    params:
        settings=config["release"]["anomaly"],
        library=library_digest("signal_space"),
    script:
        "../scripts/signal_space.py"


rule release:
    input:
        weights=every_training(rules.train.output.weights, names=RELEASED),
        models=every_training(rules.train.output.model, names=RELEASED),
        predictions=every_training(PREDICTIONS, names=RELEASED),
        spaces=every_training(rules.signal_space.output.space, names=RELEASED),
        licence=project_file("LICENSE"),
    output:
        release=OF_RELEASE[0],
    log:
        f"{RESULTS}/logs/release.log",
    benchmark:
        f"{RESULTS}/benchmarks/release.tsv"
    localrule: True
    conda:
        "../../envs/maps.yaml"
    params:
        run=RUN,
        titles={name: TITLES[name] for name in RELEASED},
        default=trainings(config, [RELEASED_BY_DEFAULT], [config["table_fold"]])[0],
        anomaly=config["release"]["anomaly"],
        resamples=config["bootstrap_resamples"],
        library=library_digest("release"),
    script:
        "../scripts/release.py"
