"""Profiles for Slurm, through a real Slurm of one node that the tests start and stop."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.slurm_cluster import CannotStartError, SlurmCluster, running_slurm
from tests.workflow_runs import REPOSITORY, snakemake

pytest.importorskip("snakemake_executor_plugin_slurm", reason="the extra slurm is not installed")

PROFILES = REPOSITORY / "profiles"
# Set to run the test that takes minutes.
COMPARE = "TOMOSIEVE_COMPARE_SLURM"
# This Slurm keeps no accounts, so squeue tells how jobs end; and nobody else waits for it.
OPTIONS = (
    "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2",
    "--seconds-between-status-checks", "2",
)  # fmt: skip

USES_CARDS = {"choose_precision", "train_member", "pretrain_network", "propose"}

TINY = """\
localrules: all

rule all:
    input: expand("features{batch}.txt", batch=range(5)), "submission.txt"

rule propose:
    output: "candidates{batch}.txt"
    resources: mem_mb=300, runtime=3, gpu=1
    shell: "echo {wildcards.batch} > {output}"

rule extract_features:
    input: "candidates{batch}.txt"
    output: "features{batch}.txt"
    resources: mem_mb=200, runtime=2
    shell: "cp {input} {output}"

rule submit:
    output: "submission.txt"
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt, runtime=1
    shell: "test {resources.mem_mb} -eq 200 && touch {output}"
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    try:
        with running_slurm(tmp_path_factory.mktemp("slurm") / "cluster") as running:
            yield running
    except CannotStartError as error:
        pytest.skip(f"no Slurm here: {error}")


def through(
    cluster: SlurmCluster, profile: str, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", str(PROFILES / profile), *OPTIONS,
         *arguments],
        cwd=folder, env=dict(cluster.environment), capture_output=True, text=True, timeout=3600,
        check=False,
    )  # fmt: skip


def table(jobs: list[dict[str, str]]) -> list[str]:
    """One line for each job: what it was, how it ended, what it asked for and how long it took."""
    keys = ("JobId", "Comment", "JobState", "TRES", "TresPerJob", "TimeLimit", "RunTime")
    return ["  ".join(job.get(key, "-") for key in keys) for job in jobs]


def test_batches_share_a_job_and_a_second_try_gets_more(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    (tmp_path / "Snakefile").write_text(TINY)
    before = len(cluster.jobs())
    done = through(cluster, "slurm", tmp_path)
    jobs = cluster.jobs()[before:]
    assert done.returncode == 0, done.stdout + done.stderr
    batches = [job for job in jobs if "batches" in job["Comment"]]
    # Five batches: four steps of each kind and one of each kind, in two jobs.
    assert sorted(job["TimeLimit"] for job in batches) == ["00:05:00", "00:20:00"]
    assert {job["TRES"].split(",node")[0] for job in batches} == {"cpu=1,mem=300M"}
    assert {job.get("TresPerJob") for job in batches} == {"gres:gpu:1"}
    (first, second) = (job for job in jobs if job not in batches)
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    assert "mem=200M" in second["TRES"]
    assert (tmp_path / "features4.txt").read_text() == "4\n"


def test_without_cards_all_else_is_the_same() -> None:
    with_cards, without = (
        yaml.safe_load((PROFILES / name / "config.yaml").read_text())
        for name in ("slurm", "slurm_cpu")
    )
    for rule, resources in without["set-resources"].items():
        assert resources.pop("gpu", None) == (0 if rule in USES_CARDS else None)
    without["set-resources"] = {rule: one for rule, one in without["set-resources"].items() if one}
    assert without == with_cards


def test_a_profile_names_rules_that_there_are(workflow: Path) -> None:
    listed = set(snakemake(workflow, "--list-rules").stdout.split())
    content = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    assert {*content["groups"], *content["set-resources"]} | USES_CARDS <= listed
    # Whatever shares a job runs in turn there.
    assert all(content["set-resources"][rule]["turn"] == 1 for rule in content["groups"])


def test_five_hundred_tomograms_are_dozens_of_jobs(workflow: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", str(PROFILES / "slurm"), "--dry-run",
         "proposals", "feature_tables", "--directory", str(tmp_path), "--config",
         "synthetic={train_runs: 4, test_runs: 500}"],
        cwd=workflow, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # 126 batches of four tomograms.
    assert len(re.findall(r"^ *rule propose:", said, re.MULTILINE)) == 126
    assert said.count("Group job batches") == 32


def test_one_machine_with_cards(workflow: Path) -> None:
    arguments = ("results/cards/settings/data.yaml", "--config", "name=cards")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/gpu", *arguments],
        cwd=workflow, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Provided resources: gpu=" in done.stdout + done.stderr


@pytest.mark.skipif(COMPARE not in os.environ, reason=f"takes many minutes: set {COMPARE}=1")
def test_the_reduced_default_is_the_same_as_on_one_machine(
    cluster: SlurmCluster, workflow: Path, tmp_path: Path
) -> None:
    # Measured twice on a busy machine, the precision may differ, and with it the result.
    precision = "stage1_proposals={precision: float32}"
    job = ("submission", "--configfile", "config/small.yaml", "--config", precision, "--directory")
    local = snakemake(workflow, *job, str(tmp_path / "local"))
    assert local.returncode == 0, local.stderr
    before = len(cluster.jobs())
    done = through(cluster, "slurm", workflow, *job, str(tmp_path / "slurm"))
    jobs = cluster.jobs()[before:]
    print(*table(jobs), sep="\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    for name in ("submission.csv", "picks.csv", "thresholds.json"):
        one, other = (tmp_path / way / "results" / "small" / name for way in ("local", "slurm"))
        assert one.read_bytes() == other.read_bytes(), name
    # Started again it finds all done, although the cluster's jobs have written it.
    again = through(cluster, "slurm", workflow, *job, str(tmp_path / "slurm"))
    assert "Nothing to be done" in again.stdout + again.stderr
