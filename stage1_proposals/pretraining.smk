"""Stage 1: pretrain the network that trainings start from. Nobody needs to: its weights are here."""


rule pretraining_specimen:
    input:
        config=PLAN.settings_files("pretraining_seed"),
    output:
        "results/{name}/pretraining/specimens/{number}.npz",
    log:
        "results/{name}/logs/pretraining/specimen{number}.txt",
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_synthetic_run()),
        runtime=minutes_by_attempt(PLAN.time.of_synthetic_run()),
    shell:
        "python -m picking.synthetic.pretraining.make_specimen --config {input.config:q}"
        " --number {wildcards.number} --output {output:q} --threads {threads}"
        " 2>&1 | tee {log:q} >&2"


rule pretrain_network:
    input:
        specimens=[
            f"results/{PLAN.config.name}/pretraining/specimens/{number}.npz"
            for number in range(PLAN.config.pretraining.specimens)
        ],
        precision="results/{name}/stage1/precision.json",
        config=PLAN.settings_files("pretraining_seed", "pretraining", "stage1_network"),
        # Needed, but no part of what is trained.
        further_config=ancient(
            PLAN.settings_files("stage1_training", "stage1_checkpoints")
        ),
    output:
        weights="results/{name}/pretraining/weights.safetensors",
        curve="results/{name}/pretraining/training_curve.csv",
        record="results/{name}/pretraining/training.json",
    log:
        "results/{name}/logs/pretraining/pretrain.txt",
    benchmark:
        "results/{name}/benchmarks/pretraining.tsv"
    threads: PLAN.training.cpu_threads
    resources:
        mem_mb=by_attempt(
            PLAN.memory.of_pretraining(
                PLAN.config.pretraining.specimens,
                PLAN.config.stage1_proposals.network.output_stride,
            )
        ),
        runtime=minutes_by_attempt(
            PLAN.time.of_pretraining(PLAN.config.pretraining, PLAN.training)
        ),
        gpu=1,
    params:
        encoder=PLAN.config.stage1_proposals.ensemble.encoders[0],
        specimens=lambda wildcards, input: Path(input.specimens[0]).parent,
        folder=lambda wildcards, output: Path(output.weights).parent,
    shell:
        "python -m stage1_proposals.pretraining.pretrain --config {input.config:q}"
        " {input.further_config:q} --encoder {params.encoder:q} --specimens {params.specimens:q}"
        " --precision {input.precision:q} --output {params.folder:q} 2>&1 | tee {log:q} >&2"
