"""tomosieve: from tomograms to picks in two passes.

    snakemake --cores 8 submission      picks of the test runs, and the cross-validation report
    snakemake --cores 8 cv_report       the report alone
    snakemake --cores 8 bundle          the models of a result, to pick other tomograms with
    snakemake --cores 8 picks --config bundle=PATH dataset=FOLDER name=NAME
    snakemake --cores 8 picks_star      the picks for RELION; picks_dynamo for Dynamo, picks_csv
    snakemake --cores 8 proposals       stage 1's candidates of every run
    snakemake --cores 8 feature_tables  the features of every candidate
    snakemake --cores 8 rerank          stage 2's classifiers and thresholds
    snakemake --cores 8 pretrain        the weights that every training starts from, anew
    snakemake --cores 8 import_check    training tomograms with their picks, to look at first
    snakemake --cores 1 compare         every report under results/ side by side, as it is

Your own data: --config dataset=FOLDER name=NAME, or --config copick=CONFIG.json name=NAME, or
--config tomograms=FOLDER picks=FILE.star name=NAME (MRC files; particles come from a configuration).
"""

import re
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# The code of this checkout, whatever else is installed.
sys.path.insert(0, workflow.basedir)
from picking.workflow.checked_options import checked_options, of_training
from picking.workflow.failure import explain_at_exit, log_times
from picking.workflow.finished_reports import finished_reports
from picking.workflow.job_shell import job_prefix
from picking.workflow.make_plan import exit_with_one_line, plan_or_exit
from picking.workflow.plan import RESULTS
from picking.workflow.resources import feature_threads, usable_cores
from picking.workflow.run_times import by_attempt, minutes_by_attempt
from picking.workflow.settings_sections import (
    BUNDLED_SECTIONS,
    RESULT_SECTIONS,
    SYNTHETIC_SECTIONS,
    section_text,
)
from picking.workflow.summary import answer_times, print_summary
from picking.workflow.wildcards import one_of


configfile: f"{workflow.basedir}/config/config.yaml"


PLAN = plan_or_exit(
    config,
    workflow.config_settings.configfiles,
    workflow.config_settings.config,
    is_start=workflow.is_main_process,
)
# What this call of Snakemake finds: whatever is newer at the end is its own. Jobs of a cluster, which
# read this file again, say nothing at their end.
LOGS_BEFORE = log_times(PLAN.folder / "logs") if workflow.is_main_process else {}
ANSWERS_BEFORE = answer_times(PLAN) if workflow.is_main_process else {}

shell.prefix(job_prefix(workflow.basedir))
# copick gives the root logger a handler, which would print all that Snakemake says once more.
logger.propagate = False
# Jobs on this machine take no more cores than it has, whatever --cores says.
NODES = workflow.resource_settings.nodes
CORES = usable_cores(workflow.resource_settings.cores, NODES)
workflow.global_resources["_cores"] = CORES
# A cluster's job reads this file again on its node, with the one thread that was asked for.
FEATURE_THREADS = (
    feature_threads(len(PLAN.batches), CORES, NODES) if workflow.is_main_process else 1
)


include: "picking/rules.smk"
include: "stage1_proposals/rules.smk"
include: "features/rules.smk"
include: "stage2_rerank/rules.smk"


# Where the models come from; everything else is the same road.
if PLAN.manifest:

    include: "picking/bundle.smk"

else:

    include: "picking/training.smk"
    include: "stage1_proposals/training.smk"
    include: "stage1_proposals/pretraining.smk"
    include: "features/training.smk"
    include: "stage2_rerank/training.smk"


wildcard_constraints:
    name=re.escape(PLAN.config.name),
    run=one_of(PLAN.all_runs),
    member=one_of(PLAN.members),
    fold=r"\d+",
    batch=r"\d+",
    number=r"\d+",
    section=r"\w+",
    particle_type=one_of(PLAN.particle_types),


localrules:
    submission,
    picks,
    picks_csv,
    picks_star,
    picks_dynamo,
    bundle,
    cv_report,
    import_check,
    proposals,
    feature_tables,
    pretrain,
    rerank,
    compare,
    settings,


rule submission:
    default_target: True
    input:
        PLAN.files("submission.csv", "picks/copick.json"),
        # With a bundle nothing is trained that a cross-validation could judge.
        PLAN.files("picks_report.html" if PLAN.manifest else "cv_report.html"),
        # For the score that is printed at the end; nothing else reads it.
        PLAN.synthetic.truth if PLAN.is_synthetic else [],


rule picks:
    input:
        PLAN.files("submission.csv", "picks/copick.json", "picks_report.html"),


rule picks_csv:
    input:
        PLAN.files("picks.csv"),


rule picks_star:
    input:
        PLAN.files("picks_star.json"),


rule picks_dynamo:
    input:
        PLAN.files("picks_dynamo.json"),


rule bundle:
    input:
        lambda wildcards: of_training(
            PLAN, PLAN.files("bundle/manifest.json", "bundle.zip")
        ),


rule cv_report:
    input:
        lambda wildcards: of_training(
            PLAN, PLAN.files("cv_report.html", "cv_report.json")
        ),


rule import_check:
    input:
        lambda wildcards: of_training(PLAN, PLAN.files("import_check.png")),


# Proposals take the projects as "ancient" inputs, and Snakemake does not look beyond one that
# changes, not even for batches that are missing: so these targets ask for the projects too.
PROJECTS = sorted({PLAN.copick_of(run) for run in PLAN.all_runs})


rule proposals:
    input:
        PROJECTS,
        PLAN.proposals(PLAN.all_runs),


rule feature_tables:
    input:
        PROJECTS,
        PLAN.features(PLAN.all_runs),


rule pretrain:
    input:
        lambda wildcards: of_training(
            PLAN, PLAN.files("pretraining/weights.safetensors")
        ),


rule rerank:
    input:
        lambda wildcards: of_training(
            PLAN, PLAN.files("out_of_fold.parquet", "thresholds.json")
        ),


onstart:
    with exit_with_one_line():
        PLAN.keep()


onsuccess:
    print_summary(PLAN, workflow.dag_settings.targets, ANSWERS_BEFORE)


onerror:
    explain_at_exit(PLAN, LOGS_BEFORE)
