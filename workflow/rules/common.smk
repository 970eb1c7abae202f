# What the other files share: the checked config, folders, and the files that depend on it.
# Needs: the config. Makes: no file.

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from workflow.lib.archive.layout import files_of
from workflow.lib.runtime.config import check_config, typed
from workflow.lib.runtime.digest import library_digest
from workflow.lib.runtime.files import InputError, check_writable
from workflow.lib.runtime.gpu import check_gpu
from workflow.lib.runtime.kept import ANEW
from workflow.lib.archive.download.lock import check_untouched
from workflow.lib.runtime.surroundings import own_code_first, settle

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


def project_file(path):
    """A file of the project as seen from the working directory, another one with `--directory`."""
    return path if ROOT.samefile(Path.cwd()) else str(ROOT / path)


RESULTS = f"results/{config['run']}"
DATASET_ID, DATASET_VERSION = "z8bh7n5b7d", 1  # doi 10.17632/z8bh7n5b7d.1
RAW = f"results/raw/{DATASET_ID}.{DATASET_VERSION}"  # downloads, shared by all runs
SIMULATED = f"{RESULTS}/archive"
NETWORKS = list(config["networks"])
SPECIMENS = [f"{specimen:02d}" for specimen in range(1, config["specimens"] + 1)]
ON_CPU = config["device"] == config["prediction_device"] == "cpu"
LEARN_ENVIRONMENT = f"../../envs/learn-{'cpu' if ON_CPU else 'gpu'}.yaml"  # seen from here
STYLE = project_file("paper/style/figures.mplstyle")
PUBLISHED = project_file("config/published.yaml")
TABLES = {  # shown by `snakemake --report`
    "table1": "Table 1",
    "comparison": "Networks compared",
    "scores": "All trainings",
    "folds": "Results by fold",
    "jobs": "Time and memory of the rules",
    "trainings": "Time and memory of the trainings",
}

MODEL = f"{RESULTS}/models/{{network}}/{{fold}}/{{seed}}"
PREDICTIONS = f"{RESULTS}/predictions/{{network}}/{{fold}}/{{seed}}.h5"


wildcard_constraints:
    network="|".join(NETWORKS),
    fold=r"\d+",
    seed=r"\d+",


def every_training(pattern, folds=None):
    """One file of each network, fold and seed."""
    folds = config["folds"] if folds is None else folds
    return expand(pattern, network=NETWORKS, fold=folds, seed=config["seeds"])


def every_intermediate():
    """What other rules wait for: made anew when it is gone, also where they are finished.

    Snakemake removes what a failed job should have made, and notes its parameters as if it had:
    were it not asked for, the results of before would pass for those of the failed job.
    """
    made = list(rules.simulate.output) if config["data"]["source"] == "simulated" else []
    made += [*rules.ingest.output, *rules.score.output, *rules.table1.output, *GENERATED]
    made += expand([*rules.split.output, *rules.tokenize.output], fold=config["folds"])
    made += every_training([*rules.train.output, *rules.predict.output])
    return [*made, *rules.compile.output]


def traces():
    """One trace of each network, if the config asks for them."""
    fold, seed = config["table_fold"], config["seeds"][0]
    wanted = NETWORKS if config["profiler_steps"] else []
    return [f"{RESULTS}/traces/{network}/{fold}/{seed}.json" for network in wanted]


def table_fold(pattern):
    """One file of each network and seed, for the fold of Table 1 and Figure 1."""
    return every_training(pattern, [config["table_fold"]])


def training_inputs(wildcards):
    """A fold's signals, and for SequenceNet its tokens."""
    inputs = {"fold": f"{RESULTS}/folds/{{fold}}.h5"}
    if wildcards.network == "sequencenet":
        inputs["tokens"] = f"{RESULTS}/tokens/{{fold}}.h5"
    return inputs


def files_of_jobs(kind, names):
    """The files of one kind, log or benchmark, of all jobs of the rules named, by rule."""
    return {
        name: sorted(set(every_training(getattr(getattr(rules, name), kind)))) for name in names
    }


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
