"""The models come from a bundle: all that a training would make, at the same places."""


rule take_bundle:
    output:
        PLAN.files(*PLAN.manifest.result_files),
    log:
        f"results/{PLAN.config.name}/logs/take_bundle.txt",
    localrule: True
    params:
        digest=PLAN.manifest.digest,
        # Where it lies is no matter: functions of the output are no parameters of the result.
        bundle=lambda wildcards, output: PLAN.config.bundle,
        results=lambda wildcards, output: PLAN.folder,
    shell:
        "python -m picking.bundle.take_bundle {params.bundle:q} --results {params.results:q}"
        " 2>&1 | tee {log:q} >&2"
