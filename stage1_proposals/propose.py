"""Propose candidates in runs: score maps by all members that never saw a run, then their peaks.

While one run's score maps are computed, the next tomogram is read, and the last run's candidates
are found and written.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.files.precision import Precision
from picking.files.score_maps import ScoreMaps
from picking.files.tables import CANDIDATES, TRUTH
from picking.files.tomogram import Tomogram, read_tomogram
from picking.scoring.folds import Folds
from stage1_proposals.choose_precision import warn_if_emulated
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.checkpoint import load_network
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.ensemble import weights_for_run
from stage1_proposals.prediction.peaks import check_budget, find_candidates
from stage1_proposals.prediction.predict import number_of_passes, predict_score_maps


def propose_candidates(
    config: PipelineConfig,
    copick_config: Path,
    runs: Sequence[str],
    truth: Path,
    stage1: Path,
    members: Sequence[str],
    folds: Path,
    precision: Path,
    candidates: Path,
    score_maps: Path,
    threads: int | None,
) -> None:
    """Write every run's candidates table and score maps.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project that holds the runs.
    runs : sequence of str
        Names of the runs.
    truth : Path
        Picks of all training runs (``picking.files.tables.TRUTH``); only counted.
    stage1 : Path
        Folder with the weights of all members.
    members : sequence of str
        Names of the members.
    folds : Path
        ``folds.json``: which members never saw a run.
    precision : Path
        What all networks compute in (:class:`picking.files.precision.Precision`).
    candidates, score_maps : Path
        Folders to write to: ``{run}.parquet`` and ``{run}.npz``.
    threads : int or None
        CPU threads of the networks.
    """
    particle_types = tuple(particle.name for particle in config.known_particles)
    settings = config.stage1_proposals
    check_budget(TRUTH.read(truth), config.known_particles, settings.peaks)
    device = find_device(threads, Precision.read(precision).precision)
    warn_if_emulated(device)
    parts = Folds.read(folds)
    passes = number_of_passes(settings.prediction.passes, parts.number * len(members))

    @cache
    def network_of(weights: Path) -> ProposalNetwork:
        return fast_network(load_network(weights, particle_types), device)

    def finish(maps: ScoreMaps, run: str) -> None:
        found = find_candidates(run, maps, config.known_particles, settings.peaks)
        maps.write(score_maps / f"{run}.npz")
        CANDIDATES.write(found, candidates / f"{run}.parquet")

    with ThreadPoolExecutor(1) as finisher:
        finishing: Future[None] | None = None
        for tomogram in _read_ahead(runs, copick_config, config):
            if finishing is not None and finishing.done():
                finishing.result()  # raises what went wrong, before more is computed
            maps = predict_score_maps(
                tomogram,
                [
                    network_of(path)
                    for path in weights_for_run(tomogram.run, stage1, members, parts)
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
            finishing = finisher.submit(finish, maps, tomogram.run)
            del maps  # the finisher's alone, so that they are gone once it is done
        if finishing is not None:
            finishing.result()


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
    parser.add_argument("--runs", nargs="+", required=True, help="names of the runs")
    parser.add_argument("--truth", type=Path, required=True, help="picks of the training runs")
    parser.add_argument("--stage1", type=Path, required=True, help="folder of all members")
    parser.add_argument("--members", nargs="+", required=True, help="names of the members")
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--precision", type=Path, required=True, help="precision.json")
    parser.add_argument(
        "--candidates", type=Path, required=True, help="folder for RUN.parquet, candidates tables"
    )
    parser.add_argument(
        "--score-maps", type=Path, required=True, help="folder for RUN.npz, score maps"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    arguments = parser.parse_args(argv)
    propose_candidates(
        resolve(load_config(arguments.config)),
        arguments.copick,
        arguments.runs,
        arguments.truth,
        arguments.stage1,
        arguments.members,
        arguments.folds,
        arguments.precision,
        arguments.candidates,
        arguments.score_maps,
        arguments.threads,
    )


if __name__ == "__main__":
    run_command(main)
