"""Stage 2: one classifier per particle type, thresholds, the submission, the report."""


rule train_reranker:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        candidates=tables_of("candidates", RUNS.train),
        features=tables_of("features", RUNS.train),
        config=settings_files("data", "scoring", "stage2_classifier"),
    output:
        models=expand(CLASSIFIER_FILE, bag=BAGS, allow_missing=True),
        calibration="results/{name}/stage2/{particle_type}.json",
        out_of_fold="results/{name}/stage2/{particle_type}.out_of_fold.parquet",
        nested="results/{name}/stage2/{particle_type}.nested.parquet",
        importance="results/{name}/stage2/{particle_type}.importance.json",
    log:
        "results/{name}/logs/train_reranker/{particle_type}.txt",
    benchmark:
        "results/{name}/benchmarks/train_reranker/{particle_type}.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    resources:
        mem_mb=2 * GIBIBYTE_MB,
        real_threads=1,
    shell:
        "python -m stage2_rerank.train --config {input.config:q}"
        " --particle-type {wildcards.particle_type:q} --folds {input.folds:q}"
        " --truth {input.truth:q} --candidates {input.candidates:q} --features {input.features:q}"
        " --models {output.models:q} --calibration {output.calibration:q}"
        " --out-of-fold {output.out_of_fold:q} --nested {output.nested:q}"
        " --importance {output.importance:q} --threads {resources.real_threads} 2>&1 | tee {log:q} >&2"


rule tune_thresholds:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        out_of_fold=expand(
            "results/{name}/stage2/{particle_type}.out_of_fold.parquet",
            particle_type=PARTICLE_TYPES,
            allow_missing=True,
        ),
        nested=expand(
            "results/{name}/stage2/{particle_type}.nested.parquet",
            particle_type=PARTICLE_TYPES,
            allow_missing=True,
        ),
        config=settings_files("data", "scoring", "stage2_decision"),
    output:
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
    log:
        "results/{name}/logs/tune_thresholds.txt",
    benchmark:
        "results/{name}/benchmarks/tune_thresholds.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    shell:
        "python -m stage2_rerank.tune_thresholds --config {input.config:q}"
        " --folds {input.folds:q} --truth {input.truth:q}"
        " --types-out-of-fold {input.out_of_fold:q} --types-nested {input.nested:q}"
        " --out-of-fold {output.out_of_fold:q} --thresholds {output.thresholds:q}"
        " 2>&1 | tee {log:q} >&2"


rule submit:
    input:
        copick="results/{name}/copick/test.json",
        candidates=tables_of("candidates", RUNS.test),
        features=tables_of("features", RUNS.test),
        models=expand(
            CLASSIFIER_FILE,
            particle_type=PARTICLE_TYPES,
            bag=BAGS,
            allow_missing=True,
        ),
        calibrations=CALIBRATIONS,
        thresholds="results/{name}/thresholds.json",
        config=settings_files("data", "scoring", "stage2_decision"),
    output:
        submission="results/{name}/submission.csv",
        scored="results/{name}/scored_test.parquet",
        picks_config="results/{name}/picks/copick.json",
    log:
        "results/{name}/logs/submit.txt",
    benchmark:
        "results/{name}/benchmarks/submit.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    resources:
        real_threads=1,
    params:
        picks=subpath(output.picks_config, parent=True),
    shell:
        "python -m stage2_rerank.submit --config {input.config:q}"
        " --candidates {input.candidates:q} --features {input.features:q}"
        " --calibrations {input.calibrations:q} --thresholds {input.thresholds:q}"
        " --project {input.copick:q} --submission {output.submission:q}"
        " --scored {output.scored:q} --picks {params.picks:q}"
        " --picks-config {output.picks_config:q} --threads {resources.real_threads}"
        " 2>&1 | tee {log:q} >&2"


rule draw_pictures:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
        copick="results/{name}/copick/train.json",
        config=settings_files("data", "scoring", "stage2_decision"),
    output:
        "results/{name}/pictures.json",
    log:
        "results/{name}/logs/draw_pictures.txt",
    benchmark:
        "results/{name}/benchmarks/draw_pictures.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    resources:
        mem_mb=2 * GIBIBYTE_MB,
    shell:
        "python -m stage2_rerank.report.pictures.draw_pictures --config {input.config:q}"
        " --folds {input.folds:q}"
        " --truth {input.truth:q} --out-of-fold {input.out_of_fold:q}"
        " --thresholds {input.thresholds:q} --copick {input.copick:q} --output {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule report:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
        calibrations=CALIBRATIONS,
        importance=expand(
            "results/{name}/stage2/{particle_type}.importance.json",
            particle_type=PARTICLE_TYPES,
            allow_missing=True,
        ),
        pictures="results/{name}/pictures.json",
        scored="results/{name}/scored_test.parquet" if COMPARED_RUNS else [],
        features=tables_of("features", RUNS.train if COMPARED_RUNS else []),
        test_features=tables_of("features", COMPARED_RUNS),
        config=settings_files("data", "scoring", "stage2_decision"),
    output:
        json="results/{name}/cv_report.json",
        html=report(
            "results/{name}/cv_report.html",
            category="Cross-validation",
            caption="../docs/captions/cv_report.rst",
        ),
    log:
        "results/{name}/logs/report.txt",
    benchmark:
        "results/{name}/benchmarks/report.tsv"
    conda:
        "../environment.yaml"
    threads: slots(1)
    params:
        members=MEMBERS,
        data=DATA_SOURCE,
        compared=lambda wildcards, input: (
            shlex.join(
                ["--scored-test", input.scored, "--test-runs", *COMPARED_RUNS]
                + ["--features", *input.features]
                + ["--test-features", *input.test_features]
            )
            if COMPARED_RUNS
            else ""
        ),
    shell:
        "python -m stage2_rerank.report --config {input.config:q} --folds {input.folds:q}"
        " --truth {input.truth:q} --out-of-fold {input.out_of_fold:q}"
        " --thresholds {input.thresholds:q} --calibrations {input.calibrations:q}"
        " --importance {input.importance:q} --pictures {input.pictures:q}"
        " --results results/{wildcards.name:q} --members {params.members:q}"
        " --data {params.data:q}"
        " --json {output.json:q} --html {output.html:q} {params.compared} 2>&1 | tee {log:q} >&2"


rule compare:
    input:
        # Absolute, so that no rule makes them: what is there is compared, and nothing made anew.
        reports=sorted(map(str, RESULTS.glob("*/cv_report.json"))),
    output:
        markdown="results/comparison.md",
        html="results/comparison.html",
    log:
        f"results/{CONFIG.name}/logs/compare.txt",
    conda:
        "../environment.yaml"
    params:
        folders=lambda wildcards, input: [
            Path("results", Path(report).parent.name) for report in input.reports
        ],
    shell:
        "python -m stage2_rerank.compare {params.folders:q} --markdown {output.markdown:q}"
        " --html {output.html:q} 2>&1 | tee {log:q} >&2"
