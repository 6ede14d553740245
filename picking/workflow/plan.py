"""The plan of a result: its runs, folds, members and batches, and the files that rules share."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from picking.config import PipelineConfig, TrainingSettings, validated_config
from picking.data_in.import_inputs import ImportInputs, import_inputs
from picking.data_in.inventory import RunInventory, Split, list_runs, resolve
from picking.errors import InputError, refusals_for_people
from picking.workflow.argument_lists import write_argument_lists
from picking.workflow.batches import (
    Batch,
    first_free_number,
    keep_batches,
    known_batches,
    lost_runs,
    plan_batches,
    record_path,
)
from picking.workflow.resources import JobMemory
from picking.workflow.synthetic_files import SyntheticFiles

RESULTS = Path("results")
LEAST_TRAINING_RUNS = 2
DEFAULT_CONFIGURATION = "config/config.yaml"


@dataclass(frozen=True)
class ResultPlan:
    """What one result is made of; all paths are relative to the folder that Snakemake works in.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    runs : RunInventory
        Training and test runs.
    inputs : mapping of Split to ImportInputs
        What each split is imported from; empty for the synthetic set.
    batches : tuple of Batch
        Runs that are proposed in one job, every run once.
    """

    config: PipelineConfig
    runs: RunInventory
    inputs: Mapping[Split, ImportInputs]
    batches: tuple[Batch, ...]

    @property
    def folder(self) -> Path:
        """Folder of the result."""
        return RESULTS / self.config.name

    @property
    def is_synthetic(self) -> bool:
        """Whether the data are the embedded default's."""
        return self.config.is_synthetic

    @cached_property
    def synthetic(self) -> SyntheticFiles:
        """Files of the synthetic data set."""
        return SyntheticFiles(self.config)

    @property
    def data_source(self) -> str:
        """Source of the tomograms, as the report says it."""
        if self.is_synthetic:
            return "synthetic specimens"
        if self.config.copick is None:
            return f"Kaggle's layout in {self.config.dataset}"
        return f"copick project {self.config.copick}"

    @cached_property
    def all_runs(self) -> list[str]:
        """Training and test runs, sorted, each once."""
        return sorted({*self.runs.train, *self.runs.test})

    @property
    def compared_runs(self) -> Sequence[str]:
        """Test runs that the report compares with the training runs."""
        return self.runs.test if self.config.stage2_rerank.compare_test_runs else ()

    @cached_property
    def particle_types(self) -> list[str]:
        """Names of the particle types."""
        return [particle.name for particle in self.config.known_particles]

    @property
    def folds(self) -> range:
        """Numbers of the folds."""
        return range(min(self.config.folds.number, len(self.runs.train)))

    @cached_property
    def members(self) -> list[str]:
        """Names of the ensemble's members; see :meth:`encoder_and_seed`."""
        ensemble = self.config.stage1_proposals.ensemble
        return [f"{encoder}-seed{seed}" for encoder in ensemble.encoders for seed in ensemble.seeds]

    @staticmethod
    def encoder_and_seed(member: str) -> tuple[str, str]:
        """Split a member's name."""
        encoder, _, seed = member.rpartition("-seed")
        return encoder, seed

    @property
    def training(self) -> TrainingSettings:
        """Settings of stage 1's training."""
        return self.config.stage1_proposals.training

    @property
    def training_launcher(self) -> str:
        """What ``python -m`` starts a training with: torchrun, if several processes share it."""
        processes = self.training.processes
        if processes == 1:
            return ""
        return f"torch.distributed.run --standalone --nproc-per-node {processes} -m "

    @property
    def source_arguments(self) -> str:
        """Arguments that name the data to the import."""
        if self.config.copick is not None:
            return shlex.join(["--copick", str(self.config.copick)])
        dataset = self.synthetic.folder if self.is_synthetic else self.config.dataset
        return shlex.join(["--dataset", str(dataset)])

    def source_files(self, split: Split) -> list[str]:
        """List the files whose change means that a split has to be imported again."""
        if self.is_synthetic:
            return self.synthetic.sources(split, self.runs.of(split))
        return list(self.inputs[split].paths)

    def source_digest(self, split: Split) -> str:
        """Digest of what else means that a split has to be imported again."""
        return "" if self.is_synthetic else self.inputs[split].digest

    def copick_of(self, run: str) -> str:
        """Copick project that holds a run: the training one for runs that are in both splits."""
        split = "train" if run in self.runs.train else "test"
        return self._file(f"copick/{split}.json")

    def settings_files(self, *sections: str) -> list[str]:
        """List the settings files that a rule passes to its command's ``--config``."""
        return [self._file(f"settings/{section}.yaml") for section in sections]

    def tables(self, kind: str, runs: Sequence[str]) -> list[str]:
        """List the tables of runs, one each, of the kind "candidates" or "features"."""
        return [self._file(f"{kind}/{run}.parquet") for run in runs]

    @property
    def weights(self) -> list[str]:
        """Weights of every member of every fold."""
        return [
            self._file(f"stage1/{member}/fold{fold}/weights.safetensors")
            for member in self.members
            for fold in self.folds
        ]

    def batch(self, number: str | int) -> Batch:
        """Batch of that number.

        Raises
        ------
        InputError
            If there is none.
        """
        for batch in self.batches:
            if batch.number == int(number):
                return batch
        raise InputError(
            f"batch {number}",
            "is not planned",
            f"the batches are {', '.join(str(batch.number) for batch in self.batches)}",
        )

    def keep(self) -> None:
        """Write what the workflow's own jobs read of the plan: batches and lists of arguments."""
        with _exit_with_one_line():
            keep_batches(self.folder, known_batches(self.folder), self.batches)
            write_argument_lists(self.argument_lists())

    def argument_lists(self) -> dict[Path, list[str]]:
        """List the arguments of commands that there is one of for every run, by their file."""
        splits: tuple[Split, ...] = get_args(Split)
        lists = {}
        for split in splits:
            runs = self.runs.of(split)
            lists[Path(self.list_file(split, "runs"))] = list(runs)
            for kind in ("candidates", "features"):
                lists[Path(self.list_file(split, kind))] = self.tables(kind, runs)
        if self.is_synthetic:
            lists[Path(self.list_file("test", "truths"))] = [
                self.synthetic.truth_of_run(run) for run in self.runs.test
            ]
        return lists

    def list_file(self, split: Split, kind: str) -> str:
        """File with a split's "runs", or with one path for each of them."""
        return self._file(f"lists/{split}_{kind}.txt")

    def proposals(self, runs: Sequence[str]) -> list[str]:
        """List the records of the batches that propose in some of the runs."""
        return [
            str(record_path(self.folder, batch.number))
            for batch in self.batches
            if not set(runs).isdisjoint(batch.runs)
        ]

    @property
    def bag_endings(self) -> list[str]:
        """What the classifier files of a type, one for each averaged model, end with."""
        bags = self.config.stage2_rerank.classifier.bags
        return [f".bag{bag}.txt" if bag else ".txt" for bag in range(bags)]

    def comparison_arguments(self) -> str:
        """Arguments with which the report compares the test runs; none if it compares none."""
        if not self.compared_runs:
            return ""
        options = {
            "--scored-test": self._file("scored_test.parquet"),
            "--test-runs": f"@{self.list_file('test', 'runs')}",
            "--features": f"@{self.list_file('train', 'features')}",
            "--test-features": f"@{self.list_file('test', 'features')}",
        }
        return shlex.join(word for option in options.items() for word in option)

    @staticmethod
    def finished_reports() -> list[str]:
        """List the reports of all results that are there, by absolute path."""
        return sorted(map(str, RESULTS.absolute().glob("*/cv_report.json")))

    def stage2_files(self, endings: Sequence[str]) -> list[str]:
        """List stage 2's files with the endings, of every particle type."""
        return [
            self._file(f"stage2/{particle_type}{ending}")
            for particle_type in self.particle_types
            for ending in endings
        ]

    @cached_property
    def memory(self) -> JobMemory:
        """Memory that the jobs need."""
        sizes = {
            run: voxels for inputs in self.inputs.values() for run, voxels in inputs.voxels.items()
        }
        return JobMemory.of_config(self.config, sizes)

    def files(self, *names: str) -> list[str]:
        """List files of the result by their names in its folder."""
        return [self._file(name) for name in names]

    def _file(self, name: str) -> str:
        return str(self.folder / name)


def make_plan(content: Mapping[str, Any], where: str, is_start: bool = True) -> ResultPlan:
    """Make the plan from what Snakemake read as its configuration.

    Parameters
    ----------
    content : mapping
        Keys of the configuration.
    where : str
        Files and options that the keys come from, for messages.
    is_start : bool
        Whether this is the workflow that a person started, not a job of it that reads the
        Snakefile again: only the former looks for lost files, so that both plan the same batches.

    Returns
    -------
    ResultPlan

    Raises
    ------
    InputError
        If the configuration or the data set that it names cannot be used.
    """
    given = validated_config(content, where=where)
    config = resolve(given)
    runs = list_runs(config, are_types_chosen=given.particles is not None)
    if len(runs.train) < LEAST_TRAINING_RUNS:
        raise InputError(
            "training runs",
            f"there is only {', '.join(runs.train)}",
            "give at least two: a run is judged by models of the others",
        )
    inputs: dict[Split, ImportInputs] = {}
    if not config.is_synthetic:
        inputs = {
            "train": import_inputs(config, "train", runs.train),
            "test": import_inputs(config, "test", runs.test),
        }
    folder = RESULTS / config.name
    known = known_batches(folder)
    batches = plan_batches(
        {"train": sorted(runs.train), "test": sorted({*runs.test} - {*runs.train})},
        known,
        lost_runs(folder, known) if is_start else (),
        config.stage1_proposals.prediction.runs_per_job,
        first_free_number(folder) if not known else 0,
    )
    return ResultPlan(config, runs, inputs, batches)


def plan_or_exit(
    content: Mapping[str, Any],
    configfiles: Sequence[object],
    command_line: Mapping[str, Any],
    is_start: bool = True,
) -> ResultPlan:
    """Make the plan, or end the program with one line that says what has to be fixed.

    Parameters
    ----------
    content : mapping
        All keys of the configuration, those of the command line included.
    configfiles : sequence
        The files of ``--configfile``.
    command_line : mapping
        The keys of ``--config``.
    is_start : bool
        See :func:`make_plan`.
    """
    sources = [*map(str, configfiles), *(["--config"] if command_line else [])]
    with _exit_with_one_line():
        for key, value in command_line.items():
            if value is None:
                raise InputError(
                    f"--config {key}=", "is empty", "give a value or leave the key out"
                )
        where = ", ".join(sources) or DEFAULT_CONFIGURATION
        return make_plan(content, where, is_start)


@contextmanager
def _exit_with_one_line() -> Iterator[None]:
    """End the program with an error for a person, where a stack trace would be Snakemake's."""
    try:
        with refusals_for_people():
            yield
    except InputError as error:
        sys.exit(f"error: {error}")
