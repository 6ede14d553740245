"""What jobs need: memory as a function of the tomograms' size, and the cores of this machine.

Times are in :mod:`picking.workflow.run_times`.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from picking.config import PipelineConfig

GIBIBYTE_MB = 1024
# A full-size run, where the size cannot be read before the job: (184, 630, 630).
UNKNOWN_VOXELS = 184 * 630 * 630

# Largest resident memory, measured at 64x224x224 and 184x630x630 voxels (docs/performance.md), and
# a quarter more: what a job takes whatever its tomograms, and what each million voxels add.
# Training has room for larger crops than the default's.
SYNTHETIC_MB, SYNTHETIC_MB_PER_MEGAVOXEL = 300, 50
TRAINING_MB, TRAINING_MB_PER_MEGAVOXEL = 3 * GIBIBYTE_MB, 5
PROPOSING_MB, PROPOSING_MB_PER_MEGAVOXEL = 2 * GIBIBYTE_MB, 40
FEATURES_MB, FEATURES_MB_PER_MEGAVOXEL = 400, 21
PICTURES_MB, PICTURES_MB_PER_MEGAVOXEL = 400, 8
# What a pretraining takes, what the two tomograms of a specimen add, and what its targets would add
# at full resolution: eight maps of 16 bits.
PRETRAINING_MB, PRETRAINING_TOMOGRAMS_MB, PRETRAINING_TARGETS_MB = 2 * GIBIBYTE_MB, 9, 36
# A map of 500 voxels a side, twice.
STRUCTURES_MB = 1500
# A tenth of the work on a run's features, and reading it, is done by one thread: more than four
# could not even halve the time again.
MOST_FEATURE_THREADS = 4
# The picks that averages are made of, as cubes: those of six types of up to 300 Å across.
AVERAGES_MB = 1000
# Jobs that read tables: a fixed part, and what a run's candidates with all their features add.
TABLES_MB, TABLES_MB_PER_RUN = 450, 15


@dataclass(frozen=True)
class TomogramSizes:
    """Sizes of the tomograms of one result.

    Parameters
    ----------
    voxels : mapping of str to int
        Voxels of the runs' tomograms; runs that are not listed have ``unlisted_voxels``.
    unlisted_voxels : int
        See above.
    """

    voxels: Mapping[str, int]
    unlisted_voxels: int = UNKNOWN_VOXELS

    def megavoxels(self, run: str) -> float:
        """Return the size of a run's tomogram."""
        return self.voxels.get(run, self.unlisted_voxels) / 1e6


class JobMemory(TomogramSizes):
    """Memory of the jobs of one result, MB, as ``--resources mem_mb`` and clusters count it."""

    @classmethod
    def of_config(cls, config: PipelineConfig, voxels: Mapping[str, int]) -> "JobMemory":
        """Make it for a data set of listed sizes, or for the synthetic one, not yet made."""
        if config.is_synthetic:
            return cls({}, math.prod(config.synthetic.shape_zyx))
        # As large as it is read, or as it is resampled to.
        finer = max(1.0, config.voxel_spacing / (config.resample_to or config.voxel_spacing)) ** 3
        sizes = {run: math.ceil(number * finer) for run, number in voxels.items()}
        return cls(sizes, math.ceil(UNKNOWN_VOXELS * finer))

    def of_synthetic_run(self) -> int:
        """Return what making one synthetic run takes."""
        return math.ceil(SYNTHETIC_MB + SYNTHETIC_MB_PER_MEGAVOXEL * self.unlisted_voxels / 1e6)

    def of_training(self, runs: Sequence[str], processes: int) -> int:
        """Return what training on the runs takes; every process keeps them all in memory."""
        megavoxels = sum(map(self.megavoxels, runs))
        return processes * math.ceil(TRAINING_MB + TRAINING_MB_PER_MEGAVOXEL * megavoxels)

    def of_pretraining(self, specimens: int, output_stride: int) -> int:
        """Return what a pretraining takes, which keeps all specimens in memory."""
        of_specimen = PRETRAINING_TOMOGRAMS_MB + PRETRAINING_TARGETS_MB / output_stride**3
        return math.ceil(PRETRAINING_MB + of_specimen * specimens)

    def of_proposing(self, runs: Sequence[str]) -> int:
        """Return what proposing in the runs, one after the other, takes."""
        return self._of_largest(runs, PROPOSING_MB, PROPOSING_MB_PER_MEGAVOXEL)

    def of_features(self, runs: Sequence[str]) -> int:
        """Return what measuring the features of the runs, one after the other, takes."""
        return self._of_largest(runs, FEATURES_MB, FEATURES_MB_PER_MEGAVOXEL)

    def of_structures(self) -> int:
        """Return what reading the structures of the particle types takes."""
        return STRUCTURES_MB

    def of_averages(self, runs: Sequence[str]) -> int:
        """Return what averaging picks takes: one tomogram at a time, and the picks of all."""
        return self.of_features(runs) + AVERAGES_MB

    def of_pictures(self, runs: Sequence[str]) -> int:
        """Return what drawing pictures of the runs, one after the other, takes."""
        return self._of_largest(runs, PICTURES_MB, PICTURES_MB_PER_MEGAVOXEL)

    def of_tables(self, runs: Sequence[str]) -> int:
        """Return what working on the tables of the runs takes."""
        return TABLES_MB + TABLES_MB_PER_RUN * len(runs)

    def _of_largest(self, runs: Sequence[str], fixed: int, of_megavoxel: int) -> int:
        return math.ceil(fixed + of_megavoxel * max(map(self.megavoxels, runs), default=0.0))


def machine_cores() -> int:
    """Count the cores that this process may use; where the system does not say (macOS), all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cores(wanted: int | None, nodes: int | None = None) -> int | None:
    """Cores that jobs on this machine may take together.

    Jobs say how many threads they really run, so that more jobs than cores at once would only take
    each other's time and memory.

    Parameters
    ----------
    wanted : int or None
        What ``--cores`` says; None where nothing runs.
    nodes : int or None
        What ``--jobs`` says of a cluster, whose jobs do not run on this machine.

    Returns
    -------
    int or None
        ``wanted``, or the cores of this machine if it has fewer.
    """
    return wanted if wanted is None or nodes is not None else min(wanted, machine_cores())


def feature_threads(batches: int, cores: int | None, nodes: int | None = None) -> int:
    """Threads of each job that measures features, which its tables do not depend on.

    Parameters
    ----------
    batches : int
        Such jobs. Side by side they use the cores better than threads do, so there are several
        threads only where there are fewer jobs than cores.
    cores : int or None
        Cores that the jobs may take together; None where nothing runs.
    nodes : int or None
        What ``--jobs`` says of a cluster, whose jobs take no more than they have to.
    """
    if cores is None or nodes is not None:
        return 1
    return min(max(1, cores // max(1, batches)), MOST_FEATURE_THREADS)
