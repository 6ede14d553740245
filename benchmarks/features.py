"""Measure the speed and memory of feature extraction on data made from a seed.

Prints seconds on the clock, and of processors, of the parts of a run's features: what the families
share, each family that looks at cubes (on one thread), all of these together, each other family.
The first run of a job makes the banks of templates, later ones do not. As the last line, one
JSON object with ``seconds_full_size`` and ``cpu_seconds`` (a first run, all families, normalising
included, reading files not), ``threads``, ``candidates`` and ``peak_memory_gb`` (of this process,
its data included).
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

# Python searches this folder first, and this file is named like the room that it measures.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from features.catalogue import IMAGE_FAMILIES, RUN_FAMILIES, catalogue
from features.extract import batches_of_one_type, cut, extract_features, measure_images
from features.run_context import make_run_context
from features.subtomograms import make_resolution_levels
from features.template_matching.fits import BANKS
from features.template_matching.whitening import whitened
from picking.config import CZII_PARTICLES, FeatureSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.embedding import EMBEDDING, embedding_channels, embedding_columns
from picking.files.score_maps import ScoreMaps
from picking.files.tomogram import Tomogram, normalised
from picking.structures.make_structures import molecule_structure
from picking.structures.structure import Structure

FULL_SIZE_ZYX = (184, 630, 630)
FULL_SIZE_CANDIDATES = 1500
OUTPUT_STRIDE = 2
VOXEL_SIZE_ZYX_ANGSTROM = np.array([10.012444196428572] * 3)
TOMOGRAM_SIGMA = 7e-6  # of the challenge's tomograms
KIBIBYTES_PER_GIGABYTE = 1e9 / 1024


@dataclass
class Stopwatch:
    """Seconds of parts by their names: on the clock, and of all processors together."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of what is done under ``with``."""
        clock, processors = time.perf_counter(), time.process_time()
        yield
        before = self.seconds.get(name, (0.0, 0.0))
        self.seconds[name] = (
            before[0] + time.perf_counter() - clock,
            before[1] + time.process_time() - processors,
        )


def made_run(
    shape_zyx: tuple[int, int, int], number: int, seed: int
) -> tuple[Tomogram, pd.DataFrame, ScoreMaps, pd.DataFrame]:
    """Make noise of a tomogram's size, maps of a network's, and candidates with an embedding."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape_zyx, dtype=np.float32)
    values *= np.float32(TOMOGRAM_SIGMA)
    names = tuple(particle.name for particle in CZII_PARTICLES)
    map_shape = tuple(-(-side // OUTPUT_STRIDE) for side in shape_zyx)
    scores = rng.random((len(names), *map_shape), dtype=np.float32)
    score_maps = ScoreMaps(scores, names, OUTPUT_STRIDE, VOXEL_SIZE_ZYX_ANGSTROM)
    indices_zyx = rng.random((number, 3)) * (np.array(shape_zyx) - 1)
    positions = indices_zyx_to_angstrom_xyz(indices_zyx, VOXEL_SIZE_ZYX_ANGSTROM)
    candidates = pd.DataFrame(
        {
            "run": "TS_1",
            "candidate_id": np.arange(number, dtype=np.int32),
            "particle_type": [names[index % len(names)] for index in range(number)],
            "x": positions[:, 0],
            "y": positions[:, 1],
            "z": positions[:, 2],
            "proposal_score": rng.random(number, dtype=np.float32),
        }
    )
    embedding = candidates[EMBEDDING.column_names].copy()
    columns = embedding_columns(embedding_channels(names))
    embedding[columns] = rng.random((number, len(columns)), dtype=np.float32)
    return Tomogram("TS_1", values, VOXEL_SIZE_ZYX_ANGSTROM), candidates, score_maps, embedding


def time_parts(
    tomogram: Tomogram,
    candidates: pd.DataFrame,
    score_maps: ScoreMaps,
    embedding: pd.DataFrame,
    settings: FeatureSettings,
    structures: Mapping[str, Structure],
    averages: Mapping[str, Structure],
    threads: int,
) -> Stopwatch:
    """Time every family, and what they share."""
    watch = Stopwatch()
    voxel_size = tomogram.voxel_size_zyx_angstrom
    with watch.part("normalising"):
        resolutions = make_resolution_levels(
            normalised(tomogram.values_zyx, threads), voxel_size, 1, threads
        )
    run_context = make_run_context(
        candidates,
        score_maps,
        embedding,
        CZII_PARTICLES,
        resolutions,
        structures,
        averages,
        threads,
    )
    for members in batches_of_one_type(run_context):
        with watch.part("subtomograms"):
            subtomograms = cut(run_context, members)
        for name, family in IMAGE_FAMILIES.items():
            with watch.part(name):
                family.measure(subtomograms, settings)
    with watch.part("the seven above"):
        measure_images(run_context, settings)
    with watch.part("whitening"):
        whitened(resolutions.levels[0], voxel_size, threads=threads)
    BANKS.clear()
    for name in ("templates", "averages"):
        for part in (f"{name} and banks", name):
            with watch.part(part):
                RUN_FAMILIES[name].measure(run_context, settings)
    for name, family in RUN_FAMILIES.items():
        if name not in ("templates", "averages"):
            with watch.part(name):
                family.measure(run_context, settings)
    return watch


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=FULL_SIZE_ZYX, metavar="VOXELS")
    parser.add_argument("--candidates", type=int, default=FULL_SIZE_CANDIDATES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    settings = FeatureSettings()
    structures = {one.name: molecule_structure(one.name) for one in CZII_PARTICLES}
    # Of the size of the structures; they have banks of their own.
    averages = {name: replace(structure) for name, structure in structures.items()}
    run = made_run(tuple(arguments.shape), arguments.candidates, arguments.seed)

    whole = Stopwatch()
    with whole.part("all"):
        extract_features(*run, CZII_PARTICLES, settings, structures, averages, arguments.threads)
    seconds, cpu_seconds = whole.seconds["all"]
    print(f"{'part':20s} seconds  CPU seconds")
    for name, part in time_parts(
        *run, settings, structures, averages, arguments.threads
    ).seconds.items():
        print(f"{name:20s} {part[0]:7.2f}  {part[1]:11.2f}")
    names = run[2].particle_types
    print(f"{len(catalogue(settings, names, embedding_channels(names)))} features")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        peak /= 1024  # bytes there, kibibytes elsewhere
    print(
        json.dumps(
            {
                "seconds_full_size": round(seconds, 2),
                "cpu_seconds": round(cpu_seconds, 2),
                "threads": arguments.threads,
                "candidates": arguments.candidates,
                "peak_memory_gb": round(peak / KIBIBYTES_PER_GIGABYTE, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
