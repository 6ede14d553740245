"""Data in, of the runs that are learnt from: import, folds."""


rule import_training_runs:
    input:
        files=PLAN.source_files("train"),
        config=PLAN.import_settings,
        # Needed, but a colour alone is no reason to import, and to train, again.
        appearance=ancient(PLAN.settings_files("appearance")),
    output:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
        density="results/{name}/picks_density.json",
        check=["results/{name}/import_check.json"] if PLAN.import_check else [],
    log:
        "results/{name}/logs/import_training_runs.txt",
    resources:
        # Tomograms of one level are read whole.
        mem_mb=by_attempt(
            max(
                PLAN.memory.of_tables(PLAN.runs.train),
                PLAN.memory.of_pictures(PLAN.runs.train),
            )
        ),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
    params:
        source=PLAN.source_arguments,
        runs=PLAN.runs.train,
        listed=PLAN.list_file("train", "runs"),
        digest=PLAN.source_digest("train"),
        tomograms=PLAN.training_data,
        check=PLAN.check_argument,
    shell:
        "python -m picking.data_in.import_dataset --config {input.config:q} {input.appearance:q}"
        " {params.source}"
        " --split train --runs @{params.listed:q} --output {output.copick:q}"
        " --truth {output.truth:q} --density {output.density:q} {params.check} 2>&1 | tee {log:q} >&2"


rule draw_import_check:
    input:
        copick="results/{name}/copick/train.json",
        truth="results/{name}/truth.csv",
        config=PLAN.settings_files("data"),
        appearance=ancient(PLAN.settings_files("appearance")),
    output:
        "results/{name}/import_check.png",
    log:
        "results/{name}/logs/draw_import_check.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_pictures(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
    shell:
        "python -m picking.preview.import_check --config {input.config:q} {input.appearance:q}"
        " --copick {input.copick:q} --truth {input.truth:q} --output {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule make_folds:
    input:
        truth="results/{name}/truth.csv",
        # To be looked at before anything is trained.
        drawn=ancient(PLAN.files("import_check.png") if PLAN.import_check else []),
        config=PLAN.settings_files("data", "folds"),
    output:
        "results/{name}/folds.json",
    log:
        "results/{name}/logs/make_folds.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_tables(PLAN.runs.train)),
        runtime=minutes_by_attempt(PLAN.time.of_tables(PLAN.runs.train)),
    params:
        runs=PLAN.runs.train,
        listed=PLAN.list_file("train", "runs"),
    shell:
        "python -m picking.scoring.make_folds --config {input.config:q} --truth {input.truth:q}"
        " --runs @{params.listed:q} --output {output:q} 2>&1 | tee {log:q} >&2"


rule make_structures:
    input:
        files=PLAN.structure_files,
        config=PLAN.settings_files("structures"),
    output:
        "results/{name}/structures.npz",
    log:
        "results/{name}/logs/make_structures.txt",
    resources:
        mem_mb=by_attempt(PLAN.memory.of_structures()),
        runtime=minutes_by_attempt(PLAN.time.of_tables([])),
    params:
        copick=PLAN.structures_project,
    shell:
        "python -m picking.structures.make_structures --config {input.config:q} {params.copick}"
        " --output {output:q} 2>&1 | tee {log:q} >&2"
