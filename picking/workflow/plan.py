"""The plan of a result: its runs, folds, members and batches, and the files that rules share."""

import hashlib
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from picking.bundle.manifest import (
    AVERAGES_NAME,
    STRUCTURES_NAME,
    BundleManifest,
    classifier_endings,
    result_files,
)
from picking.config import PipelineConfig, TrainingSettings
from picking.config.pipeline import OnError
from picking.data_in.import_inputs import ImportInputs
from picking.data_in.inventory import RunInventory, Split
from picking.errors import InputError
from picking.files.batch_record import feature_file, proposal_files
from picking.files.start_weights import start_file, start_name
from picking.workflow.argument_lists import write_argument_lists
from picking.workflow.batches import (
    FEATURES_FOLDER,
    PROPOSALS_FOLDER,
    Batch,
    keep_batches,
    known_batches,
    record_path,
)
from picking.workflow.beside_bundle import beside_bundle
from picking.workflow.clock import started_clock
from picking.workflow.data_source import source_arguments, source_in_words
from picking.workflow.kept_data import keep_data
from picking.workflow.resources import JobMemory
from picking.workflow.run_times import JobTime
from picking.workflow.settings_sections import SYNTHETIC_SECTIONS, section_text
from picking.workflow.synthetic_files import SyntheticFiles

RESULTS = Path("results")
# What a training leaves in its result, and no bundle holds.
TRAINING_RECORDS = "stage1/*/fold*/training.json"
# The report holds the features of these in memory, all at once; the page of the picks, which reads
# run by run, shows all.
MOST_COMPARED_RUNS = 50

RunGroup = Literal["train", "test", "compared"]


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
    manifest : BundleManifest or None
        The bundle that the models come from; None: they are trained here.
    asked : PipelineConfig or None
        Configuration as it was given, before a voxel spacing was taken from MRC files; None: as
        ``config``.
    """

    config: PipelineConfig
    runs: RunInventory
    inputs: Mapping[Split, ImportInputs]
    batches: tuple[Batch, ...]
    manifest: BundleManifest | None = None
    asked: PipelineConfig | None = None

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
        return source_in_words(self.config)

    @cached_property
    def all_runs(self) -> list[str]:
        """Training and test runs, sorted, each once."""
        return sorted({*self.runs.train, *self.runs.test})

    @property
    def compared_runs(self) -> Sequence[str]:
        """Test runs that the report compares with the training runs, evenly chosen of many."""
        if not self.config.stage2_rerank.compare_test_runs:
            return ()
        step = max(1, math.ceil(len(self.runs.test) / MOST_COMPARED_RUNS))
        return self.runs.test[::step]

    @cached_property
    def particle_types(self) -> list[str]:
        """Names of the particle types."""
        return [particle.name for particle in self.config.known_particles]

    @property
    def folds(self) -> range:
        """Numbers of the folds."""
        if self.manifest:
            return range(self.manifest.folds)
        return range(min(self.config.folds.number, len(self.runs.train)))

    @cached_property
    def members(self) -> list[str]:
        """Names of the ensemble's members; see :meth:`encoder_and_seed`."""
        if self.manifest:
            return list(self.manifest.members)
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
        return source_arguments(self.config)

    def source_files(self, split: Split) -> list[str]:
        """List the files whose change means that a split has to be imported again."""
        if self.is_synthetic:
            return self.synthetic.sources(split, self.runs.of(split))
        return list(self.inputs[split].paths)

    def source_digest(self, split: Split) -> str:
        """Digest of what else means that a split has to be imported again."""
        return "" if self.is_synthetic else self.inputs[split].digest

    @property
    def structure_files(self) -> list[str]:
        """List the files that the particle types' structures are read from."""
        particles = self.config.known_particles
        return [str(particle.structure) for particle in particles if particle.structure]

    @property
    def structures(self) -> list[str]:
        """File with the particle types' structures, if features are measured with them."""
        return self.files(STRUCTURES_NAME) if self.config.features.has_templates else []

    @property
    def averages(self) -> list[str]:
        """File with the averages of picks that candidates are compared with, and their folds."""
        needed = self.manifest.has_averages if self.manifest else self.config.needs_averages
        return self.files(AVERAGES_NAME, "folds.json") if needed else []

    @property
    def structures_project(self) -> str:
        """Argument that names the copick project whose objects may have density maps."""
        copick = self.config.copick
        return "" if copick is None else shlex.join(["--copick", str(copick)])

    @property
    def training_data(self) -> str:
        """Digest of the tomograms that are learnt from, wherever they are.

        Their copick project and their picks may stay the same when they are replaced.
        """
        if self.is_synthetic:
            content = section_text(self.config, SYNTHETIC_SECTIONS["specimens"])
        else:
            train = self.inputs["train"]
            content = repr(sorted(train.stamps.items())) + train.reading
        return hashlib.sha256(content.encode()).hexdigest()

    def start_of(self, member: str) -> str:
        """Name of what a member starts from; another file of the same name has another digest."""
        encoder, _ = self.encoder_and_seed(member)
        return start_name(self.config.stage1_proposals.start, encoder)

    def is_from_nothing(self, member: str) -> bool:
        """Whether a member starts from no weights, which takes longer."""
        encoder, _ = self.encoder_and_seed(member)
        return start_file(self.config.stage1_proposals.start, encoder) is None

    def copick_of(self, run: str) -> str:
        """Copick project that holds a run: the training one for runs that are in both splits."""
        split = "train" if run in self.runs.train else "test"
        return self._file(f"copick/{split}.json")

    def settings_files(self, *sections: str) -> list[str]:
        """List the settings files that a rule passes to its command's ``--config``."""
        return [self._file(f"settings/{section}.yaml") for section in sections]

    @property
    def project_elsewhere(self) -> str:
        """What decides the tomograms' values besides their files on this machine, or nothing.

        The digest of a copick project elsewhere, or how MRC files are read.
        """
        return next((one.elsewhere or one.reading for one in self.inputs.values()), "")

    @property
    def import_settings(self) -> list[str]:
        """Settings files of the imports, but for what particles look like."""
        mrc = ["mrc"] if self.config.tomograms else []
        masks = ["masks"] if self.config.masks else []
        return self.settings_files("data", *mrc, *masks)

    @property
    def import_check(self) -> list[str]:
        """What the import of MRC training runs finds out by the picks; none of other data."""
        is_learnt = self.config.tomograms is not None and self.manifest is None
        return self.files("import_check.json") if is_learnt else []

    @property
    def check_argument(self) -> str:
        """Argument that names it to the imports."""
        return shlex.join(["--check", *self.import_check]) if self.import_check else ""

    @property
    def namesakes(self) -> list[str]:
        """Runs to pick that have the name of a run that the bundle learnt from."""
        return sorted({*self.runs.test} & {*(self.manifest.training_runs if self.manifest else ())})

    @property
    def bundled_files(self) -> list[str]:
        """Files of this result that a bundle takes with it."""
        names = result_files(self.config, self.members, len(self.folds), bool(self.averages))
        return self.files(*names)

    def on_error(self, batch: str | int) -> OnError:
        """Say what a run of a batch that fails does to the others."""
        if self.batch(batch).split == "train":
            return "stop"
        return self.config.on_error_of_test_runs

    @property
    def clock_file(self) -> str:
        """File that says when the workflow started."""
        return self._file(f"{PROPOSALS_FOLDER}/clock.json")

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
        """Write what the workflow's own jobs read of the plan: batches, data, lists, the start."""
        keep_batches(self.folder, known_batches(self.folder), self.batches)
        keep_data(self.folder, self.asked or self.config, self.config, self.runs, self.inputs)
        write_argument_lists(self.argument_lists())
        started_clock(self.batches, self.config.hours).write(Path(self.clock_file))
        if self.manifest:
            for warning in beside_bundle(self.config, self.manifest, self.namesakes):
                print(f"warning: {warning}", file=sys.stderr)

    def argument_lists(self) -> dict[Path, list[str]]:
        """List the arguments of commands that there is one of for every run, by their file."""
        groups: dict[RunGroup, Sequence[str]] = {
            "train": self.runs.train,
            "test": self.runs.test,
            "compared": self.compared_runs,
        }
        lists: dict[tuple[RunGroup, str], list[str]] = {}
        for group, runs in groups.items():
            lists[group, "runs"] = list(runs)
            lists[group, "candidates"] = [
                str(proposal_files(self.folder, run)["candidates"]) for run in runs
            ]
            lists[group, "features"] = [str(feature_file(self.folder, run)) for run in runs]
            lists[group, "proposal_records"] = self.proposals(runs)
            lists[group, "feature_records"] = self.features(runs)
        if self.is_synthetic:
            lists["test", "truths"] = [self.synthetic.truth_of_run(run) for run in self.runs.test]
        return {Path(self.list_file(*key)): arguments for key, arguments in lists.items()}

    def list_file(self, group: RunGroup, kind: str) -> str:
        """File with the "runs" of a split or of the comparison, or with one path for each."""
        return self._file(f"lists/{group}_{kind}.txt")

    def proposals(self, runs: Sequence[str]) -> list[str]:
        """List the records of the batches that propose in some of the runs."""
        return self._records(PROPOSALS_FOLDER, runs)

    def features(self, runs: Sequence[str]) -> list[str]:
        """List the records of the batches that measure features of some of the runs."""
        return self._records(FEATURES_FOLDER, runs)

    def _records(self, folder: str, runs: Sequence[str]) -> list[str]:
        wanted = set(runs)
        return [
            str(record_path(self.folder, batch.number, folder))
            for batch in self.batches
            if not wanted.isdisjoint(batch.runs)
        ]

    @property
    def bag_endings(self) -> list[str]:
        """What the classifier files of a type, one for each averaged model, end with."""
        return classifier_endings(self.config.stage2_rerank.classifier.bags)

    def comparison_arguments(self) -> str:
        """Arguments with which the report compares the test runs; none if it compares none."""
        if not self.compared_runs:
            return ""
        options = {
            "--scored-test": self._file("scored_test.parquet"),
            "--test-runs": f"@{self.list_file('compared', 'runs')}",
            "--features": f"@{self.list_file('train', 'features')}",
            "--test-features": f"@{self.list_file('compared', 'features')}",
            "--failed": self._file("failed_runs.csv"),
        }
        return shlex.join(word for option in options.items() for word in option)

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

    @cached_property
    def time(self) -> JobTime:
        """Time that the jobs need."""
        networks = len(self.members) * len(self.folds)
        passes = self.config.stage1_proposals.prediction.passes_with(networks)
        return JobTime(self.memory.voxels, self.memory.unlisted_voxels, passes)

    def files(self, *names: str) -> list[str]:
        """List files of the result by their names in its folder."""
        return [self._file(name) for name in names]

    def _file(self, name: str) -> str:
        return str(self.folder / name)
