"""Features: averages of the picks of particle types."""


rule learn_averages:
    input:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
        folds="results/{name}/folds.json",
        # Types that have one need no average, unless averages are compared with for their own sake.
        structures=[] if PLAN.config.features.has_averages else PLAN.structures,
        config=PLAN.settings_files("data", "wedge"),
    output:
        "results/{name}/learnt_averages.npz",
    log:
        "results/{name}/logs/learn_averages.txt",
    benchmark:
        "results/{name}/benchmarks/learn_averages.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_averages(PLAN.runs.train)),
        runtime=minutes_by_attempt(
            PLAN.time.of_averages(
                PLAN.runs.train, len(PLAN.particle_types) * (len(PLAN.folds) + 1)
            )
        ),
    params:
        tomograms=PLAN.training_data,
    shell:
        "python -m features.learn_averages --config {input.config:q} --copick {input.copick:q}"
        " --truth {input.truth:q} --folds {input.folds:q} --structures {input.structures:q}"
        " --output {output:q} 2>&1 | tee {log:q} >&2"
