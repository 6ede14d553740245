"""Stage 2: one classifier per particle type, thresholds, the submission, the report."""


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
        mem_mb=PLAN.memory.of_tables(PLAN.runs.train),
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
        mem_mb=PLAN.memory.of_tables(PLAN.runs.train),
    shell:
        "python -m stage2_rerank.tune_thresholds --config {input.config:q}"
        " --folds {input.folds:q} --truth {input.truth:q}"
        " --types-out-of-fold {input.out_of_fold:q} --types-nested {input.nested:q}"
        " --out-of-fold {output.out_of_fold:q} --thresholds {output.thresholds:q}"
        " 2>&1 | tee {log:q} >&2"


rule submit:
    input:
        copick="results/{name}/copick/test.json",
        proposals=PLAN.proposals(PLAN.runs.test),
        features=PLAN.features(PLAN.runs.test),
        models=PLAN.stage2_files(PLAN.bag_endings),
        calibrations=PLAN.stage2_files([".json"]),
        thresholds="results/{name}/thresholds.json",
        config=PLAN.settings_files("data", "appearance", "scoring", "stage2_decision"),
    output:
        submission="results/{name}/submission.csv",
        scored="results/{name}/scored_test.parquet",
        picks_config="results/{name}/picks/copick.json",
        failed="results/{name}/failed_runs.csv",
    log:
        "results/{name}/logs/submit.txt",
    benchmark:
        "results/{name}/benchmarks/submit.tsv"
    threads: 1
    resources:
        # Runs are worked on one by one.
        mem_mb=PLAN.memory.of_tables([]),
    params:
        runs=PLAN.list_file("test", "runs"),
        proposals=PLAN.list_file("test", "proposal_records"),
        features=PLAN.list_file("test", "feature_records"),
        picks=subpath(output.picks_config, parent=True),
    shell:
        "python -m stage2_rerank.submit --config {input.config:q} --runs @{params.runs:q}"
        " --results results/{wildcards.name:q} --proposals @{params.proposals:q}"
        " --features @{params.features:q}"
        " --calibrations {input.calibrations:q} --thresholds {input.thresholds:q}"
        " --project {input.copick:q} --submission {output.submission:q}"
        " --scored {output.scored:q} --picks {params.picks:q}"
        " --picks-config {output.picks_config:q} --failed {output.failed:q} --threads {threads}"
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
        mem_mb=PLAN.memory.of_pictures(PLAN.runs.train),
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
        mem_mb=PLAN.memory.of_tables(PLAN.all_runs),
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
        config=PLAN.settings_files(*RESULT_SECTIONS),
    output:
        manifest="results/{name}/bundle/manifest.json",
        zip="results/{name}/bundle.zip",
    log:
        "results/{name}/logs/make_bundle.txt",
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
        mem_mb=PLAN.memory.of_tables(PLAN.runs.train),
    params:
        features=PLAN.list_file("train", "features"),
    shell:
        "python -m stage2_rerank.summarise_training --config {input.config:q}"
        " --folds {input.folds:q} --out-of-fold {input.out_of_fold:q}"
        " --thresholds {input.thresholds:q} --density {input.density:q}"
        " --features @{params.features:q} --output {output:q} 2>&1 | tee {log:q} >&2"


rule picks_report:
    input:
        scored="results/{name}/scored_test.parquet",
        failed="results/{name}/failed_runs.csv",
        thresholds="results/{name}/thresholds.json",
        proposals=PLAN.proposals(PLAN.runs.test),
        features=PLAN.features(PLAN.runs.test),
        training_summary="results/{name}/training_summary.json",
        cv_report="results/{name}/cv_report.json",
        copick="results/{name}/copick/test.json",
        config=PLAN.settings_files("data", "appearance", "scoring", "stage2_decision"),
    output:
        json="results/{name}/picks_report.json",
        html=report(
            "results/{name}/picks_report.html",
            category="Picks",
            caption="../docs/captions/picks_report.rst",
        ),
    log:
        "results/{name}/logs/picks_report.txt",
    benchmark:
        "results/{name}/benchmarks/picks_report.tsv"
    threads: 1
    resources:
        mem_mb=PLAN.memory.of_tables([]) + PLAN.memory.of_pictures(PLAN.runs.test),
    params:
        proposals=PLAN.list_file("test", "proposal_records"),
        features=PLAN.list_file("test", "features"),
    shell:
        "python -m stage2_rerank.picks_report --config {input.config:q}"
        " --scored {input.scored:q} --failed {input.failed:q}"
        " --thresholds {input.thresholds:q} --proposals @{params.proposals:q}"
        " --features @{params.features:q}"
        " --training-summary {input.training_summary:q} --cv-report {input.cv_report:q}"
        " --copick {input.copick:q}"
        " --json {output.json:q} --html {output.html:q} 2>&1 | tee {log:q} >&2"


rule compare:
    input:
        # Absolute, so that no rule makes them: what is there is compared, and nothing is made again.
        reports=PLAN.finished_reports(),
    output:
        markdown="results/comparison.md",
        html="results/comparison.html",
    log:
        f"results/{PLAN.config.name}/logs/compare.txt",
    params:
        folders=lambda wildcards, input: [
            Path("results", Path(report).parent.name) for report in input.reports
        ],
    shell:
        "python -m stage2_rerank.compare {params.folders:q} --markdown {output.markdown:q}"
        " --html {output.html:q} 2>&1 | tee {log:q} >&2"
