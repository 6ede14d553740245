"""The whole road on a copick project of another particle, with names as people give them."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from picking.files.tables import SUBMISSION
from tests.conftest import (
    VOXEL_SIZE_ANGSTROM,
    picks_content,
    write_ome_zarr,
)
from tests.workflow_runs import clone, jobs, snakemake

# A copick project of a foreign particle, and settings that only show that the road is open.
BLOBS_SHAPE_ZYX = (32, 48, 48)
# As people name things.
TINY_RUNS = ("A1", "pos 2's, again", "Ä3 (#2, 50%)")
TINY_TYPE = "portal(α)-v1'2"
TINY_SETTINGS = {
    "name": "tiny",
    "stage1_proposals": {
        # The same job elsewhere has to give the same bytes, whatever would be measured there.
        "precision": "float32",
        "network": {"depth": 2, "decoder_channels": [8]},
        "training": {"max_steps": 4, "batch_size": 1, "crop_zyx": [32, 32, 32]},
        "prediction": {"window_zyx": [32, 48, 48], "passes": 1},
        "peaks": {"candidates_per_pick": 4, "least_candidates": 10},
    },
    "stage2_rerank": {"classifier": {"max_trees": 10, "bags": 1, "min_child_samples": 2}},
}


@pytest.fixture(scope="module")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copick project of dark blobs of a foreign type: two picked runs, one without picks."""
    folder = tmp_path_factory.mktemp("project")
    voxels_zyx = np.stack(np.indices(BLOBS_SHAPE_ZYX), axis=-1)
    grid_zyx = [[z, y, x] for z in (10, 22) for y in (10, 24, 38) for x in (10, 24, 38)]
    for seed, run in enumerate(TINY_RUNS):
        generator = np.random.default_rng(seed)
        centres_zyx = generator.permutation(grid_zyx)[:10] + generator.uniform(-1.5, 1.5, (10, 3))
        values_zyx = generator.normal(0, 1, BLOBS_SHAPE_ZYX)
        for centre_zyx in centres_zyx:
            values_zyx -= 3 * np.exp(-((voxels_zyx - centre_zyx) ** 2).sum(-1) / (2 * 2.5**2))
        run_folder = folder / "static" / "ExperimentRuns" / run
        tomogram = run_folder / "VoxelSpacing10.000" / "denoised.zarr"
        write_ome_zarr(tomogram, values_zyx.astype(np.float32))
        if run != TINY_RUNS[-1]:
            (run_folder / "Picks").mkdir()
            positions = centres_zyx[:, ::-1] * VOXEL_SIZE_ANGSTROM
            content = picks_content(run, TINY_TYPE, positions)
            (run_folder / "Picks" / f"me_1_{TINY_TYPE}.json").write_text(json.dumps(content))
    particle = {"name": TINY_TYPE, "is_particle": True, "label": 1, "radius": 50}
    content = {
        "config_type": "filesystem",
        "pickable_objects": [particle],
        "static_root": f"local://{folder}/static",
        "overlay_root": f"local://{folder}/overlay",
    }
    (folder / "copick.json").write_text(json.dumps(content))
    (folder / "tiny.yaml").write_text(
        yaml.safe_dump({**TINY_SETTINGS, "copick": str(folder / "copick.json")})
    )
    return folder


def tiny_job(folder: Path, project: Path) -> subprocess.CompletedProcess[str]:
    return snakemake(folder, "submission", "--configfile", str(project / "tiny.yaml"))


@pytest.fixture(scope="module")
def tiny_finished(workflow: Path, tiny_project: Path) -> Path:
    done = tiny_job(workflow, tiny_project)
    assert done.returncode == 0, done.stderr[-5000:]
    return workflow


def test_a_copick_project_of_a_foreign_particle_gets_its_picks(tiny_finished: Path) -> None:
    results = tiny_finished / "results" / "tiny"
    submission = SUBMISSION.read(results / "submission.csv")
    assert set(submission["experiment"]) == {TINY_RUNS[-1]}
    assert set(submission["particle_type"]) == {TINY_TYPE}
    report = json.loads((results / "cv_report.json").read_text())
    assert set(report["two_stage"]["per_type"]) == {TINY_TYPE}


def test_the_same_job_elsewhere_gives_the_same_bytes(
    tiny_finished: Path, tiny_project: Path, tmp_path: Path
) -> None:
    other = clone(tmp_path / "clone")
    done = tiny_job(other, tiny_project)
    assert done.returncode == 0, done.stderr[-5000:]
    submission = Path("results") / "tiny" / "submission.csv"
    assert (other / submission).read_bytes() == (tiny_finished / submission).read_bytes()


def test_edited_picks_of_a_copick_project_are_imported_again(
    tiny_finished: Path, tiny_project: Path
) -> None:
    (picks,) = tiny_project.rglob(f"{TINY_RUNS[0]}/Picks/*.json")
    before = picks.read_text()
    content = json.loads(before)
    content["points"].pop()
    picks.write_text(json.dumps(content))
    settings = str(tiny_project / "tiny.yaml")
    planned = snakemake(tiny_finished, "submission", "--dry-run", "--configfile", settings)
    picks.write_text(before)
    assert "localrules directive" not in planned.stdout + planned.stderr
    assert {"import_training_runs", "train_member"} <= jobs(planned)
    assert "import_test_runs" not in jobs(planned)
