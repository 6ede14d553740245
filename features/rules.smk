"""Features: one table per run."""


rule extract_features:
    input:
        copick=lambda wildcards: PLAN.copick_of(wildcards.run),
        proposals=lambda wildcards: PLAN.proposals([wildcards.run]),
        config=PLAN.settings_files("data", "features"),
    output:
        "results/{name}/features/{run}.parquet",
    log:
        "results/{name}/logs/extract_features/{run}.txt",
    benchmark:
        "results/{name}/benchmarks/extract_features/{run}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards: PLAN.memory.of_features(wildcards.run),
    shell:
        "python -m features.extract --config {input.config:q} --copick {input.copick:q}"
        " --run {wildcards.run:q} --results results/{wildcards.name:q} --output {output:q}"
        " 2>&1 | tee {log:q} >&2"
