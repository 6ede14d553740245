"""tomosieve: from tomograms to picks in two passes.

    snakemake --cores 8 submission      picks of the test runs, and the cross-validation report
    snakemake --cores 8 cv_report       the report alone
    snakemake --cores 8 proposals       stage 1's candidates of every run
    snakemake --cores 8 feature_tables  the features of every candidate
    snakemake --cores 8 rerank          stage 2's classifiers and thresholds
    snakemake --cores 1 compare         every report under results/ side by side, as it stands

Your own data: --config dataset=FOLDER name=NAME, or --config copick=CONFIG.json name=NAME.
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "picking/settings.smk"
include: "picking/files.smk"
include: "picking/rules.smk"
include: "stage1_proposals/rules.smk"
include: "features/rules.smk"
include: "stage2_rerank/rules.smk"


wildcard_constraints:
    name=re.escape(CONFIG.name),
    run=one_of(RUNS.train + RUNS.test),
    member=one_of(MEMBERS),
    fold=r"\d+",
    section=r"\w+",
    particle_type=one_of(PARTICLE_TYPES),


localrules:
    submission,
    cv_report,
    proposals,
    feature_tables,
    rerank,
    compare,
    settings,


rule submission:
    default_target: True
    input:
        expand("results/{name}/submission.csv", name=CONFIG.name),
        expand("results/{name}/picks/copick.json", name=CONFIG.name),
        expand("results/{name}/cv_report.html", name=CONFIG.name),
        # For the score that is printed at the end; nothing else reads it.
        SYNTHETIC_TRUTH if IS_SYNTHETIC else [],


rule cv_report:
    input:
        expand(
            "results/{name}/cv_report.{ending}",
            name=CONFIG.name,
            ending=["html", "json"],
        ),


rule proposals:
    input:
        expand(
            "results/{name}/candidates/{run}.parquet",
            name=CONFIG.name,
            run=ALL_RUNS,
        ),


rule feature_tables:
    input:
        expand(
            "results/{name}/features/{run}.parquet",
            name=CONFIG.name,
            run=ALL_RUNS,
        ),


rule rerank:
    input:
        expand(
            "results/{name}/{file}",
            name=CONFIG.name,
            file=["out_of_fold.parquet", "thresholds.json"],
        ),


onsuccess:
    print_summary()


onerror:
    explain_failure_at_the_end()
