"""Damage configurations, picks files, zarr metadata and bundles at random: no trace, no hang.

    python benchmarks/damaged_inputs.py [--cases 10000] [--seed 0]

Each case damages one file of a small valid data set, or a small valid model bundle, in one to three
places, and reads it as the workflow does. It may be read, or be refused by one line. Everything
else is a bug: it is printed with the number of its case, and the exit status is 1.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import zarr

from benchmarks.damaged_bundles import read_damaged_folder, read_damaged_zip
from benchmarks.damaged_json import damaged, damaged_text
from picking.config import PipelineConfig
from picking.data_in.kaggle_picks import read_kaggle_picks
from picking.errors import InputError, refusals_for_people
from picking.files.chunk_files import check_chunk_files
from picking.files.ome_zarr import open_pyramid, read_coarsest, read_level
from picking.workflow.make_plan import make_plan

# A case that takes longer hangs, seconds.
PATIENCE = 20
VOXEL_SPACING = 10.0
SHAPE_ZYX = (8, 12, 16)
TYPES = ("ribosome", "apo-ferritin")


def read_damaged_configuration(folder: Path, rng: random.Random) -> None:
    content = PipelineConfig(name="damaged").model_dump(mode="json")
    for _ in range(rng.randint(1, 3)):
        content = damaged(content, rng)
    # Snakemake hands over a mapping; anything else it refuses itself.
    make_plan(content if isinstance(content, dict) else {"name": content}, "config.yaml")


def read_damaged_picks(folder: Path, rng: random.Random) -> None:
    content = {
        "pickable_object_name": TYPES[0],
        "user_id": "curation",
        "session_id": "0",
        "run_name": "TS_1_1",
        "voxel_spacing": None,
        "unit": "angstrom",
        "points": [
            {
                "location": {"x": 10.0 * i, "y": 20.0, "z": 30.0},
                "transformation_": np.eye(4).tolist(),
                "instance_id": 0,
            }
            for i in range(3)
        ],
        "trust_orientation": True,
    }
    picks = folder / "Picks"
    picks.mkdir()
    (picks / f"{TYPES[0]}.json").write_bytes(damaged_text(content, rng))
    read_kaggle_picks(picks, "TS_1_1", TYPES)


def read_damaged_tomogram(folder: Path, rng: random.Random) -> None:
    path = folder / "denoised.zarr"
    group = zarr.open_group(str(path), mode="w")
    values = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
    levels = []
    for level, step in enumerate((1, 2)):
        group.create_dataset(
            str(level), data=values[::step, ::step, ::step], chunks=True, dimension_separator="/"
        )
        scale = [VOXEL_SPACING * step] * 3
        levels.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    axes = [{"name": name, "type": "space", "unit": "angstrom"} for name in "zyx"]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": levels, "version": "0.4"}]
    files = [".zattrs", ".zgroup", "0/.zarray", "1/.zarray"]
    name = rng.choices(files, weights=[4, 1, 4, 1])[0]
    (path / name).write_bytes(damaged_text(json.loads((path / name).read_text()), rng))
    pyramid = open_pyramid(zarr.DirectoryStore(str(path)), str(path), VOXEL_SPACING)
    check_chunk_files(pyramid.full_size, str(path))
    read_coarsest(pyramid)
    read_level(pyramid.full_size, str(path))


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "configuration": read_damaged_configuration,
    "picks": read_damaged_picks,
    "tomogram": read_damaged_tomogram,
    "bundle folder": read_damaged_folder,
    "bundle zip": read_damaged_zip,
}


class TooSlowError(Exception):
    """Reading took longer than PATIENCE."""


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Raise TooSlowError where something takes too long."""

    def stop(signum: int, frame: object) -> None:
        raise TooSlowError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(kind: str, seed: str) -> str:
    """Read one damaged input: "read", "refused", or what went wrong."""
    folder = Path(tempfile.mkdtemp())
    try:
        with patience(PATIENCE), refusals_for_people():
            KINDS[kind](folder, random.Random(seed))
    except InputError as error:
        lines = len(str(error).splitlines())
        return "refused" if lines == 1 else f"BUG: an error of {lines} lines: {error}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"BUG: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return "read"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    counts: Counter[tuple[str, str]] = Counter()
    bugs = 0
    for case in range(arguments.cases):
        kind = list(KINDS)[case % len(KINDS)]
        seed = f"{arguments.seed}-{case}"
        found = outcome(kind, seed)
        if found.startswith("BUG"):
            bugs += 1
            print(f"{kind} {seed}: {found}")
            found = "BUG"
        counts[kind, found] += 1
    print(f"{'kind':16}{'read':>8}{'refused':>9}{'bugs':>6}")
    for kind in KINDS:
        print(
            f"{kind:16}{counts[kind, 'read']:8}{counts[kind, 'refused']:9}{counts[kind, 'BUG']:6}"
        )
    sys.exit(bool(bugs))


if __name__ == "__main__":
    main()
