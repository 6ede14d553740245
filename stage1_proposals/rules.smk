"""Stage 1: choose a precision, propose candidates in every run."""


rule choose_precision:
    input:
        config=PLAN.settings_files("stage1_precision"),
        # What is timed; its change is no reason to choose again.
        further_config=ancient(
            PLAN.settings_files(
                "data",
                "stage1_network",
                "stage1_training",
                "stage1_checkpoints",
                "stage1_prediction",
            )
        ),
    output:
        precision="results/{name}/stage1/precision.json",
        timing="results/{name}/stage1/precision_timing.json",
    log:
        "results/{name}/logs/choose_precision.txt",
    threads: PLAN.training.cpu_threads
    resources:
        mem_mb=by_attempt(PLAN.memory.of_training([], processes=1)),
        runtime=minutes_by_attempt(PLAN.time.of_tables([])),
        gpu=1,
    params:
        # A function of the output is not a parameter of the result: another ensemble is no reason
        # to choose again.
        encoder=lambda wildcards, output: PLAN.encoder_and_seed(PLAN.members[0])[0],
        trained_in=f"--trained-in {PLAN.manifest.precision}" if PLAN.manifest else "",
    shell:
        "python -m stage1_proposals.choose_precision --config {input.config:q}"
        " {input.further_config:q} --encoder {params.encoder:q} {params.trained_in}"
        " --precision {output.precision:q} --timing {output.timing:q}"
        " 2>&1 | tee {log:q} >&2"


rule propose:
    input:
        # Written again when runs come or go. A run whose tomogram is another one has a new batch,
        # where its files are here; else the project tells.
        copick=lambda wildcards: ancient(
            PLAN.copick_of(PLAN.batch(wildcards.batch).runs[0])
        ),
        density="results/{name}/picks_density.json",
        folds="results/{name}/folds.json",
        precision="results/{name}/stage1/precision.json",
        weights=PLAN.weights,
        config=PLAN.settings_files(
            "data",
            "stage1_ensemble",
            "stage1_network",
            "stage1_training",
            "stage1_prediction",
        ),
    output:
        # What a batch writes for each run is named by the run, and listed here with its digest.
        record="results/{name}/proposals/batch{batch}.json",
    log:
        "results/{name}/logs/propose/batch{batch}.txt",
    benchmark:
        "results/{name}/benchmarks/propose/batch{batch}.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(
            lambda wildcards: PLAN.memory.of_proposing(
                PLAN.batch(wildcards.batch).runs
            )
        ),
        runtime=minutes_by_attempt(
            lambda wildcards: PLAN.time.of_proposing(PLAN.batch(wildcards.batch).runs)
        ),
        gpu=1,
    params:
        members=PLAN.members,
        project=PLAN.project_elsewhere,
        split=lambda wildcards: PLAN.batch(wildcards.batch).split,
        # A function of the output is not a parameter of the result: a run that nobody asks for any
        # more is no reason to propose in the others again.
        runs=lambda wildcards, output: PLAN.batch(wildcards.batch).runs,
        on_error=lambda wildcards, output: PLAN.on_error(wildcards.batch),
        clock=lambda wildcards, output: PLAN.clock_file,
    shell:
        "python -m stage1_proposals.propose --config {input.config:q} --copick {input.copick:q}"
        " --split {params.split} --runs {params.runs:q} --density {input.density:q}"
        " --stage1 results/{wildcards.name:q}/stage1 --members {params.members:q}"
        " --folds {input.folds:q} --precision {input.precision:q}"
        " --results results/{wildcards.name:q} --record {output.record:q}"
        " --on-error {params.on_error} --clock {params.clock:q} --threads {threads}"
        " 2>&1 | tee {log:q} >&2"
