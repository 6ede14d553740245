"""Stage 2: the submission, the picks for other software, the page of the picks, reports side by side."""


rule submit:
    input:
        copick="results/{name}/copick/test.json",
        proposals=PLAN.proposals(PLAN.runs.test),
        features=PLAN.features(PLAN.runs.test),
        models=PLAN.stage2_files(PLAN.bag_endings),
        calibrations=PLAN.stage2_files([".json"]),
        thresholds="results/{name}/thresholds.json",
        config=PLAN.settings_files(
            "data", "appearance", "scoring", "stage2_decision", "picks_author"
        ),
    output:
        submission="results/{name}/submission.csv",
        table="results/{name}/picks.csv",
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
        mem_mb=by_attempt(PLAN.memory.of_tables([])),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.test)),
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
        " --project {input.copick:q} --submission {output.submission:q} --table {output.table:q}"
        " --scored {output.scored:q} --picks {params.picks:q}"
        " --picks-config {output.picks_config:q} --failed {output.failed:q} --threads {threads}"
        " 2>&1 | tee {log:q} >&2"


rule write_star:
    input:
        picks="results/{name}/picks.csv",
        copick="results/{name}/copick/test.json",
        config=PLAN.settings_files("data", "picks_files"),
    output:
        # A person may work on the files in the folder, where Snakemake would remove its outputs.
        record="results/{name}/picks_star.json",
    log:
        "results/{name}/logs/write_star.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables([])),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.test)),
    params:
        folder=lambda wildcards, output: Path(output.record).with_suffix(""),
    shell:
        "python -m picking.data_out.write_star --config {input.config:q} --picks {input.picks:q}"
        " --copick {input.copick:q} --output {params.folder:q} --record {output.record:q}"
        " 2>&1 | tee {log:q} >&2"


rule write_dynamo:
    input:
        picks="results/{name}/picks.csv",
        copick="results/{name}/copick/test.json",
        config=PLAN.settings_files("data", "picks_files"),
    output:
        record="results/{name}/picks_dynamo.json",
    log:
        "results/{name}/logs/write_dynamo.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables([])),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.test)),
    params:
        folder=lambda wildcards, output: Path(output.record).with_suffix(""),
    shell:
        "python -m picking.data_out.write_dynamo --config {input.config:q} --picks {input.picks:q}"
        " --copick {input.copick:q} --output {params.folder:q} --record {output.record:q}"
        " 2>&1 | tee {log:q} >&2"


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
        mem_mb=by_attempt(
            PLAN.memory.of_tables([]) + PLAN.memory.of_pictures(PLAN.runs.test)
        ),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.test)),
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
        reports=finished_reports(RESULTS),
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
