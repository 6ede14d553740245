"""The Snakefile as a person and Snakemake's own linter read it."""

import re
from pathlib import Path

import pytest
import yaml

from picking.config import CZII_PARTICLES
from picking.workflow.resources import machine_cores
from tests.picking.structures.test_read_structure import map_of_ends, write_mrc
from tests.workflow_runs import clone, jobs, snakemake

# The project is installed once, by its pinned constraints, for all jobs.
ONE_ENVIRONMENT = "Specify a conda environment or container for each rule."
LINT = re.compile(r"^    \* (.*):$", re.MULTILINE)
MEMORY = re.compile(r"mem_mb=(\d+)")


def test_the_linter_finds_nothing_but_that_rules_share_an_environment(workflow: Path) -> None:
    done = snakemake(workflow, "--lint")
    found = LINT.findall(done.stdout + done.stderr)
    assert set(found) <= {ONE_ENVIRONMENT}
    assert found or "good condition" in done.stdout + done.stderr


def test_every_stage_is_a_rule_that_can_be_named(workflow: Path) -> None:
    listed = snakemake(workflow, "--list-rules").stdout.split()
    assert listed.count("propose") == 1
    assert not [rule for rule in listed if rule.startswith("propose") and rule[-1].isdigit()]
    assert {"train_member", "extract_features", "train_reranker", "submit"} <= set(listed)


@pytest.fixture
def planned(workflow: Path) -> str:
    sizes = "synthetic={shape_zyx: [184, 630, 630], train_runs: 20}"
    done = snakemake(
        workflow, "submission", "--dry-run", "--config", "name=large", sizes,
        "synthetic_folder=data/large", "--set-resources", "propose:mem_mb=12345",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def memory_of(rule: str, planned: str) -> int:
    blocks = planned.split("\nrule ")
    block = next(block for block in blocks if block.startswith(f"{rule}:"))
    (memory,) = MEMORY.findall(block)
    return int(memory)


def test_memory_follows_the_size_of_the_data_and_can_be_set(planned: str) -> None:
    assert memory_of("train_member", planned) > 8000
    assert memory_of("propose", planned) == 12345
    for rule in ("submit", "report", "extract_features"):
        assert memory_of(rule, planned) > 400


def test_picks_of_a_type_without_a_structure_are_averaged(workflow: Path, tmp_path: Path) -> None:
    content = {"name": "odd", "features": {"families": ["templates"]}}
    particles = [item.model_dump(mode="json") for item in CZII_PARTICLES]

    def planned_with(*further: dict[str, object]) -> set[str]:
        path = tmp_path / "odd.yaml"
        path.write_text(yaml.safe_dump(content | {"particles": [*particles, *further]}))
        return jobs(snakemake(workflow, "feature_tables", "--configfile", str(path), "--dry-run"))

    assert "learn_averages" in planned_with({"name": "odd", "radius_angstrom": 80})
    assert "learn_averages" not in planned_with()


def test_pretraining_is_planned_specimen_by_specimen(workflow: Path) -> None:
    done = snakemake(
        workflow, "pretrain", "--dry-run", "--config", "name=start", "pretraining={specimens: 7}"
    )
    assert done.returncode == 0, done.stderr
    assert {"pretraining_specimen", "pretrain_network"} <= jobs(done)
    assert "train_member" not in jobs(done)
    assert len(re.findall(r"^rule pretraining_specimen:", done.stdout, re.MULTILINE)) == 7


def test_a_start_that_is_not_there_is_named_before_anything_runs(workflow: Path) -> None:
    done = snakemake(
        workflow, "submission", "--dry-run", "--config", "stage1_proposals={start: pretraind}"
    )
    assert done.returncode != 0
    assert "there is no file 'pretraind'; give pretrained, nothing" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_jobs_run_the_checkouts_code_whatever_is_installed(tmp_path: Path) -> None:
    """The tests' environment holds an editable install of this repository, not of the copy."""
    copy = clone(tmp_path / "copy")
    command = copy / "picking" / "synthetic" / "make_run.py"
    command.write_text("raise SystemExit('error: the copy')\n")
    done = snakemake(
        copy, "results/small/truth.csv", "--configfile", "config/small.yaml",
        "--directory", str(tmp_path / "elsewhere"),
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.rstrip().endswith("error: the copy")


def test_a_changed_structure_is_read_again(workflow: Path, tmp_path: Path) -> None:
    path = write_mrc(tmp_path / "own.mrc", map_of_ends(10), 10.0)
    particles = [item.model_dump(mode="json") for item in CZII_PARTICLES]
    particles[0] |= {"structure": str(path)}
    content = {"name": "structures", "particles": particles}
    (tmp_path / "structures.yaml").write_text(yaml.safe_dump(content))
    job = ("results/structures/structures.npz", "--configfile", str(tmp_path / "structures.yaml"))
    done = snakemake(workflow, *job)
    assert done.returncode == 0, done.stderr
    assert f"structure of apo-ferritin: {path}" in done.stderr
    assert "make_structures" not in jobs(snakemake(workflow, *job, "--dry-run"))
    write_mrc(path, map_of_ends(10) * 2, 10.0)
    assert "make_structures" in jobs(snakemake(workflow, *job, "--dry-run"))


def test_the_picks_for_other_software_are_targets_of_their_own(workflow: Path) -> None:
    targets = ("picks_csv", "picks_star", "picks_dynamo")
    done = snakemake(workflow, *targets, "--dry-run", "--config", "name=files")
    assert done.returncode == 0, done.stderr
    assert {*targets, "submit", "write_star", "write_dynamo"} <= jobs(done)
    # Nothing that judges: the picks are wanted, not the reports.
    assert not {"report", "picks_report"} & jobs(done)


@pytest.mark.parametrize("option", [("--rerun-triggers", "mtime"), ("--no-hooks",)])
def test_options_that_would_make_another_result_are_refused(
    workflow: Path, option: tuple[str, ...]
) -> None:
    done = snakemake(workflow, "results/x/settings/data.yaml", "--config", "name=x", *option)
    assert done.returncode != 0
    assert f"error: {option[0]}: " in done.stdout + done.stderr
    assert not (workflow / "results" / "x" / "settings").exists()


def test_no_more_jobs_at_once_than_cores(workflow: Path) -> None:
    done = snakemake(
        workflow, "results/cores/settings/data.yaml", "--config", "name=cores", "--cores", "999"
    )
    assert re.search(rf"Provided cores: {machine_cores()}\b", done.stdout + done.stderr)
