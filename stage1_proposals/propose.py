"""Propose candidates in runs: score maps by all members that never saw a run, then their peaks.

For every run this writes the candidates, their embedding and the score maps, each in a folder of
RESULTS, and at the end RECORD, which names the runs and what was written for them. While one run's
maps are computed, the next tomogram is read, and the last run's candidates are found and written.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import get_args

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import Split, resolve
from picking.files.embedding import EMBEDDING
from picking.files.picks_density import PicksDensity
from picking.files.precision import Precision
from picking.files.proposal_record import ProposalRecord, proposal_files
from picking.files.tables import CANDIDATES
from picking.files.tomogram import Tomogram, read_tomogram
from picking.scoring.folds import Folds
from stage1_proposals.choose_precision import warn_if_emulated
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import load_network
from stage1_proposals.prediction.candidate_budget import candidate_budget, check_budget
from stage1_proposals.prediction.embed import embed_candidates
from stage1_proposals.prediction.ensemble import weights_for_run
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import PredictedMaps, number_of_passes, predict_maps


def propose_candidates(
    config: PipelineConfig,
    copick_config: Path,
    split: Split,
    runs: Sequence[str],
    density: Path,
    stage1: Path,
    members: Sequence[str],
    folds: Path,
    precision: Path,
    results: Path,
    record: Path,
    threads: int | None,
) -> None:
    """Write every run's candidates, their embedding and its score maps, then the record.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project that holds the runs.
    split : Split
        Which of the result's two projects that is.
    runs : sequence of str
        Names of the runs.
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
    results : Path
        Folder of the result, see :func:`picking.files.proposal_record.proposal_files`.
    record : Path
        Record to write (:class:`picking.files.proposal_record.ProposalRecord`).
    threads : int or None
        CPU threads of the networks.
    """
    particle_types = tuple(particle.name for particle in config.known_particles)
    settings = config.stage1_proposals
    picks_density = PicksDensity.read(density)
    judged_in = Folds.read(folds)
    check_budget(picks_density, judged_in, settings.peaks, particle_types)
    device = find_device(threads, Precision.read(precision).precision)
    warn_if_emulated(device)
    passes = number_of_passes(settings.prediction.passes, judged_in.number * len(members))

    @cache
    def network_of(weights: Path) -> ProposalNetwork:
        return fast_network(load_network(weights, particle_types), device)

    def finish(predicted: PredictedMaps, run: str, volume_cubic_angstrom: float) -> None:
        found = find_candidates(
            run,
            predicted.score_maps,
            config.known_particles,
            settings.peaks,
            candidate_budget(picks_density, judged_in, run, settings.peaks, volume_cubic_angstrom),
        )
        files = proposal_files(results, run)
        predicted.score_maps.write(files["score_maps"])
        embedding = embed_candidates(found, predicted, config.known_particles)
        EMBEDDING.write(embedding, files["embeddings"])
        CANDIDATES.write(found, files["candidates"])

    with ThreadPoolExecutor(1) as finisher:
        finishing: Future[None] | None = None
        for tomogram in _read_ahead(runs, copick_config, config):
            if finishing is not None and finishing.done():
                finishing.result()  # raises what went wrong, before more is computed
            predicted = predict_maps(
                tomogram,
                [
                    network_of(path)
                    for path in weights_for_run(tomogram.run, stage1, members, judged_in)
                ],
                particle_types,
                settings.prediction,
                passes,
                device,
                settings.training.quarter_turns,
            )
            # One run's maps wait at most: more would fill the memory.
            if finishing is not None:
                finishing.result()
            finishing = finisher.submit(
                finish, predicted, tomogram.run, tomogram.volume_cubic_angstrom
            )
            del predicted  # the finisher's alone, so that they are gone once it is done
        if finishing is not None:
            finishing.result()
    ProposalRecord.of_files(split, results, runs).write(record)


def _read_ahead(
    runs: Iterable[str], copick_config: Path, config: PipelineConfig
) -> Iterator[Tomogram]:
    """Read the runs' tomograms, each while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        reading: Future[Tomogram] | None = None
        for run in runs:
            next_reading = reader.submit(
                read_tomogram, copick_config, run, config.tomo_type, config.voxel_spacing
            )
            if reading is not None:
                yield reading.result()
            reading = next_reading
        if reading is not None:
            yield reading.result()


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
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    arguments = parser.parse_args(argv)
    propose_candidates(
        resolve(load_config(arguments.config)),
        arguments.copick,
        arguments.split,
        arguments.runs,
        arguments.density,
        arguments.stage1,
        arguments.members,
        arguments.folds,
        arguments.precision,
        arguments.results,
        arguments.record,
        arguments.threads,
    )


if __name__ == "__main__":
    run_command(main)
