"""Rebuilds the paper: `snakemake --cores 8` makes results/<run>/paper.pdf.

The way of the data: simulate, download or a local archive → ingest → split → tokenize →
train → predict → score, table1, figures, numbers → paper.
"""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# This folder's package `workflow`, whatever PYTHONPATH and site-packages have by that name.
sys.path.insert(0, workflow.basedir)
for loaded in [name for name in sys.modules if name.split(".")[0] == "workflow"]:
    del sys.modules[loaded]


configfile: str(Path(workflow.basedir) / "config/config.yaml")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/posterior.smk"
include: "workflow/rules/several.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/ambiguity.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/hypotheses.smk"
include: "workflow/rules/views.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/scan_files.smk"
include: "workflow/rules/scans.smk"
include: "workflow/rules/maps.smk"
include: "workflow/rules/exchange.smk"
include: "workflow/rules/grains.smk"
include: "workflow/rules/map_views.smk"
include: "workflow/rules/training_sets.smk"
include: "workflow/rules/maps_record.smk"
include: "workflow/rules/paper.smk"


onstart:
    checked(check_writable, Path(RESULTS))
    if {"tune", *rules.tune.output}.intersection(workflow.dag_settings.targets):
        checked(check_candidates, config, CLASSES)
    if {"ambiguity", *OF_SWEEP}.intersection(workflow.dag_settings.targets):
        checked(check_sweep, config)
    if "maps" in workflow.dag_settings.targets:
        checked(check_scans, config)
    if workflow.local_exec:
        checked(check_gpu, config, bool(workflow.deployment_settings.deployment_method))
        if workflow.is_main_process and not workflow.touch:
            tell_how_long()
    if workflow.dag_settings.forceall or workflow.dag_settings.forcerun:  # `-F`, `-R train`
        os.environ[ANEW] = "yes"  # inherited by the jobs


rule all:
    default_target: True
    input:
        every_intermediate(),
        f"{RESULTS}/paper.pdf",
        f"{RESULTS}/provenance.json",
        f"{RESULTS}/results.json",
        f"{RESULTS}/table1.md",
        f"{RESULTS}/figure1.png",
        f"{RESULTS}/learning_curves.png",
        f"{RESULTS}/signals.png",
        f"{RESULTS}/ambiguous_grain.png",
        f"{RESULTS}/data_card.md",
        f"{RESULTS}/jobs.md",
        f"{RESULTS}/report/logs.html",
        OF_RELEASE,
        traces(),


rule ambiguity:
    input:
        made_of_datasets([config["table_fold"]], SWEEP),  # as `every_intermediate` explains
        OF_SWEEP,
    localrule: True


rule maps:
    input:
        OF_MAPS,
    localrule: True
