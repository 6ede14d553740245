"""Data in: settings files, synthetic specimens, import through copick, folds."""


rule settings:
    output:
        "results/{name}/settings/{section}.yaml",
    log:
        "results/{name}/logs/settings/{section}.txt",
    conda:
        "../environment.yaml"
    params:
        content=lambda wildcards: section_text(SECTIONS[wildcards.section]),
    shell:
        "printf '%s\\n' {params.content:q} > {output:q} 2> {log:q}"


if IS_SYNTHETIC:

    # The data set may serve several names, so what it is made from stands beside it.
    rule synthetic_settings:
        output:
            f"{CONFIG.synthetic_folder}-settings/{{section}}.yaml",
        log:
            f"results/{CONFIG.name}/logs/synthetic/settings-{{section}}.txt",
        localrule: True
        conda:
            "../environment.yaml"
        params:
            content=lambda wildcards: section_text(
                SYNTHETIC_SECTIONS[wildcards.section]
            ),
        shell:
            "printf '%s\\n' {params.content:q} > {output:q} 2> {log:q}"

    rule synthetic_training_run:
        input:
            config=f"{CONFIG.synthetic_folder}-settings/specimens.yaml",
        output:
            tomograms=expand(
                SYNTHETIC_TOMOGRAM,
                dataset=CONFIG.synthetic_folder,
                split="train",
                tomo_type=["denoised", "wbp", "ctfdeconvolved", "isonetcorrected"],
                allow_missing=True,
            ),
            picks=expand(
                SYNTHETIC_PICKS,
                dataset=CONFIG.synthetic_folder,
                particle_type=CZII_TYPES,
                allow_missing=True,
            ),
        log:
            f"results/{CONFIG.name}/logs/synthetic/{{run}}.txt",
        benchmark:
            f"results/{CONFIG.name}/benchmarks/synthetic/{{run}}.tsv"
        conda:
            "../environment.yaml"
        threads: slots(1)
        resources:
            mem_mb=synthetic_memory_mb(),
            real_threads=1,
        params:
            dataset=CONFIG.synthetic_folder,
        shell:
            "python -m picking.synthetic.make_run --config {input.config:q} --run {wildcards.run:q}"
            " --split train --dataset {params.dataset:q} --threads {resources.real_threads}"
            " 2>&1 | tee {log:q} >&2"

    rule synthetic_test_run:
        input:
            config=f"{CONFIG.synthetic_folder}-settings/specimens.yaml",
        output:
            tomogram=expand(
                SYNTHETIC_TOMOGRAM,
                dataset=CONFIG.synthetic_folder,
                split="test",
                tomo_type="denoised",
                allow_missing=True,
            ),
            # Kept: a run that does not need it yet must not have to be made again for it.
            truth=f"{CONFIG.synthetic_folder}-truth/{{run}}.csv",
        log:
            f"results/{CONFIG.name}/logs/synthetic/{{run}}.txt",
        benchmark:
            f"results/{CONFIG.name}/benchmarks/synthetic/{{run}}.tsv"
        conda:
            "../environment.yaml"
        threads: slots(1)
        resources:
            mem_mb=synthetic_memory_mb(),
            real_threads=1,
        params:
            dataset=CONFIG.synthetic_folder,
        shell:
            "python -m picking.synthetic.make_run --config {input.config:q} --run {wildcards.run:q}"
            " --split test --dataset {params.dataset:q} --truth {output.truth:q}"
            " --threads {resources.real_threads} 2>&1 | tee {log:q} >&2"

    rule synthetic_truth:
        input:
            config=expand(
                "{dataset}-settings/{section}.yaml",
                dataset=CONFIG.synthetic_folder,
                section=["specimens", "runs"],
            ),
            truths=expand(
                "{dataset}-truth/{run}.csv",
                dataset=CONFIG.synthetic_folder,
                run=RUNS.test,
            ),
        output:
            truth=SYNTHETIC_TRUTH,
            sample=f"{CONFIG.synthetic_folder}/sample_submission.csv",
        log:
            f"results/{CONFIG.name}/logs/synthetic/truth.txt",
        conda:
            "../environment.yaml"
        params:
            dataset=CONFIG.synthetic_folder,
        shell:
            "python -m picking.synthetic.finish_dataset --config {input.config:q}"
            " --dataset {params.dataset:q} --run-truths {input.truths:q} --truth {output.truth:q}"
            " 2>&1 | tee {log:q} >&2"


rule import_training_runs:
    input:
        files=lambda wildcards: source_files("train"),
        config=settings_files("data"),
    output:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
    log:
        "results/{name}/logs/import_training_runs.txt",
    conda:
        "../environment.yaml"
    params:
        source=SOURCE_ARGUMENTS,
        runs=RUNS.train,
        elsewhere=source_elsewhere("train"),
    shell:
        "python -m picking.data_in.import_dataset --config {input.config:q} {params.source}"
        " --split train --runs {params.runs:q} --output {output.copick:q}"
        " --truth {output.truth:q} 2>&1 | tee {log:q} >&2"


rule import_test_runs:
    input:
        files=lambda wildcards: source_files("test"),
        config=settings_files("data"),
    output:
        copick="results/{name}/copick/test.json",
    log:
        "results/{name}/logs/import_test_runs.txt",
    conda:
        "../environment.yaml"
    params:
        source=SOURCE_ARGUMENTS,
        runs=RUNS.test,
        elsewhere=source_elsewhere("test"),
    shell:
        "python -m picking.data_in.import_dataset --config {input.config:q} {params.source}"
        " --split test --runs {params.runs:q} --output {output.copick:q}"
        " 2>&1 | tee {log:q} >&2"


rule make_folds:
    input:
        truth="results/{name}/truth.csv",
        config=settings_files("data", "folds"),
    output:
        "results/{name}/folds.json",
    log:
        "results/{name}/logs/make_folds.txt",
    conda:
        "../environment.yaml"
    params:
        runs=RUNS.train,
    shell:
        "python -m picking.scoring.make_folds --config {input.config:q} --truth {input.truth:q}"
        " --runs {params.runs:q} --output {output:q} 2>&1 | tee {log:q} >&2"
