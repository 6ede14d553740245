"""Propose candidates in one run: score maps by all members that never saw it, then their peaks."""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.folds import Folds
from picking.inventory import resolve
from picking.tables import CANDIDATES, TRUTH
from picking.tomogram import read_tomogram
from stage1_proposals.checkpoint import load_network
from stage1_proposals.compute_device import find_device
from stage1_proposals.members import weights_for_run
from stage1_proposals.peaks import check_budget, find_candidates
from stage1_proposals.predict import number_of_passes, predict_score_maps


def propose_candidates(
    config: PipelineConfig,
    copick_config: Path,
    run: str,
    truth: Path,
    stage1: Path,
    members: Sequence[str],
    folds: Path,
    candidates: Path,
    score_maps: Path,
    threads: int | None,
) -> None:
    """Write a run's candidates table and its score maps.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project that holds the run.
    run : str
        Name of the run.
    truth : Path
        Picks of all training runs (``picking.tables.TRUTH``); looked at for their number alone.
    stage1 : Path
        Folder with the weights of all members.
    members : sequence of str
        Names of the members.
    folds : Path
        ``folds.json``: which members never saw the run.
    candidates, score_maps : Path
        Files to write: Parquet and npz.
    threads : int or None
        CPU threads.
    """
    particle_types = tuple(particle.name for particle in config.known_particles)
    check_budget(TRUTH.read(truth), config.known_particles, config.stage1_proposals.peaks)
    device = find_device(threads)
    parts = Folds.read(folds)
    tomogram = read_tomogram(copick_config, run, config.tomo_type, config.voxel_spacing)
    maps = predict_score_maps(
        tomogram,
        [
            load_network(path, particle_types)
            for path in weights_for_run(run, stage1, members, parts)
        ],
        particle_types,
        config.stage1_proposals.prediction,
        number_of_passes(config.stage1_proposals.prediction.passes, parts.number * len(members)),
        device,
    )
    found = find_candidates(run, maps, config.known_particles, config.stage1_proposals.peaks)
    maps.write(score_maps)
    CANDIDATES.write(found, candidates)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and propose."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the run")
    parser.add_argument("--run", required=True, help="name of the run")
    parser.add_argument("--truth", type=Path, required=True, help="picks of the training runs")
    parser.add_argument("--stage1", type=Path, required=True, help="folder of all members")
    parser.add_argument("--members", nargs="+", required=True, help="names of the members")
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--candidates", type=Path, required=True, help="candidates table to write")
    parser.add_argument("--score-maps", type=Path, required=True, help="score maps to write")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    arguments = parser.parse_args(argv)
    propose_candidates(
        resolve(load_config(arguments.config)),
        arguments.copick,
        arguments.run,
        arguments.truth,
        arguments.stage1,
        arguments.members,
        arguments.folds,
        arguments.candidates,
        arguments.score_maps,
        arguments.threads,
    )


if __name__ == "__main__":
    run_command(main)
