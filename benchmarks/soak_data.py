"""Data of the soak: small noisy tomograms with dark blobs, some damaged in the ways that happen."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

# Two types that a small network tells apart in seconds: radius in Å, names of the challenge.
RADII_ANGSTROM = {"apo-ferritin": 60.0, "ribosome": 100.0}
SHAPE_ZYX = (24, 64, 64)
CHUNKS_ZYX = (24, 32, 32)
VOXEL_ANGSTROM = 10.0
# Where blobs may stand, voxels: far enough from one another and from the faces.
PLACES_ZYX = [(z, y, x) for z in (7, 17) for y in (9, 24, 39, 54) for x in (9, 24, 39, 54)]
BLOBS_OF_A_TYPE = 7
MOST_SHIFT_VOXELS = 1.0
DEPTH_IN_SIGMAS = 3.0  # how dark a blob is, in standard deviations of the noise


def run_values(seed: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float64]]]:
    """Make a tomogram: its values zyx, and positions (n, 3) xyz Å by particle type."""
    generator = np.random.default_rng(seed)
    values_zyx = generator.normal(0, 1, SHAPE_ZYX)
    voxels_zyx = np.stack(np.indices(SHAPE_ZYX), axis=-1)
    places_zyx = generator.permutation(PLACES_ZYX)[: BLOBS_OF_A_TYPE * len(RADII_ANGSTROM)]
    places_zyx = places_zyx + generator.uniform(
        -MOST_SHIFT_VOXELS, MOST_SHIFT_VOXELS, places_zyx.shape
    )
    positions = {}
    for number, (name, radius) in enumerate(RADII_ANGSTROM.items()):
        sigma = radius / VOXEL_ANGSTROM / 2.5
        centres_zyx = places_zyx[number * BLOBS_OF_A_TYPE : (number + 1) * BLOBS_OF_A_TYPE]
        for centre_zyx in centres_zyx:
            square = ((voxels_zyx - centre_zyx) ** 2).sum(axis=-1)
            values_zyx -= DEPTH_IN_SIGMAS * np.exp(-square / (2 * sigma**2))
        positions[name] = centres_zyx[:, ::-1] * VOXEL_ANGSTROM
    return values_zyx.astype(np.float32), positions


def write_tomogram(
    path: Path, values_zyx: NDArray[Any], voxel_angstrom: float = VOXEL_ANGSTROM
) -> None:
    """Write an OME-Zarr volume of two levels, in the layout of the challenge."""
    group = zarr.open_group(str(path), mode="w")
    levels = []
    for level, step in enumerate((1, 2)):
        values = values_zyx[(slice(None, None, step),) * values_zyx.ndim]
        chunks = tuple(map(min, CHUNKS_ZYX, values.shape)) if values.ndim == 3 else True
        group.create_dataset(str(level), data=values, chunks=chunks, dimension_separator="/")
        scale = [voxel_angstrom * step] * values.ndim
        levels.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    axes = [{"name": name, "type": "space", "unit": "angstrom"} for name in "zyx"[-values.ndim :]]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": levels, "version": "0.4"}]


def _chunk(tomogram: Path) -> Path:
    return tomogram / "0" / "0" / "1" / "0"


def _truncated_chunk(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    content = _chunk(tomogram).read_bytes()
    _chunk(tomogram).write_bytes(content[: len(content) // 2])


def _missing_chunk(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    _chunk(tomogram).unlink()


def _missing_level(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    shutil.rmtree(tomogram / "0")


def _empty_folder(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    shutil.rmtree(tomogram)
    tomogram.mkdir()


def _no_tomogram(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    shutil.rmtree(tomogram.parent)


def _not_a_number(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    values_zyx = values_zyx.copy()
    values_zyx[3, 4, 5] = np.nan
    write_tomogram(tomogram, values_zyx)


def _constant(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    write_tomogram(tomogram, np.full_like(values_zyx, 0.5))


def _flat(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    write_tomogram(tomogram, values_zyx[0])


def _a_few_voxels(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    write_tomogram(tomogram, values_zyx[:2, :3, :3])


def _other_voxel_size(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    write_tomogram(tomogram, values_zyx, 13.48)


def _wrong_dtype(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    write_tomogram(tomogram, values_zyx.astype("S8"))


def _cut_metadata(tomogram: Path, values_zyx: NDArray[np.float32]) -> None:
    content = (tomogram / ".zattrs").read_text(encoding="utf-8")
    (tomogram / ".zattrs").write_text(content[: len(content) // 2], encoding="utf-8")


# How a whole tomogram is damaged, given its folder and its values.
DAMAGES: Mapping[str, Callable[[Path, NDArray[np.float32]], None]] = {
    "truncated chunk": _truncated_chunk,
    "missing chunk": _missing_chunk,
    "NaN": _not_a_number,
    "constant": _constant,
    "2D": _flat,
    "a few voxels": _a_few_voxels,
    "other voxel size": _other_voxel_size,
    "missing level": _missing_level,
    "wrong dtype": _wrong_dtype,
    "empty folder": _empty_folder,
    "no tomogram": _no_tomogram,
    "cut metadata": _cut_metadata,
}


def write_runs_to_pick(dataset: Path, number: int, damaged: int, seed: int) -> dict[str, str]:
    """Write tomograms in Kaggle's layout, under ``test/`` alone.

    Parameters
    ----------
    dataset : Path
        Folder to write to.
    number : int
        Number of runs.
    damaged : int
        How many of them are damaged, each in the next way of ``DAMAGES``.
    seed : int
        Decides the values and which runs are damaged.

    Returns
    -------
    dict of str to str
        The damaged runs, and how.
    """
    chosen = sorted(np.random.default_rng(seed).permutation(number)[:damaged].tolist())
    ways = {run: list(DAMAGES)[place % len(DAMAGES)] for place, run in enumerate(chosen)}
    for run in range(number):
        values_zyx, _ = run_values(seed + run)
        tomogram = _tomogram(dataset, "test", _run_name(run))
        write_tomogram(tomogram, values_zyx)
        if run in ways:
            DAMAGES[ways[run]](tomogram, values_zyx)
    return {_run_name(run): way for run, way in ways.items()}


def write_labelled_runs(dataset: Path, number: int, seed: int) -> None:
    """Write training runs in Kaggle's layout, with their picks."""
    for run in range(number):
        # Far from the seeds of the runs to pick.
        values_zyx, positions = run_values(seed + 10**6 + run)
        # A run to pick of the same name would be taken for it.
        name = f"labelled{run}"
        write_tomogram(_tomogram(dataset, "train", name), values_zyx)
        picks = dataset / "train" / "overlay" / "ExperimentRuns" / name / "Picks"
        picks.mkdir(parents=True)
        for particle_type, positions_xyz_angstrom in positions.items():
            content = _picks_content(name, particle_type, positions_xyz_angstrom)
            (picks / f"{particle_type}.json").write_text(json.dumps(content), encoding="utf-8")


def _run_name(number: int) -> str:
    return f"TS_{number:04d}"


def _tomogram(dataset: Path, split: str, run: str) -> Path:
    spacing = f"VoxelSpacing{VOXEL_ANGSTROM:.3f}"
    return dataset / split / "static" / "ExperimentRuns" / run / spacing / "denoised.zarr"


def _picks_content(
    run: str, particle_type: str, positions_xyz_angstrom: NDArray[np.float64]
) -> dict[str, Any]:
    return {
        "pickable_object_name": particle_type,
        "user_id": "curation",
        "session_id": "0",
        "run_name": run,
        "voxel_spacing": None,
        "unit": "angstrom",
        "points": [
            {
                "location": {"x": x, "y": y, "z": z},
                "transformation_": np.eye(4).tolist(),
                "instance_id": 0,
            }
            for x, y, z in positions_xyz_angstrom.tolist()
        ],
        "trust_orientation": True,
    }
