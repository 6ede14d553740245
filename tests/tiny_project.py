"""A copick project that is as small as the whole road allows, and settings to take it quickly."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from tests.conftest import VOXEL_SIZE_ANGSTROM, picks_content, write_ome_zarr

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


def write_tiny_project(folder: Path, runs: Sequence[str] = TINY_RUNS) -> Path:
    """Write a project of dark blobs of a foreign type: runs with picks, and a last one without."""
    voxels_zyx = np.stack(np.indices(BLOBS_SHAPE_ZYX), axis=-1)
    grid_zyx = [[z, y, x] for z in (10, 22) for y in (10, 24, 38) for x in (10, 24, 38)]
    for seed, run in enumerate(runs):
        generator = np.random.default_rng(seed)
        centres_zyx = generator.permutation(grid_zyx)[:10] + generator.uniform(-1.5, 1.5, (10, 3))
        values_zyx = generator.normal(0, 1, BLOBS_SHAPE_ZYX)
        for centre_zyx in centres_zyx:
            values_zyx -= 3 * np.exp(-((voxels_zyx - centre_zyx) ** 2).sum(-1) / (2 * 2.5**2))
        run_folder = folder / "static" / "ExperimentRuns" / run
        tomogram = run_folder / "VoxelSpacing10.000" / "denoised.zarr"
        write_ome_zarr(tomogram, values_zyx.astype(np.float32))
        if run != runs[-1]:
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
