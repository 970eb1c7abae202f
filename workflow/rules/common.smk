# What the other files share: the checked config, folders, and the files that depend on it.
# Needs: the config. Makes: no file.

import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from workflow.lib.archive.download.lock import check_untouched
from workflow.lib.archive.layout import files_of
from workflow.lib.runtime.checkout import code_version
from workflow.lib.runtime.config import amplitudes_of, check_config, check_sweep, typed
from workflow.lib.runtime.digest import library_digest
from workflow.lib.runtime.files import InputError, check_writable
from workflow.lib.runtime.forecast import Training, forecast
from workflow.lib.runtime.gpu import check_gpu, why_no_gpu
from workflow.lib.runtime.kept import ANEW
from workflow.lib.runtime.scans import check_scans, scans_of
from workflow.lib.runtime.surroundings import own_code_first, settle
from workflow.lib.runtime.trainings import made_of, seeds_of, settings_of, trainings
from workflow.lib.runtime.variants import (
    candidates,
    check_candidates,
    read_classes,
    settings,
    shown_in_paper,
    titles,
)

ROOT = Path(workflow.basedir)


def checked(check, *arguments):
    """What `check` returns; its objection as Snakemake shows one, in a line."""
    try:
        return check(*arguments)
    except InputError as error:
        raise WorkflowError(str(error)) from None


checked(settle, ROOT)
shell.prefix(own_code_first(ROOT))
update_config(config, typed(workflow.config_settings.config))  # of the command line
checked(check_config, config, ROOT / "workflow/schemas/config.schema.yaml")


def tokenizer_of(name):
    """The tokenizer in whose symbols a model writes; None for one that does not write."""
    return MODELS[name]["architecture"].get("tokenizer")


def project_file(path):
    """A file of the project as seen from the working directory, another one with `--directory`."""
    return path if ROOT.samefile(Path.cwd()) else str(ROOT / path)


RUN = config["run"]
RESULTS = f"results/{RUN}"
# What is made for each dataset has the wildcard `run`: this run, or one of its sweep of the facet
# amplitude, whose datasets lie beside each other in this run's folder, each complete in itself.
SWEEP = {f"{RUN}/{name}": c for name, c in amplitudes_of(config).items()}
OF_DATASET = "results/{run}"
DATASET_ID, DATASET_VERSION = "z8bh7n5b7d", 1  # doi 10.17632/z8bh7n5b7d.1
RAW = f"results/raw/{DATASET_ID}.{DATASET_VERSION}"  # downloads, shared by all runs
SIMULATED = f"{OF_DATASET}/archive"
MODELS = config["models"]
MADE_OF = made_of(config)  # ensembles, with the model that they are made of
TRAINED = [name for name in MODELS if name not in MADE_OF]
CLASSES = read_classes(ROOT / "workflow/schemas")
KINDS = {name: CLASSES[model["network"]]["kind"] for name, model in MODELS.items()}
COMPARED = config["compared"]
TITLES = titles(config, CLASSES)
COMPARED_TITLES = {name: TITLES[name] for name in COMPARED}
SHOWN_TITLES = shown_in_paper(config, CLASSES)
SPECIMENS = [f"{specimen:02d}" for specimen in range(1, config["specimens"] + 1)]
CODE = code_version(ROOT)
ON_CPU = config["device"] == config["prediction_device"] == "cpu"
LEARN_ENVIRONMENT = f"../../envs/learn-{'cpu' if ON_CPU else 'gpu'}.yaml"  # seen from here
STYLE = project_file("paper/style/figures.mplstyle")
PUBLISHED = project_file("config/published.yaml")
TABLES = {  # shown by `snakemake --report`
    "table1": "Table 1",
    "comparison": "Models compared",
    "scores": "All trainings",
    "folds": "Results by fold",
    "several": "Decisions from several answers",
    "calibration": "Are the probabilities true?",
    "jobs": "Time and memory of the rules",
    "trainings": "Time and memory of the trainings",
}

MODEL = f"{OF_DATASET}/models/{{network}}/{{fold}}/{{seed}}"
PREDICTIONS = f"{OF_DATASET}/predictions/{{network}}/{{fold}}/{{seed}}.h5"
POSTERIOR = f"{OF_DATASET}/posterior/{{fold}}.h5"


wildcard_constraints:
    run="|".join(map(re.escape, [RUN, *SWEEP])),
    network="|".join(MODELS),
    tokenizer=r"\w+",
    fold=r"\d+",
    seed=r"\d+",


def of_this_run(pattern):
    """The file of this run itself, not of its sweep."""
    return expand(pattern, run=RUN)[0]


def every_training(pattern, folds=None, names=None, runs=(RUN,)):
    """One file of each model (or of those named), fold and seed, of this run or of those named.

    Of the folds and seeds that a model has. Files of a dataset, and those of `tokenize`, which have
    no network, are those that these models need, each once.
    """
    there = trainings(config, names, folds)
    files = []
    for one in [pattern] if isinstance(pattern, str) else pattern:
        for run in runs:
            for name, fold, seed in there:
                tokenizer = [tokenizer_of(name)] * bool(tokenizer_of(name))
                files += expand(
                    one, run=run, network=name, fold=fold, seed=seed, tokenizer=tokenizer
                )
    return list(dict.fromkeys(files))


def recorded(name):
    """A table of the evidence: this run's own, or the one on record."""
    own = config["evidence"]["source"] == "run"
    return f"{RESULTS}/record/{name}" if own else project_file(f"paper/record/{name}")


def every_intermediate():
    """What other rules wait for: made anew when it is gone, also where they are finished.

    Snakemake removes what a failed job should have made, and notes its parameters as if it had:
    were it not asked for, the results of before would pass for those of the failed job.
    """
    made = [*made_of_datasets(), *rules.score.output, *rules.table1.output, *GENERATED]
    return [*made, *rules.compile.output]


def made_of_datasets(folds=None, runs=(RUN,)):
    """What every dataset comes to: of this run, or of the sweep."""
    simulated = rules.simulate.output if config["data"]["source"] == "simulated" else []
    made = [*simulated, *rules.ingest.output, *rules.split.output, *rules.tokenize.output]
    made += [*rules.train.output, *rules.predict.output]
    return [*every_training(made, folds, runs=runs), *exact_answers(runs)]


def traces():
    """One trace of each model that is trained in steps, if the config asks for them."""
    fold, seed = config["table_fold"], config["seeds"][0]
    wanted = [name for name in MODELS if CLASSES[MODELS[name]["network"]]["loop"]]
    wanted = wanted if config["profiler_steps"] else []
    return [f"{RESULTS}/traces/{name}/{fold}/{seed}.json" for name in wanted]


def table_fold(pattern, names=None, runs=(RUN,)):
    """One file of each model and seed, for the fold of Table 1 and Figure 1."""
    return every_training(pattern, [config["table_fold"]], names, runs)


def exact_answers(runs=(RUN,)):
    """What the data allow, for the fold of Table 1; only known of simulated signals."""
    return table_fold(POSTERIOR, runs=runs) if config["data"]["source"] == "simulated" else []


def facet_amplitude(wildcards):
    """That of a dataset of the sweep, or the config's."""
    return SWEEP.get(wildcards.run, config["simulation"]["facet_amplitude"])


def answers_by_amplitude():
    """The files with answers for each amplitude of the sweep: the models', and the exact ones."""
    return {
        amplitude: {
            "predictions": table_fold(PREDICTIONS, runs=[run]),
            "posterior": table_fold(POSTERIOR, runs=[run])[0],
        }
        for run, amplitude in SWEEP.items()
    }


def training_inputs(wildcards):
    """A fold's signals, and its tokens if that is what the model learns to write."""
    inputs = {"fold": f"{OF_DATASET}/folds/{{fold}}.h5"}
    tokenizer = tokenizer_of(wildcards.network)
    if tokenizer is not None:
        inputs["tokens"] = f"{OF_DATASET}/tokens/{tokenizer}/{{fold}}.h5"
    return inputs


def members(wildcards):
    """A fold's signals, and the trained models that an ensemble is made of."""
    other, fold = MADE_OF[wildcards.network], int(wildcards.fold)
    files = {"weights": "weights.safetensors", "models": "model.json"}
    return {"fold": f"{OF_DATASET}/folds/{{fold}}.h5"} | {
        name: expand(
            f"{MODEL}/{file}",
            run=wildcards.run,
            network=other,
            fold=fold,
            seed=seeds_of(config, other, fold),
        )
        for name, file in files.items()
    }


def training_settings(wildcards):
    """What the config has for a model, without what it is called."""
    return settings_of(config, wildcards.network, int(wildcards.fold))


def model_digest(script):
    """As `library_digest`, for jobs of one model: what other classes are does not count.

    But that of an ensemble's members does.
    """
    registry = "workflow.lib.models.registry", "MODELS"

    def digests(wildcards):
        names = [wildcards.network, MADE_OF.get(wildcards.network)]
        classes = [MODELS[name]["network"] for name in names if name]
        return " ".join(library_digest(script, registry, network) for network in classes)

    return digests


def one_of(names):
    """A constraint of a wildcard to these names; of none, one that nothing fulfils."""
    return "|".join(map(re.escape, names)) or "(?!)"


def files_of_jobs(kind, names):
    """The files of one kind, log or benchmark, of all jobs of the rules named, by rule."""
    folds = {"posterior": [config["table_fold"]]}
    models = {"train": TRAINED, "assemble": list(MADE_OF), "signal_space": RELEASED}
    files = {
        name: sorted(
            set(
                every_training(
                    getattr(getattr(rules, name), kind), folds.get(name), models.get(name)
                )
            )
        )
        for name in names
    }
    return {name: jobs for name, jobs in files.items() if jobs}  # some have none in some configs


def shown(file, caption, category, /, **labels):
    """`file`, flagged for `snakemake --report`; workflow/report/<caption>.rst describes it."""
    return report(file, caption=f"../report/{caption}.rst", category=category, labels=labels)


def shown_figure(name, title, category="Figures"):
    """A figure as PDF and PNG, both flagged for the report."""
    return [
        shown(f"{RESULTS}/{name}.{suffix}", name, category, figure=title, format=suffix.upper())
        for suffix in ("pdf", "png")
    ]


def shown_training(file, content):
    """A file of a training, flagged for the report."""
    labels = {name: f"{{{name}}}" for name in ("network", "fold", "seed")}
    return shown(file, "training", "Trainings", **labels, file=content)


def shown_table(name, file=None, form="CSV"):
    """A table as CSV or in another form, flagged for the report."""
    file = file or f"{RESULTS}/{name}.csv"
    return shown(file, name, "Tables", table=TABLES[name], format=form)


def tell_how_long():
    """A line on what is to be done and how long it will take, where that is known beforehand.

    Not of a GPU, which is nobody's before a job has it, nor of data whose size is not known yet.
    """
    on_cpu = config["device"] == "cpu" or (config["device"] == "auto" and why_no_gpu())
    if not on_cpu or config["data"]["source"] != "simulated":
        return
    jobs = list(workflow.dag.needrun_jobs())
    trainings = [
        Training(job.params.settings, job.threads, job.params.checkpoint, job.params.kept)
        for job in jobs
        if job.rule.name == "train" and CLASSES[job.params.settings["network"]]["loop"]
    ]
    signals = config["simulation"]["n_training"] * (config["specimens"] - 1)
    validated = round(signals * config["validation"]["share"])
    line = forecast(
        trainings, len(jobs) - len(trainings), workflow.cores, signals - validated, validated
    )
    if line:
        logger.info(line)
