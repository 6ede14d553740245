"""Data in: settings files, synthetic specimens, import through copick."""


rule settings:
    input:
        # Nothing: Snakemake asks here, whether a job runs or not, once it knows its options.
        lambda wildcards: checked_options(
            workflow.rerun_triggers,
            workflow.is_main_process
            and getattr(workflow.execution_settings, "no_hooks", False),
        ),
    output:
        "results/{name}/settings/{section}.yaml",
    log:
        "results/{name}/logs/settings/{section}.txt",
    params:
        content=lambda wildcards: section_text(
            PLAN.config, RESULT_SECTIONS[wildcards.section]
        ),
    shell:
        "printf '%s\\n' {params.content:q} > {output:q} 2> {log:q}"


if PLAN.is_synthetic:

    # The data set may serve several names, so what it is made from is kept next to it.
    rule synthetic_settings:
        output:
            f"{PLAN.synthetic.settings}/{{section}}.yaml",
        log:
            f"results/{PLAN.config.name}/logs/synthetic/settings-{{section}}.txt",
        localrule: True
        params:
            content=lambda wildcards: section_text(
                PLAN.config, SYNTHETIC_SECTIONS[wildcards.section]
            ),
        shell:
            "printf '%s\\n' {params.content:q} > {output:q} 2> {log:q}"

    rule synthetic_training_run:
        input:
            config=f"{PLAN.synthetic.settings}/specimens.yaml",
        output:
            tomograms=PLAN.synthetic.tomograms("train"),
            picks=PLAN.synthetic.picks(),
        log:
            f"results/{PLAN.config.name}/logs/synthetic/{{run}}.txt",
        benchmark:
            f"results/{PLAN.config.name}/benchmarks/synthetic/{{run}}.tsv"
        threads: 1
        resources:
            mem_mb=by_attempt(PLAN.memory.of_synthetic_run()),
            runtime=minutes_by_attempt(PLAN.time.of_synthetic_run()),
        params:
            dataset=PLAN.synthetic.folder,
        shell:
            "python -m picking.synthetic.make_run --config {input.config:q} --run {wildcards.run:q}"
            " --split train --dataset {params.dataset:q} --threads {threads}"
            " 2>&1 | tee {log:q} >&2"

    rule synthetic_test_run:
        input:
            config=f"{PLAN.synthetic.settings}/specimens.yaml",
        output:
            tomogram=PLAN.synthetic.tomograms("test"),
            # Kept: a run that does not need it yet must not have to be made again for it.
            truth=PLAN.synthetic.truth_of_run(),
        log:
            f"results/{PLAN.config.name}/logs/synthetic/{{run}}.txt",
        benchmark:
            f"results/{PLAN.config.name}/benchmarks/synthetic/{{run}}.tsv"
        threads: 1
        resources:
            mem_mb=by_attempt(PLAN.memory.of_synthetic_run()),
            runtime=minutes_by_attempt(PLAN.time.of_synthetic_run()),
        params:
            dataset=PLAN.synthetic.folder,
        shell:
            "python -m picking.synthetic.make_run --config {input.config:q} --run {wildcards.run:q}"
            " --split test --dataset {params.dataset:q} --truth {output.truth:q}"
            " --threads {threads} 2>&1 | tee {log:q} >&2"

    rule synthetic_truth:
        input:
            config=[
                f"{PLAN.synthetic.settings}/{section}.yaml"
                for section in SYNTHETIC_SECTIONS
            ],
            truths=[PLAN.synthetic.truth_of_run(run) for run in PLAN.runs.test],
        output:
            truth=PLAN.synthetic.truth,
            sample=PLAN.synthetic.sample_submission,
        log:
            f"results/{PLAN.config.name}/logs/synthetic/truth.txt",
        resources:
            mem_mb=by_attempt(PLAN.memory.of_tables([])),
            runtime=minutes_by_attempt(PLAN.time.of_tables([])),
        params:
            dataset=PLAN.synthetic.folder,
            # A function of the output is not a parameter of the result: another name has its own.
            listed=lambda wildcards, output: PLAN.list_file("test", "truths"),
        shell:
            "python -m picking.synthetic.finish_dataset --config {input.config:q}"
            " --dataset {params.dataset:q} --run-truths @{params.listed:q} --truth {output.truth:q}"
            " 2>&1 | tee {log:q} >&2"


rule import_test_runs:
    input:
        files=PLAN.source_files("test"),
        config=PLAN.import_settings,
        appearance=ancient(PLAN.settings_files("appearance")),
        # Of MRC files: whether the training runs' grey values change their sign.
        check=PLAN.import_check,
    output:
        copick="results/{name}/copick/test.json",
    log:
        "results/{name}/logs/import_test_runs.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_pictures(PLAN.runs.test)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.test)),
    params:
        source=PLAN.source_arguments,
        runs=PLAN.runs.test,
        listed=PLAN.list_file("test", "runs"),
        digest=PLAN.source_digest("test"),
        # A function of the output is not a parameter of the result.
        on_error=lambda wildcards, output: PLAN.config.on_error_of_test_runs,
        alone="--alone" if PLAN.manifest else "",
        check=PLAN.check_argument,
    shell:
        "python -m picking.data_in.import_dataset --config {input.config:q} {input.appearance:q}"
        " {params.source}"
        " --split test --runs @{params.listed:q} --output {output.copick:q}"
        " --on-error {params.on_error} {params.alone} {params.check} 2>&1 | tee {log:q} >&2"
