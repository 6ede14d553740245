"""Stage 1: choose a precision, train the members of every fold, propose candidates in every run."""


rule choose_precision:
    input:
        config=settings_files("stage1_precision"),
        # What is timed; its change is no reason to choose again.
        further_config=ancient(
            settings_files(
                "data",
                "stage1_training",
                "stage1_checkpoints",
                "stage1_prediction",
            )
        ),
    output:
        precision=PRECISION,
        timing="results/{name}/stage1/precision_timing.json",
    log:
        "results/{name}/logs/choose_precision.txt",
    conda:
        "../environment.yaml"
    threads: slots(TRAINING.cpu_threads)
    resources:
        mem_mb=4 * GIBIBYTE_MB,
        gpu=1,
    params:
        # A function of the output is no parameter of the result: another ensemble is no reason to
        # choose again.
        encoder=lambda wildcards, output: CONFIG.stage1_proposals.ensemble.encoders[0],
    shell:
        "python -m stage1_proposals.choose_precision --config {input.config:q}"
        " {input.further_config:q} --encoder {params.encoder:q}"
        " --precision {output.precision:q} --timing {output.timing:q}"
        " 2>&1 | tee {log:q} >&2"


rule train_member:
    input:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
        folds="results/{name}/folds.json",
        precision=PRECISION,
        config=settings_files("data", "stage1_training"),
        # Needed, but no part of what is trained: a change of these trains nothing anew.
        further_config=ancient(
            settings_files(
                "stage1_precision", "stage1_checkpoints", "stage1_prediction"
            )
        ),
    output:
        weights=MEMBER_WEIGHTS,
        curve="results/{name}/stage1/{member}/fold{fold}/training_curve.csv",
        record="results/{name}/stage1/{member}/fold{fold}/training.json",
    log:
        "results/{name}/logs/train_member/{member}-fold{fold}.txt",
    benchmark:
        "results/{name}/benchmarks/train_member/{member}-fold{fold}.tsv"
    conda:
        "../environment.yaml"
    threads: slots(TRAINING.cpu_threads * TRAINING.processes)
    resources:
        mem_mb=4 * GIBIBYTE_MB * TRAINING.processes,
        gpu=TRAINING.processes,
    params:
        start=START_TRAINING,
        encoder=lambda wildcards: wildcards.member.rpartition("-seed")[0],
        seed=lambda wildcards: wildcards.member.rpartition("-seed")[2],
        folder=lambda wildcards, output: Path(output.weights).parent,
    shell:
        "python -m {params.start}stage1_proposals.train --config {input.config:q} {input.further_config:q}"
        " --folds {input.folds:q} --fold {wildcards.fold} --encoder {params.encoder:q}"
        " --seed {params.seed} --copick {input.copick:q} --truth {input.truth:q}"
        " --precision {input.precision:q} --output {params.folder:q} 2>&1 | tee {log:q} >&2"


# Runs that are looked at in one job: (split whose copick project holds them, runs).
RUNS_PER_JOB = CONFIG.stage1_proposals.prediction.runs_per_job
PROPOSAL_BATCHES = [
    (split, of_split[first : first + RUNS_PER_JOB])
    for split, of_split in (
        ("train", sorted(RUNS.train)),
        ("test", sorted({*RUNS.test} - {*RUNS.train})),
    )
    for first in range(0, len(of_split), RUNS_PER_JOB)
]


# A rule for every batch: files are named by their run, so that no wildcard can stand for a batch.
for BATCH, (SPLIT, BATCH_RUNS) in enumerate(PROPOSAL_BATCHES):

    rule:
        name:
            f"propose_batch{BATCH}"
        input:
            copick=f"results/{{name}}/copick/{SPLIT}.json",
            truth="results/{name}/truth.csv",
            folds="results/{name}/folds.json",
            precision=PRECISION,
            weights=expand(
                MEMBER_WEIGHTS, member=MEMBERS, fold=FOLDS, allow_missing=True
            ),
            config=settings_files("data", "stage1_training", "stage1_prediction"),
        output:
            candidates=tables_of("candidates", BATCH_RUNS),
            score_maps=temp(
                expand(
                    "results/{name}/score_maps/{run}.npz",
                    run=BATCH_RUNS,
                    allow_missing=True,
                )
            ),
        log:
            f"results/{{name}}/logs/propose/{BATCH_RUNS[0]}.txt",
        benchmark:
            f"results/{{name}}/benchmarks/propose/{BATCH_RUNS[0]}.tsv"
        conda:
            "../environment.yaml"
        threads: slots(1)
        resources:
            mem_mb=6 * GIBIBYTE_MB,
            gpu=1,
            real_threads=1,
        params:
            stage1=lambda wildcards: f"results/{wildcards.name}/stage1",
            members=MEMBERS,
            # A function of the output is no parameter of the result: other batches of the same
            # runs look at none of them again.
            runs=lambda wildcards, output: [
                Path(file).stem for file in output.candidates
            ],
            candidates=lambda wildcards, output: Path(output.candidates[0]).parent,
            score_maps=lambda wildcards, output: Path(output.score_maps[0]).parent,
        shell:
            "python -m stage1_proposals.propose --config {input.config:q} --copick {input.copick:q}"
            " --runs {params.runs:q} --truth {input.truth:q}"
            " --stage1 {params.stage1:q} --members {params.members:q} --folds {input.folds:q}"
            " --precision {input.precision:q} --candidates {params.candidates:q}"
            " --score-maps {params.score_maps:q} --threads {resources.real_threads}"
            " 2>&1 | tee {log:q} >&2"
