"""Features: one table per run."""


rule extract_features:
    input:
        copick=copick_of,
        candidates="results/{name}/candidates/{run}.parquet",
        score_maps="results/{name}/score_maps/{run}.npz",
        config=settings_files("data", "features"),
    output:
        "results/{name}/features/{run}.parquet",
    log:
        "results/{name}/logs/extract_features/{run}.txt",
    benchmark:
        "results/{name}/benchmarks/extract_features/{run}.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    resources:
        mem_mb=3 * GIBIBYTE_MB,
    shell:
        "python -m features.extract --config {input.config:q} --copick {input.copick:q}"
        " --run {wildcards.run:q} --candidates {input.candidates:q}"
        " --score-maps {input.score_maps:q} --output {output:q} 2>&1 | tee {log:q} >&2"
