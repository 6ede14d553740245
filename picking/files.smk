"""Where the files between the stages stand, and which of them a rule takes."""

SYNTHETIC_TRUTH = f"{CONFIG.synthetic_folder}-truth.csv"
DATASET = CONFIG.dataset if CONFIG.dataset is not None else CONFIG.synthetic_folder
CZII_TYPES = [particle.name for particle in CZII_PARTICLES]
SYNTHETIC_TOMOGRAM = "{dataset}/{split}/static/ExperimentRuns/{run}/VoxelSpacing10.000/{tomo_type}.zarr/.zattrs"
SYNTHETIC_PICKS = (
    "{dataset}/train/overlay/ExperimentRuns/{run}/Picks/{particle_type}.json"
)


SOURCE_ARGUMENTS = shlex.join(
    ["--copick", str(CONFIG.copick)]
    if CONFIG.copick is not None
    else ["--dataset", str(DATASET)]
)

PRECISION = "results/{name}/stage1/precision.json"
MEMBER_WEIGHTS = "results/{name}/stage1/{member}/fold{fold}/weights.safetensors"
CALIBRATIONS = expand(
    "results/{name}/stage2/{particle_type}.json",
    particle_type=PARTICLE_TYPES,
    allow_missing=True,
)

# LightGBM's own text, one file for each of the averaged models.
CLASSIFIER_FILE = "results/{name}/stage2/{particle_type}{bag}.txt"
BAGS = [
    f".bag{bag}" if bag else "" for bag in range(CONFIG.stage2_rerank.classifier.bags)
]


# Test runs that the report sets beside the training runs; with none it needs no test run picked.
COMPARED_RUNS = RUNS.test if CONFIG.stage2_rerank.compare_test_runs else ()


def source_files(split):
    """Files whose change means that a split has to be imported again."""
    if not IS_SYNTHETIC:
        return IMPORTED[split].paths
    runs = getattr(RUNS, split)
    tomograms = expand(
        SYNTHETIC_TOMOGRAM,
        dataset=CONFIG.synthetic_folder,
        split=split,
        run=runs,
        tomo_type=CONFIG.tomo_type,
    )
    picks = expand(
        SYNTHETIC_PICKS,
        dataset=CONFIG.synthetic_folder,
        run=runs,
        particle_type=CZII_TYPES,
    )
    return tomograms + picks if split == "train" else tomograms


def source_elsewhere(split):
    """Digest of the names of picks that are no files of this machine."""
    return "" if IS_SYNTHETIC else IMPORTED[split].elsewhere


def copick_of(wildcards):
    """copick project that holds a run: the training one for runs that are in both."""
    split = "train" if wildcards.run in RUNS.train else "test"
    return f"results/{wildcards.name}/copick/{split}.json"


def tables_of(kind, runs):
    """One table per run, of the kind "candidates" or "features"."""
    return expand(
        "results/{name}/{kind}/{run}.parquet", kind=kind, run=runs, allow_missing=True
    )
