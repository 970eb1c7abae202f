"""Rebuilds the paper: `snakemake --cores 8` makes results/<run>/paper.pdf.

The way of the data: simulate, download or a local archive → ingest → split → tokenize →
train → predict → score, table1, figures, numbers → paper.
"""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, update_config

# This folder's package `workflow`, whatever PYTHONPATH and site-packages have by that name.
sys.path.insert(0, workflow.basedir)
for loaded in [name for name in sys.modules if name.split(".")[0] == "workflow"]:
    del sys.modules[loaded]

from workflow.lib.config import check_config, typed
from workflow.lib.files import InputError, check_writable
from workflow.lib.gpu import check_gpu
from workflow.lib.kept import ANEW
from workflow.lib.surroundings import own_code_first, settle

min_version("9.0")


def checked(check, *arguments):
    """What `check` returns; its objection as Snakemake shows one, in a line."""
    try:
        return check(*arguments)
    except InputError as error:
        raise WorkflowError(str(error)) from None


checked(settle, Path(workflow.basedir))
shell.prefix(own_code_first(Path(workflow.basedir)))


configfile: str(Path(workflow.basedir) / "config/config.yaml")


report: "workflow/report/workflow.rst"


update_config(config, typed(workflow.config_settings.config))  # of the command line
checked(check_config, config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/paper.smk"


onstart:
    checked(check_writable, Path(RESULTS))
    if workflow.local_exec:
        checked(check_gpu, config, bool(workflow.deployment_settings.deployment_method))
    if workflow.dag_settings.forceall or workflow.dag_settings.forcerun:  # `-F`, `-R train`
        os.environ[ANEW] = "yes"  # inherited by the jobs


rule all:
    default_target: True
    input:
        every_training(rules.train.output),
        f"{RESULTS}/paper.pdf",
        f"{RESULTS}/provenance.json",
        f"{RESULTS}/table1.md",
        f"{RESULTS}/figure1.png",
        f"{RESULTS}/learning_curves.png",
        f"{RESULTS}/signals.png",
        f"{RESULTS}/data_card.md",
        f"{RESULTS}/jobs.md",
        f"{RESULTS}/report/logs.html",
        traces(),
