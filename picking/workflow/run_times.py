"""How long jobs may run, as clusters ask before they take one; and how a second try gets more."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from picking.config import TrainingSettings
from picking.config.pretraining import PretrainingSettings
from picking.workflow.resources import TomogramSizes

SECONDS_A_MINUTE = 60

# Seconds, three times what was measured on one core of a Zen 3 with AVX2 (docs/performance.md): a
# node may be slower or busy, and a job that is ended at its limit was for nothing.
# A job's start: Snakemake, Python and torch from a file server that many jobs read.
START = 300.0
# 97 s of a core for four passes over 73 million voxels.
PROPOSING_PER_MEGAVOXEL_AND_PASS = 1.0
# 26 to 30 s for 73 million voxels, with many candidates.
FEATURES_PER_MEGAVOXEL = 1.2
# 1.05 to 1.4 million crop voxels a second with the default network. Larger ones are for graphics
# cards, which are faster by more than they are larger.
TRAINING_PER_MEGAVOXEL = 3.0
# 5 s of a core at most.
AVERAGE = 15.0
# 51 s for one type in seven runs.
CLASSIFIER_PER_RUN = 22.0
# 25 s for the report of nine runs, 21 s for the pictures of seven.
TABLES_PER_RUN = 10.0
# 3.6 s for a specimen of 3.2 million voxels.
SYNTHETIC_PER_MEGAVOXEL = 3.5

# Many clusters refuse jobs of more than a day. Trainings and batches that are ended there go on
# where they were in the next try.
MOST_MINUTES = 24 * 60

# What the first try of a job gets, or what says it by the job's wildcards.
Need = int | Callable[[Any], int]


@dataclass(frozen=True)
class JobTime(TomogramSizes):
    """Time of the jobs of one result, minutes, as the resource ``runtime`` counts it.

    Parameters
    ----------
    passes : int
        Passes over a tomogram, see :meth:`picking.config.PredictionSettings.passes_with`.
    """

    passes: int = 1

    def of_synthetic_run(self) -> int:
        """Return what making one synthetic run takes."""
        return _minutes(SYNTHETIC_PER_MEGAVOXEL * self.unlisted_voxels / 1e6)

    def of_training(
        self, runs: Sequence[str], training: TrainingSettings, is_from_nothing: bool = True
    ) -> int:
        """Return what a training on the runs takes, a day at most."""
        steps = training.steps_on(1e6 * sum(map(self.megavoxels, runs)), is_from_nothing)
        return _minutes(TRAINING_PER_MEGAVOXEL * steps * training.voxels_per_step / 1e6)

    def of_pretraining(self, pretraining: PretrainingSettings, training: TrainingSettings) -> int:
        """Return what a pretraining takes, on crops as large as a training's, a day at most."""
        crops = pretraining.steps * pretraining.batch_size
        return _minutes(TRAINING_PER_MEGAVOXEL * crops * math.prod(training.crop_zyx) / 1e6)

    def of_proposing(self, runs: Sequence[str]) -> int:
        """Return what proposing in the runs, one after the other, takes."""
        seconds = PROPOSING_PER_MEGAVOXEL_AND_PASS * self.passes
        return _minutes(seconds * sum(map(self.megavoxels, runs)))

    def of_features(self, runs: Sequence[str]) -> int:
        """Return what measuring the features of the runs, one after the other, takes."""
        return _minutes(FEATURES_PER_MEGAVOXEL * sum(map(self.megavoxels, runs)))

    def of_averages(self, runs: Sequence[str], averages: int) -> int:
        """Return what making averages of the picks of the runs takes."""
        return _minutes(
            FEATURES_PER_MEGAVOXEL * sum(map(self.megavoxels, runs)) + AVERAGE * averages
        )

    def of_classifier(self, runs: Sequence[str]) -> int:
        """Return what training the classifier of one particle type takes."""
        return _minutes(CLASSIFIER_PER_RUN * len(runs))

    def of_tables(self, runs: Sequence[str]) -> int:
        """Return what working on the tables, or drawing pictures, of the runs takes."""
        return _minutes(TABLES_PER_RUN * len(runs))


def _minutes(seconds: float) -> int:
    return min(MOST_MINUTES, math.ceil((START + seconds) / SECONDS_A_MINUTE))


def by_attempt(need: Need, most: int | None = None) -> Callable[..., int]:
    """Make a resource of a rule that grows with every try: twice as much, then three times.

    Snakemake counts tries from one, and tries again where ``retries`` says so.

    Parameters
    ----------
    need : int or callable
        What the first try gets; or what says it by the wildcards of the job.
    most : int or None
        No try gets more.

    Returns
    -------
    callable
        For a rule's ``resources``.
    """

    def resource(wildcards: Mapping[str, str], attempt: int) -> int:
        asked = attempt * (need(wildcards) if callable(need) else need)
        return asked if most is None else min(most, asked)

    return resource


def minutes_by_attempt(need: Need) -> Callable[..., int]:
    """Make the resource ``runtime`` of a rule, as :func:`by_attempt`, a day at most."""
    return by_attempt(need, MOST_MINUTES)
