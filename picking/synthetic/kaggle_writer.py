"""Writes runs in Kaggle's layout of the CZII data: OME-Zarr tomograms and picks as JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc, blosc
from numpy.typing import NDArray

from picking.synthetic.molecules import FloatArray

VOXEL_SPACING_FOLDER = "VoxelSpacing10.000"
LEVELS = 3

# The real chunks are 256 wide in x and y and as deep as the tomogram.
CHUNK_YX = 256
COMPRESSOR = Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE)
FLOAT32_MANTISSA_BITS = 23

USER_ID = "curation"
SESSION_ID = "0"
SAMPLE_SUBMISSION_HEADER = ("id", "experiment", "particle_type", "x", "y", "z")

# The real picks have three decimals.
POSITION_DECIMALS = 3


def static_folder(dataset: Path, split: str, run: str) -> Path:
    """Folder of a run's tomograms."""
    return dataset / split / "static" / "ExperimentRuns" / run


def picks_folder(dataset: Path, run: str) -> Path:
    """Folder of a training run's picks."""
    return dataset / "train" / "overlay" / "ExperimentRuns" / run / "Picks"


def with_mantissa_bits(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round float32 values to the given number of mantissa bits, half away from zero."""
    dropped = FLOAT32_MANTISSA_BITS - bits
    if dropped <= 0:
        return values
    raw = values.view(np.uint32)
    half, mask = np.uint32(1 << (dropped - 1)), np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)
    return ((raw + half) & mask).view(np.float32)


def halve(values_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average blocks of 2x2x2 voxels; an odd last plane stands for its missing neighbour."""
    padded = np.pad(values_zyx, [(0, n % 2) for n in values_zyx.shape], mode="edge")
    total = sum(padded[z::2, y::2, x::2] for z in (0, 1) for y in (0, 1) for x in (0, 1))
    return np.asarray(total / 8, dtype=np.float32)


def multiscale_attributes(voxel_size_angstrom: float) -> dict[str, Any]:
    """Attributes of an OME-NGFF 0.4 image of three levels, as the real tomograms have them."""
    return {
        "multiscales": [
            {
                "axes": [{"name": n, "type": "space", "unit": "angstrom"} for n in "zyx"],
                "datasets": [
                    {
                        "coordinateTransformations": [
                            {"scale": [voxel_size_angstrom * 2**level] * 3, "type": "scale"}
                        ],
                        "path": str(level),
                    }
                    for level in range(LEVELS)
                ],
                "name": "/",
                "version": "0.4",
            }
        ]
    }


def write_tomogram(
    path: Path, values_zyx: NDArray[np.float32], voxel_size_angstrom: float, mantissa_bits: int
) -> None:
    """Write one tomogram as Zarr v2 with its two coarser levels.

    Parameters
    ----------
    path : Path
        The ``.zarr`` folder to make.
    values_zyx : ndarray, (Z, Y, X), float32
        Voxel values.
    voxel_size_angstrom : float
        True size of a voxel, Å.
    mantissa_bits : int
        Bits of the mantissa to keep.
    """
    # Blosc's threads write their blocks in the order in which they end: other bytes every time.
    used_threads, blosc.use_threads = blosc.use_threads, False
    try:
        _write_levels(path, values_zyx, voxel_size_angstrom, mantissa_bits)
    finally:
        blosc.use_threads = used_threads


def _write_levels(
    path: Path, values_zyx: NDArray[np.float32], voxel_size_angstrom: float, mantissa_bits: int
) -> None:
    group = zarr.open_group(zarr.DirectoryStore(str(path), dimension_separator="/"), mode="w")
    group.attrs.update(multiscale_attributes(voxel_size_angstrom))
    values = values_zyx
    for level in range(LEVELS):
        if level:
            values = halve(values)
        group.create_dataset(
            str(level),
            data=with_mantissa_bits(np.ascontiguousarray(values), mantissa_bits),
            chunks=(values.shape[0], CHUNK_YX, CHUNK_YX),
            dtype="<f4",
            compressor=COMPRESSOR,
            dimension_separator="/",
        )


def picks_content(
    run: str, particle_type: str, positions_xyz_angstrom: FloatArray
) -> dict[str, Any]:
    """Content of a picks file in the genuine schema, from positions (n, 3) xyz Å."""
    identity = np.eye(4).tolist()
    return {
        "pickable_object_name": particle_type,
        "user_id": USER_ID,
        "session_id": SESSION_ID,
        "run_name": run,
        "voxel_spacing": None,
        "unit": "angstrom",
        "points": [
            {
                "location": {
                    axis: round(float(value), POSITION_DECIMALS)
                    for axis, value in zip("xyz", position, strict=True)
                },
                "transformation_": identity,
                "instance_id": 0,
            }
            for position in positions_xyz_angstrom
        ],
        "trust_orientation": True,
    }


def write_picks(folder: Path, run: str, picks: Mapping[str, FloatArray]) -> None:
    """Write a JSON file for each particle type, (n, 3) xyz Å; of no points where there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    for particle_type, positions in picks.items():
        content = picks_content(run, particle_type, positions)
        (folder / f"{particle_type}.json").write_text(json.dumps(content), encoding="utf-8")


def write_sample_submission(path: Path, test_runs: Sequence[str]) -> None:
    """Write Kaggle's example of a submission: one pick of apo-ferritin at the origin per run."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SAMPLE_SUBMISSION_HEADER)
        for number, run in enumerate(test_runs):
            writer.writerow((number, run, "apo-ferritin", 0, 0, 0))
