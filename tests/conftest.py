"""Fixtures for all rooms: tiny data sets in the layout of Kaggle, without synthetic specimens."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import zarr
from numpy.typing import ArrayLike, NDArray

from tests.workflow_runs import clone

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
VOXEL_SIZE_ANGSTROM = 10.012444
VOXEL_SPACING_FOLDER = "VoxelSpacing10.000"
TINY_SHAPE_ZYX = (8, 12, 16)


class KaggleRunWriter(Protocol):
    def __call__(
        self,
        root: Path,
        split: str,
        run: str,
        values_zyx: NDArray[Any],
        picks: Mapping[str, ArrayLike] | None = None,
        tomo_type: str = "denoised",
    ) -> Path: ...


def write_ome_zarr(path: Path, values_zyx: NDArray[Any]) -> None:
    """Two levels, keys with "/", and the metadata of the genuine files."""
    group = zarr.open_group(str(path), mode="w")
    levels = []
    for level, step in enumerate((1, 2)):
        group.create_dataset(
            str(level),
            data=values_zyx[(slice(None, None, step),) * values_zyx.ndim],
            chunks=True,
            dimension_separator="/",
        )
        scale = [VOXEL_SIZE_ANGSTROM * step] * values_zyx.ndim
        levels.append(
            {
                "path": str(level),
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }
        )
    axes = [{"name": name, "type": "space", "unit": "angstrom"} for name in "zyx"]
    group.attrs["multiscales"] = [
        {"axes": axes[-values_zyx.ndim :], "datasets": levels, "name": "/", "version": "0.4"}
    ]


def picks_content(
    run: str, particle_type: str, positions_xyz_angstrom: ArrayLike
) -> dict[str, Any]:
    """A picks file with the genuine keys."""
    return {
        "pickable_object_name": particle_type,
        "user_id": "curation",
        "session_id": "0",
        "run_name": run,
        "voxel_spacing": None,
        "unit": "angstrom",
        "points": [
            {
                "location": {"x": float(x), "y": float(y), "z": float(z)},
                "transformation_": np.eye(4).tolist(),
                "instance_id": 0,
            }
            for x, y, z in np.asarray(positions_xyz_angstrom).reshape(-1, 3)
        ],
        "trust_orientation": True,
    }


def _write_kaggle_run(
    root: Path,
    split: str,
    run: str,
    values_zyx: NDArray[Any],
    picks: Mapping[str, ArrayLike] | None = None,
    tomo_type: str = "denoised",
) -> Path:
    folder = root / split / "static" / "ExperimentRuns" / run / VOXEL_SPACING_FOLDER
    path = folder / f"{tomo_type}.zarr"
    write_ome_zarr(path, values_zyx)
    if picks is not None:
        picks_folder = root / split / "overlay" / "ExperimentRuns" / run / "Picks"
        picks_folder.mkdir(parents=True)
        for particle_type, positions_xyz_angstrom in picks.items():
            content = picks_content(run, particle_type, positions_xyz_angstrom)
            (picks_folder / f"{particle_type}.json").write_text(json.dumps(content))
    return path


def tiny_values(seed: int, shape_zyx: tuple[int, ...] = TINY_SHAPE_ZYX) -> NDArray[np.float32]:
    """Noise as small as that of the genuine tomograms."""
    return np.random.default_rng(seed).normal(0, 7e-6, shape_zyx).astype(np.float32)


@pytest.fixture(scope="session")
def write_kaggle_run() -> KaggleRunWriter:
    """Writer of one run in Kaggle's layout; with ``picks`` (n, 3) xyz Å by particle type."""
    return _write_kaggle_run


@pytest.fixture
def kaggle_dataset(tmp_path: Path) -> Path:
    """Three training runs with picks; two test runs, one of which repeats a training run."""
    root = tmp_path / "kaggle"
    for seed, run in enumerate(("TS_1_1", "TS_2_2", "TS_3_3")):
        picks = {
            "apo-ferritin": [[10.5 + seed, 20.25, 30.125], [100, 60, 40]],
            "ribosome": [[50, 51, 52 + seed]],
        }
        _write_kaggle_run(root, "train", run, tiny_values(seed), picks)
    for seed, run in ((0, "TS_1_1"), (9, "TS_9_9")):
        _write_kaggle_run(root, "test", run, tiny_values(seed))
    return root


@pytest.fixture
def shared() -> Path:
    """The folder beside the repository; tests that need what is in it skip where it is missing."""
    return SHARED


@pytest.fixture(scope="session")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone to run the workflow in."""
    return clone(tmp_path_factory.mktemp("clone") / "tomosieve")
