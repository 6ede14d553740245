"""Reads the configuration: what every rule file needs before its first rule."""

import atexit
import json
import math
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from picking.config import CZII_PARTICLES, validated_config
from picking.errors import InputError
from picking.data_in.import_inputs import imported_files
from picking.data_in.inventory import list_runs, resolve

# A prefix takes the place of Snakemake's own, which makes a pipe fail with its first command.
JOB_PREFIX = "set -euo pipefail; "
# Snakemake sets these to a job's share of --cores, so that a result could depend on it; a job that
# wants several threads is told so by its own argument.
JOB_PREFIX += "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1; "
if "CONDA" in str(workflow.deployment_settings.deployment_method):
    # The environment holds what the project depends on, not the project.
    JOB_PREFIX += f"export PYTHONPATH={shlex.quote(workflow.basedir)}; "
else:
    # A job's `python` is the interpreter that runs Snakemake, whatever PATH says.
    JOB_PREFIX += f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
shell.prefix(JOB_PREFIX)

# copick gives the root logger a handler, which would print all that Snakemake says once more.
logger.propagate = False

# What is younger was made by this call of Snakemake, seconds since 1970.
WORKFLOW_START = time.time()

# Absolute: at the very end Snakemake has left the folder that --directory named.
RESULTS = Path("results").absolute()

# What the configuration was read from, as messages name it.
CONFIGURATION_SOURCES = ", ".join(
    [
        *map(str, workflow.config_settings.configfiles),
        *(["--config"] if workflow.config_settings.config else []),
    ]
    or [f"{workflow.basedir}/config/config.yaml"]
)

try:
    for key, value in workflow.config_settings.config.items():
        if value is None:
            raise InputError(
                f"--config {key}=", "is empty", "give a value or leave the key out"
            )
    CONFIG = resolve(validated_config(config, where=CONFIGURATION_SOURCES))
    IS_SYNTHETIC = CONFIG.dataset is None and CONFIG.copick is None
    RUNS = list_runs(CONFIG)
    if len(RUNS.train) < 2:
        raise InputError(
            "training runs",
            f"there is only {', '.join(RUNS.train)}",
            "give at least two: a run is judged by models of the others",
        )
    IMPORTED = (
        {}
        if IS_SYNTHETIC
        else {
            split: imported_files(CONFIG, split, getattr(RUNS, split))
            for split in ("train", "test")
        }
    )
except InputError as error:
    sys.exit(f"error: {error}")

ALL_RUNS = sorted({*RUNS.train, *RUNS.test})
# As the report tells it.
DATA_SOURCE = (
    "synthetic specimens"
    if IS_SYNTHETIC
    else (
        f"Kaggle's layout in {CONFIG.dataset}"
        if CONFIG.copick is None
        else f"copick project {CONFIG.copick}"
    )
)
PARTICLE_TYPES = [particle.name for particle in CONFIG.known_particles]
FOLDS = list(range(min(CONFIG.folds.number, len(RUNS.train))))
MEMBERS = [
    f"{encoder}-seed{seed}"
    for encoder in CONFIG.stage1_proposals.ensemble.encoders
    for seed in CONFIG.stage1_proposals.ensemble.seeds
]

# What each settings file holds. A rule reads the files that it depends on and no other, so that a
# changed key re-runs what follows from it and nothing else.
SECTIONS = {
    "data": {"name", "seed", "tomo_type", "voxel_spacing", "particles", "truth"},
    "folds": {"folds"},
    "scoring": {"scoring"},
    # A member's encoder and seed are arguments, and checkpoints change nothing that is trained.
    "stage1_training": {
        "stage1_proposals": {
            "network": True,
            "targets": True,
            "training": set(type(CONFIG.stage1_proposals.training).model_fields)
            - {"checkpoint_every"},
        }
    },
    "stage1_precision": {"stage1_proposals": {"precision"}},
    "stage1_checkpoints": {"stage1_proposals": {"training": {"checkpoint_every"}}},
    "stage1_prediction": {
        "stage1_proposals": {
            "prediction": set(type(CONFIG.stage1_proposals.prediction).model_fields)
            - {"runs_per_job"},
            "peaks": True,
        }
    },
    "features": {"features"},
    "stage2_classifier": {"stage2_rerank": {"classifier"}},
    "stage2_decision": {"stage2_rerank": {"threshold_rule", "suppression_fraction"}},
}
# The number of runs stands apart: a run's content does not depend on it.
RUN_NUMBERS = {"train_runs", "test_runs"}
SYNTHETIC_SECTIONS = {
    "specimens": {
        "seed": True,
        "synthetic": set(type(CONFIG.synthetic).model_fields) - RUN_NUMBERS,
    },
    "runs": {"seed": True, "synthetic": RUN_NUMBERS},
}

# How `python -m` starts a training: through torchrun, if several processes share it.
TRAINING = CONFIG.stage1_proposals.training
START_TRAINING = (
    f"torch.distributed.run --standalone --nproc-per-node {TRAINING.processes} -m "
    if TRAINING.processes > 1
    else ""
)

# Cores that this process may use; where the system does not tell (macOS), all there are.
MACHINE_CORES = (
    len(os.sched_getaffinity(0))
    if hasattr(os, "sched_getaffinity")
    else os.cpu_count() or 1
)
GIBIBYTE_MB = 1024

# A command's last word; it may stand right after a progress bar, which ends with "]".
ERROR_LINE = re.compile(r"(?:^|\])(error: .*)$")

# Memory of one synthetic run, measured at 64x256x256 (0.4 GB) and 184x630x630 (3.1 GB) voxels;
# a quarter more than that is asked for.
SYNTHETIC_MB = 300
SYNTHETIC_MB_PER_MILLION_VOXELS = 50


def settings_files(*sections):
    """Settings files that a rule passes to its command's --config."""
    return expand(
        "results/{{name}}/settings/{section}.yaml",
        section=sections,
    )


def section_text(keys):
    """Part of the configuration as a line of JSON, which is YAML too."""
    return json.dumps(CONFIG.model_dump(mode="json", include=keys), sort_keys=True)


def one_of(names):
    """Wildcard constraint: one of the names (matches nothing if there are none)."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"


def wanted_cores():
    """Cores of the command line; None for --unlock and the like, which run no job."""
    return workflow.resource_settings.cores


def real_cores():
    """Cores that jobs may use: those of the machine, or fewer if --cores says so."""
    return min(MACHINE_CORES, wanted_cores() or MACHINE_CORES)


def slots(real_threads):
    """Share of --cores for a job of so many real threads.

    ``--cores 8`` on a machine of two cores shall not start eight jobs at once.
    """
    cores = wanted_cores()
    if not cores:
        return real_threads
    return min(cores, math.ceil(real_threads * cores / real_cores()))


def synthetic_memory_mb():
    """Memory of the making of one synthetic run, MB."""
    millions = math.prod(CONFIG.synthetic.shape_zyx) / 1e6
    return math.ceil(SYNTHETIC_MB + SYNTHETIC_MB_PER_MILLION_VOXELS * millions)


def print_summary():
    """Say where the answer is and, for the synthetic specimens, how good it is."""
    # Without a target Snakemake makes the default, the submission.
    asked_for = set(workflow.dag_settings.targets) or {"submission"}
    results = Path("results") / CONFIG.name
    submission = results / "submission.csv"
    files = {
        "submission": submission,
        "picks (copick overlay)": results / "picks" / "copick.json",
        "cross-validation report": results / "cv_report.html",
    }
    for meaning, path in files.items():
        if path.exists() and (
            "submission" in asked_for or path.stat().st_mtime >= WORKFLOW_START
        ):
            print(f"{meaning}: {path}")
    if IS_SYNTHETIC and RUNS.test and "submission" in asked_for:
        print_score(submission, results / "settings")


def print_score(submission, settings):
    """Score the submission against the truth of the synthetic test runs."""
    scored = subprocess.run(
        [sys.executable, "-m", "picking.metric", SYNTHETIC_TRUTH, submission]
        + ["--config", settings / "data.yaml", settings / "scoring.yaml"],
        capture_output=True,
        text=True,
    )
    if scored.returncode:
        print(scored.stderr)
        return
    result = json.loads(scored.stdout)
    per_type = ", ".join(
        f"{name} {score['fbeta']:.3f}" for name, score in result["per_type"].items()
    )
    print(f"score on the synthetic test runs: {result['score']:.4f} ({per_type})")


def explain_failure_at_the_end():
    """Have the reasons of a failure printed when Snakemake has said all that it says itself."""
    atexit.register(explain_failure)


def explain_failure():
    """Print what the logs of this call's failed jobs say that a person has to mend."""
    logs = RESULTS / CONFIG.name / "logs"
    reasons = []
    for log in sorted(logs.rglob("*.txt")):
        if log.stat().st_mtime < WORKFLOW_START:
            continue
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [found.group(1) for line in lines if (found := ERROR_LINE.search(line))]
        if not told and any(
            line.startswith("Traceback (most recent") for line in lines
        ):
            last = [line for line in lines if line.strip()][-1]
            told = [f"error: {last} (a bug or the machine; all of it: {log})"]
        reasons += [line for line in told if line not in reasons]
    if not reasons:
        reasons = [f"error: a job failed without a word; the logs are in {logs}"]
    print("", *reasons, sep="\n", file=sys.stderr, flush=True)
