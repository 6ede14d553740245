"""Propose candidates in runs: score maps by all members that never saw a run, then their peaks.

For every run this writes the candidates, their embedding and the score maps, each in a folder of
RESULTS, and at the end RECORD, which names the runs and what was written for them. While one run's
maps are computed, the next tomogram is read, and the last run's candidates are found and written.
A job that was interrupted goes on with the run that it was at.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from tqdm import tqdm

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.config.pipeline import OnError
from picking.data_in.inventory import Split, resolve
from picking.files.batch_record import PROPOSAL_FOLDERS, proposal_files
from picking.files.embedding import EMBEDDING
from picking.files.mask import read_mask
from picking.files.picks_density import PicksDensity
from picking.files.precision import Precision
from picking.files.progress import Clock
from picking.files.tables import CANDIDATES
from picking.files.tomogram import Tomogram, read_tomogram, tomogram_digest, tomogram_stamp
from picking.files.unfinished_batch import UnfinishedBatch, files_digest
from picking.left_out_runs import left_out_if_it_fails
from picking.scoring.folds import Folds
from stage1_proposals.choose_precision import warn_if_emulated
from stage1_proposals.device.compute_device import accelerator_errors, find_device
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import load_network
from stage1_proposals.prediction.candidate_budget import candidate_budget, check_budget
from stage1_proposals.prediction.embed import embed_candidates
from stage1_proposals.prediction.ensemble import member_weights, weights_for_run
from stage1_proposals.prediction.pace import Pace
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import PredictedMaps, predict_maps


@dataclass(frozen=True)
class ProposalInputs:
    """Files that proposals are made from.

    Parameters
    ----------
    copick_config : Path
        copick project that holds the runs.
    density : Path
        How many picks the training runs hold
        (:class:`picking.files.picks_density.PicksDensity`).
    stage1 : Path
        Folder with the weights of all members.
    members : sequence of str
        Names of the members.
    folds : Path
        ``folds.json``: which members never saw a run.
    precision : Path
        What all networks compute in (:class:`picking.files.precision.Precision`).
    """

    copick_config: Path
    density: Path
    stage1: Path
    members: Sequence[str]
    folds: Path
    precision: Path

    def digest(self, config: PipelineConfig, folds: Folds) -> str:
        """Digest of all that decides what is proposed in a run, but for its tomogram."""
        weights = [
            member_weights(self.stage1, member, fold)
            for member in self.members
            for fold in range(folds.number)
        ]
        files = [self.density, self.folds, self.precision, *weights]
        return files_digest(files, config.model_dump_json())


def propose_candidates(
    config: PipelineConfig,
    inputs: ProposalInputs,
    split: Split,
    runs: Sequence[str],
    results: Path,
    record: Path,
    *,
    on_error: OnError = "stop",
    clock: Path | None = None,
    threads: int | None = None,
) -> None:
    """Write every run's candidates, their embedding and its score maps, then the record.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    inputs : ProposalInputs
        What the proposals are made from.
    split : Split
        Which of the result's two projects holds the runs.
    runs : sequence of str
        Names of the runs.
    results : Path
        Folder of the result, see :func:`picking.files.batch_record.proposal_files`.
    record : Path
        Record to write (:class:`picking.files.batch_record.BatchRecord`).
    on_error : {"skip", "stop"}
        Whether a run that fails is left out or ends the job.
    clock : Path or None
        When the workflow started (:class:`picking.files.progress.Clock`); None: nobody waits.
    threads : int or None
        CPU threads of the networks.

    Raises
    ------
    InputError
        If a file is missing or damaged, or with on_error "stop" a run cannot be picked.
    """
    particle_types = tuple(particle.name for particle in config.known_particles)
    settings = config.stage1_proposals
    picks_density = PicksDensity.read(inputs.density)
    judged_in = Folds.read(inputs.folds)
    check_budget(picks_density, judged_in, settings.peaks, particle_types)
    device = find_device(threads, Precision.read(inputs.precision).precision)
    warn_if_emulated(device)
    passes = settings.prediction.passes_with(judged_in.number * len(inputs.members))
    made_from = inputs.digest(config, judged_in)
    pace = Pace(
        None if clock is None else Clock.read(clock),
        split,
        results,
        record.parent,
        made_from,
        passes,
    )
    stamps = {
        run: tomogram_stamp(inputs.copick_config, run, *config.tomogram_kind[:2]) for run in runs
    }
    batch = UnfinishedBatch(record, split, PROPOSAL_FOLDERS, results, made_from, stamps)

    @cache
    def network_of(weights: Path) -> ProposalNetwork:
        return fast_network(load_network(weights, particle_types), device)

    def finish(
        predicted: PredictedMaps, run: str, volume_cubic_angstrom: float, affordable: int
    ) -> None:
        mask = read_mask(inputs.copick_config, run, config.voxel_spacing)
        share = 1.0 if mask is None else mask.share_inside
        volume = volume_cubic_angstrom * share
        found = find_candidates(
            run,
            predicted.score_maps,
            config.known_particles,
            settings.peaks,
            candidate_budget(picks_density, judged_in, run, settings.peaks, volume),
            mask,
        )
        files = proposal_files(results, run)
        predicted.score_maps.write(files["score_maps"])
        embedding = embed_candidates(found, predicted, config.known_particles)
        EMBEDDING.write(embedding, files["embeddings"])
        CANDIDATES.write(found, files["candidates"])
        batch.finish(run, affordable if affordable < passes else None)
        # Written above the progress bar of the run that is being worked on.
        tqdm.write(f"{run}: {len(found)} candidates; {pace.line()}", file=sys.stderr)

    def left_out(run: str) -> AbstractContextManager[None]:
        return left_out_if_it_fails(
            run,
            on_error,
            batch.fail,
            lambda: tomogram_digest(inputs.copick_config, run, *config.tomogram_kind[:2]),
        )

    def collect(finishing: _Finishing) -> None:
        with left_out(finishing.run):
            finishing.work.result()

    with ThreadPoolExecutor(1) as finisher:
        finishing: _Finishing | None = None
        for run, reading in _read_ahead(batch.left(runs), inputs.copick_config, config):
            if finishing is not None and finishing.work.done():
                collect(finishing)  # raises what went wrong, before more is computed
                finishing = None
            predicted = None
            with left_out(run):
                tomogram = reading.result()
                affordable = pace.passes()
                if affordable < passes:
                    print(f"{run}: {affordable} of {passes} passes, to be in time", file=sys.stderr)
                with accelerator_errors(device):
                    predicted = predict_maps(
                        tomogram,
                        [
                            network_of(path)
                            for path in weights_for_run(
                                run, inputs.stage1, inputs.members, judged_in
                            )
                        ],
                        particle_types,
                        settings.prediction,
                        affordable,
                        device,
                        settings.training.quarter_turns,
                    )
            if predicted is None:
                continue
            # One run's maps wait at most: more would fill the memory.
            if finishing is not None:
                collect(finishing)
            volume_cubic_angstrom = tomogram.volume_cubic_angstrom
            work = finisher.submit(finish, predicted, run, volume_cubic_angstrom, affordable)
            finishing = _Finishing(run, work)
            del predicted, tomogram  # the finisher's alone, so that they are gone once it is done
        if finishing is not None:
            collect(finishing)
    batch.close()


@dataclass(frozen=True)
class _Finishing:
    """A run whose candidates are being found and written."""

    run: str
    work: Future[None]


def _read_ahead(
    runs: Sequence[str], copick_config: Path, config: PipelineConfig
) -> Iterator[tuple[str, Future[Tomogram]]]:
    """Read the runs' tomograms, each while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        readings = (
            (run, reader.submit(read_tomogram, copick_config, run, *config.tomogram_kind))
            for run in runs
        )
        ahead = next(readings, None)
        while ahead is not None:
            present, ahead = ahead, next(readings, None)
            yield present
            del present


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and propose."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the runs")
    parser.add_argument("--split", required=True, choices=get_args(Split), help="which it is")
    parser.add_argument("--runs", nargs="+", required=True, help="names of the runs")
    parser.add_argument("--density", type=Path, required=True, help="picks_density.json")
    parser.add_argument("--stage1", type=Path, required=True, help="folder of all members")
    parser.add_argument("--members", nargs="+", required=True, help="names of the members")
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--precision", type=Path, required=True, help="precision.json")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result")
    parser.add_argument("--record", type=Path, required=True, help="JSON file to write at the end")
    parser.add_argument(
        "--on-error", choices=get_args(OnError), default="stop", help="what a bad run does"
    )
    parser.add_argument("--clock", type=Path, help="when the workflow started")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    arguments = parser.parse_args(argv)
    propose_candidates(
        resolve(load_config(arguments.config)),
        ProposalInputs(
            arguments.copick,
            arguments.density,
            arguments.stage1,
            arguments.members,
            arguments.folds,
            arguments.precision,
        ),
        arguments.split,
        arguments.runs,
        arguments.results,
        arguments.record,
        on_error=arguments.on_error,
        clock=arguments.clock,
        threads=arguments.threads,
    )


if __name__ == "__main__":
    run_command(main)
