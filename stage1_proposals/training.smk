"""Stage 1: train the members of every fold."""


rule train_member:
    input:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
        density="results/{name}/picks_density.json",
        folds="results/{name}/folds.json",
        precision="results/{name}/stage1/precision.json",
        config=PLAN.settings_files(
            "data", "stage1_start", "stage1_network", "stage1_training"
        ),
        # Needed, but no part of what is trained: a change of these trains nothing.
        further_config=ancient(
            PLAN.settings_files(
                "stage1_precision",
                "stage1_checkpoints",
                "stage1_prediction",
            )
        ),
    output:
        weights="results/{name}/stage1/{member}/fold{fold}/weights.safetensors",
        curve="results/{name}/stage1/{member}/fold{fold}/training_curve.csv",
        record="results/{name}/stage1/{member}/fold{fold}/training.json",
    log:
        "results/{name}/logs/train_member/{member}-fold{fold}.txt",
    benchmark:
        "results/{name}/benchmarks/train_member/{member}-fold{fold}.tsv"
    threads: PLAN.training.cpu_threads * PLAN.training.processes
    resources:
        mem_mb=by_attempt(
            PLAN.memory.of_training(PLAN.runs.train, PLAN.training.processes)
        ),
        runtime=minutes_by_attempt(
            lambda wildcards: PLAN.time.of_training(
                PLAN.runs.train,
                PLAN.training,
                PLAN.is_from_nothing(wildcards.member),
            )
        ),
        gpu=PLAN.training.processes,
    params:
        launcher=PLAN.training_launcher,
        tomograms=PLAN.training_data,
        start=lambda wildcards: PLAN.start_of(wildcards.member),
        encoder=lambda wildcards: PLAN.encoder_and_seed(wildcards.member)[0],
        seed=lambda wildcards: PLAN.encoder_and_seed(wildcards.member)[1],
        folder=lambda wildcards, output: Path(output.weights).parent,
    shell:
        "python -m {params.launcher}stage1_proposals.train --config {input.config:q} {input.further_config:q}"
        " --folds {input.folds:q} --fold {wildcards.fold} --encoder {params.encoder:q}"
        " --seed {params.seed} --copick {input.copick:q} --truth {input.truth:q}"
        " --density {input.density:q} --precision {input.precision:q}"
        " --output {params.folder:q} 2>&1 | tee {log:q} >&2"
