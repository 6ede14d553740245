"""Masks on the workflow's road: what is outside is no candidate, and a changed mask counts."""

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from picking.files.picks_density import PicksDensity
from picking.files.tables import CANDIDATES, FEATURES, TRUTH
from tests.mrc_data import (
    PICKED,
    PICKS,
    SHAPE_ZYX,
    UNPICKED,
    VOXEL_ANGSTROM,
    MrcData,
    write_mrc,
    write_mrc_data,
)
from tests.workflow_runs import jobs, snakemake

# The first voxel along x that is inside the masks; an edge between voxels is half a voxel before.
FIRST_X = 30
EDGE_X_ANGSTROM = (FIRST_X - 0.5) * VOXEL_ANGSTROM
SETTINGS: dict[str, Any] = {
    "name": "masked",
    "stage1_proposals": {
        "precision": "float32",
        "network": {"depth": 2, "decoder_channels": [8]},
        "training": {"max_steps": 4, "batch_size": 1, "crop_zyx": [16, 32, 32]},
        "prediction": {"window_zyx": [24, 48, 60], "passes": 1},
        "peaks": {"candidates_per_pick": 4, "least_candidates": 24},
    },
    "features": {"families": ["score_map", "mask"]},
}


def right_half(shape_zyx: tuple[int, int, int] = SHAPE_ZYX) -> NDArray[np.int8]:
    """A mask of the voxels from half of x on."""
    inside = np.zeros(shape_zyx, np.int8)
    inside[:, :, shape_zyx[2] // 2 :] = 1
    return inside


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MrcData:
    """Tomograms and masks in one folder; one mask is binned by 2, their headers know no size."""
    data = write_mrc_data(tmp_path_factory.mktemp("data"))
    for run in (PICKED[0], UNPICKED):
        write_mrc(data.folder / f"{run}_mask.mrc", right_half(), 1.0)
    depth, height, width = SHAPE_ZYX
    binned = right_half((depth // 2, height // 2, width // 2))
    write_mrc(data.folder / f"{PICKED[1]}_mask.mrc", binned, 1.0)
    settings = {**data.content, **SETTINGS, "masks": str(data.folder)}
    (data.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
    return data


def run(
    workflow: Path, data: MrcData, *options: str, settings_name: str = "mine.yaml"
) -> subprocess.CompletedProcess[str]:
    settings = data.folder / settings_name
    done = snakemake(workflow, "feature_tables", *options, "--configfile", str(settings))
    assert done.returncode == 0, done.stderr[-5000:]
    return done


@pytest.fixture(scope="module")
def finished(workflow: Path, data: MrcData) -> tuple[Path, str]:
    return workflow / "results" / "masked", run(workflow, data).stderr


def test_only_what_is_inside_counts(finished: tuple[Path, str], data: MrcData) -> None:
    results, told = finished
    truth = TRUTH.read(results / "truth.csv")
    inside = {one: data.positions[one][:, 0] >= EDGE_X_ANGSTROM for one in PICKED}
    assert 0 < sum(map(sum, inside.values())) < 2 * PICKS
    for one in PICKED:
        found = truth.loc[truth["run"] == one, ["x", "y", "z"]].to_numpy()
        np.testing.assert_allclose(found, data.positions[one][inside[one]], atol=1e-4)
        density = PicksDensity.read(results / "picks_density.json").runs[one]
        assert density.picks == {"ball": int(inside[one].sum())}
        half = np.prod(SHAPE_ZYX) * VOXEL_ANGSTROM**3 / 2
        assert density.volume_cubic_angstrom == pytest.approx(half)
    outside = 2 * PICKS - len(truth)
    assert f"{outside} of {2 * PICKS} picks lie outside the masks and do not count" in told
    for one in (*PICKED, UNPICKED):
        candidates = CANDIDATES.read(results / "candidates" / f"{one}.parquet")
        assert len(candidates) > 0
        assert (candidates["x"] >= EDGE_X_ANGSTROM).all()
        depth = FEATURES.read(results / "features" / f"{one}.parquet")["mask_depth"]
        assert (depth - (candidates["x"] - EDGE_X_ANGSTROM)).abs().max() < VOXEL_ANGSTROM
        assert depth.max() > VOXEL_ANGSTROM


def test_a_changed_mask_runs_again_what_it_has_to(
    workflow: Path, data: MrcData, finished: tuple[Path, str]
) -> None:
    again = run(workflow, data)
    assert "Nothing to be done" in again.stdout + again.stderr

    mask = data.folder / f"{UNPICKED}_mask.mrc"
    write_mrc(mask, 1 - right_half(), 1.0)
    changed = run(workflow, data)
    # No training run is looked at again.
    assert jobs(changed) == {"import_test_runs", "propose", "extract_features", "feature_tables"}
    candidates = CANDIDATES.read(finished[0] / "candidates" / f"{UNPICKED}.parquet")
    assert (candidates["x"] < EDGE_X_ANGSTROM).all()
    again = run(workflow, data)
    assert "Nothing to be done" in again.stdout + again.stderr

    mask = data.folder / f"{PICKED[0]}_mask.mrc"
    write_mrc(mask, 1 - right_half(), 1.0)
    planned = run(workflow, data, "--dry-run")
    write_mrc(mask, right_half(), 1.0)
    assert {"import_training_runs", "train_member", "propose"} <= jobs(planned)


def test_without_masks_all_is_done_again(
    workflow: Path, data: MrcData, finished: tuple[Path, str]
) -> None:
    # The masks beside the tomograms are no tomograms, with masks or without.
    changes = {"masks": None, "tomograms": str(data.folder / "TS_?.mrc")}
    settings = yaml.safe_load((data.folder / "mine.yaml").read_text()) | changes
    (data.folder / "without.yaml").write_text(yaml.safe_dump(settings))
    planned = run(workflow, data, "--dry-run", "-p", settings_name="without.yaml")
    assert {"import_training_runs", "import_test_runs", "train_member"} <= jobs(planned)
    proposed = re.findall(r"stage1_proposals.propose .*--runs (.*) --density", planned.stdout)
    assert sorted(" ".join(proposed).split()) == [*PICKED, UNPICKED]
