"""Stage 2: classifiers, thresholds, the report of the cross-validation, the bundle."""


rule train_reranker:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        proposals=PLAN.proposals(PLAN.runs.train),
        features=PLAN.features(PLAN.runs.train),
        config=PLAN.settings_files("data", "scoring", "stage2_classifier"),
    output:
        models=[
            f"results/{{name}}/stage2/{{particle_type}}{ending}"
            for ending in PLAN.bag_endings
        ],
        calibration="results/{name}/stage2/{particle_type}.json",
        out_of_fold="results/{name}/stage2/{particle_type}.out_of_fold.parquet",
        nested="results/{name}/stage2/{particle_type}.nested.parquet",
        importance="results/{name}/stage2/{particle_type}.importance.json",
    log:
        "results/{name}/logs/train_reranker/{particle_type}.txt",
    benchmark:
        "results/{name}/benchmarks/train_reranker/{particle_type}.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_classifier(PLAN.runs.train)),
    params:
        candidates=PLAN.list_file("train", "candidates"),
        features=PLAN.list_file("train", "features"),
    shell:
        "python -m stage2_rerank.train --config {input.config:q}"
        " --particle-type {wildcards.particle_type:q} --folds {input.folds:q}"
        " --truth {input.truth:q} --candidates @{params.candidates:q} --features @{params.features:q}"
        " --models {output.models:q} --calibration {output.calibration:q}"
        " --out-of-fold {output.out_of_fold:q} --nested {output.nested:q}"
        " --importance {output.importance:q} --threads {threads} 2>&1 | tee {log:q} >&2"


rule tune_thresholds:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        out_of_fold=PLAN.stage2_files([".out_of_fold.parquet"]),
        nested=PLAN.stage2_files([".nested.parquet"]),
        config=PLAN.settings_files("data", "scoring", "stage2_decision"),
    output:
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
    log:
        "results/{name}/logs/tune_thresholds.txt",
    benchmark:
        "results/{name}/benchmarks/tune_thresholds.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
    shell:
        "python -m stage2_rerank.tune_thresholds --config {input.config:q}"
        " --folds {input.folds:q} --truth {input.truth:q}"
        " --types-out-of-fold {input.out_of_fold:q} --types-nested {input.nested:q}"
        " --out-of-fold {output.out_of_fold:q} --thresholds {output.thresholds:q}"
        " 2>&1 | tee {log:q} >&2"


rule draw_pictures:
    input:
        folds="results/{name}/folds.json",
        truth="results/{name}/truth.csv",
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
        copick="results/{name}/copick/train.json",
        config=PLAN.settings_files("data", "appearance", "scoring", "stage2_decision"),
    output:
        "results/{name}/pictures.json",
    log:
        "results/{name}/logs/draw_pictures.txt",
    benchmark:
        "results/{name}/benchmarks/draw_pictures.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_pictures(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
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
        calibrations=PLAN.stage2_files([".json"]),
        importance=PLAN.stage2_files([".importance.json"]),
        pictures="results/{name}/pictures.json",
        scored="results/{name}/scored_test.parquet" if PLAN.compared_runs else [],
        failed="results/{name}/failed_runs.csv" if PLAN.compared_runs else [],
        features=PLAN.features(PLAN.runs.train if PLAN.compared_runs else []),
        test_features=PLAN.features(PLAN.compared_runs),
        config=PLAN.settings_files("data", "scoring", "stage2_decision"),
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
    threads: 1
    resources:
        mem_mb=by_attempt(
            PLAN.memory.of_tables([*PLAN.runs.train, *PLAN.compared_runs])
        ),
        runtime=minutes_by_attempt(
            PLAN.time.of_tables([*PLAN.runs.train, *PLAN.compared_runs])
        ),
    params:
        members=PLAN.members,
        data=PLAN.data_source,
        compared=PLAN.comparison_arguments(),
    shell:
        "python -m stage2_rerank.report --config {input.config:q} --folds {input.folds:q}"
        " --truth {input.truth:q} --out-of-fold {input.out_of_fold:q}"
        " --thresholds {input.thresholds:q} --calibrations {input.calibrations:q}"
        " --importance {input.importance:q} --pictures {input.pictures:q}"
        " --results results/{wildcards.name:q} --members {params.members:q}"
        " --data {params.data:q}"
        " --json {output.json:q} --html {output.html:q} {params.compared} 2>&1 | tee {log:q} >&2"


rule make_bundle:
    input:
        PLAN.bundled_files,
        precision="results/{name}/stage1/precision.json",
        check=PLAN.import_check,
        config=PLAN.settings_files(*BUNDLED_SECTIONS),
    output:
        manifest="results/{name}/bundle/manifest.json",
        zip="results/{name}/bundle.zip",
    log:
        "results/{name}/logs/make_bundle.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables([])),
        runtime=minutes_by_attempt(PLAN.time.of_tables([])),
    params:
        members=PLAN.members,
        data=PLAN.data_source,
        folder=subpath(output.manifest, parent=True),
    shell:
        "python -m stage2_rerank.make_bundle --config {input.config:q}"
        " --results results/{wildcards.name:q} --members {params.members:q}"
        " --data {params.data:q} --folder {params.folder:q} --zip {output.zip:q}"
        " 2>&1 | tee {log:q} >&2"


rule summarise_training:
    input:
        folds="results/{name}/folds.json",
        out_of_fold="results/{name}/out_of_fold.parquet",
        thresholds="results/{name}/thresholds.json",
        density="results/{name}/picks_density.json",
        features=PLAN.features(PLAN.runs.train),
        config=PLAN.settings_files("data", "scoring", "stage2_decision"),
    output:
        "results/{name}/training_summary.json",
    log:
        "results/{name}/logs/summarise_training.txt",
    benchmark:
        "results/{name}/benchmarks/summarise_training.tsv"
    threads: 1
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
    params:
        features=PLAN.list_file("train", "features"),
    shell:
        "python -m stage2_rerank.summarise_training --config {input.config:q}"
        " --folds {input.folds:q} --out-of-fold {input.out_of_fold:q}"
        " --thresholds {input.thresholds:q} --density {input.density:q}"
        " --features @{params.features:q} --output {output:q} 2>&1 | tee {log:q} >&2"
