"""Features: one table per run, a batch of runs at a time."""


rule extract_features:
    input:
        # Written again when runs come or go. A run whose tomogram is another one has a new batch,
        # where its files are here; else the project tells.
        copick=lambda wildcards: ancient(
            PLAN.copick_of(PLAN.batch(wildcards.batch).runs[0])
        ),
        proposals="results/{name}/proposals/batch{batch}.json",
        structures=PLAN.structures,
        averages=PLAN.averages,
        config=PLAN.settings_files("data", "features", "wedge"),
    output:
        # As of proposals: the tables are named by the runs, and listed here with their digests.
        record="results/{name}/features/batch{batch}.json",
    log:
        "results/{name}/logs/extract_features/batch{batch}.txt",
    benchmark:
        "results/{name}/benchmarks/extract_features/batch{batch}.tsv"
    threads: FEATURE_THREADS
    resources:
        mem_mb=by_attempt(
            lambda wildcards: PLAN.memory.of_features(PLAN.batch(wildcards.batch).runs)
        ),
        runtime=minutes_by_attempt(
            lambda wildcards: PLAN.time.of_features(PLAN.batch(wildcards.batch).runs)
        ),
    params:
        project=PLAN.project_elsewhere,
        # A function of the output is not a parameter of the result.
        runs=lambda wildcards, output: PLAN.batch(wildcards.batch).runs,
        on_error=lambda wildcards, output: PLAN.on_error(wildcards.batch),
    shell:
        "python -m features.extract --config {input.config:q} --copick {input.copick:q}"
        " --proposals {input.proposals:q} --runs {params.runs:q} --results results/{wildcards.name:q}"
        " --structures {input.structures:q} --averages {input.averages:q}"
        " --record {output.record:q} --on-error {params.on_error}"
        " --threads {threads} 2>&1 | tee {log:q} >&2"
