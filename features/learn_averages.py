"""Average the picks of the particle types, to compare candidates with.

For every fold the picks of the runs that are not judged in it are averaged, and for test runs those
of all training runs.
"""

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.learnt_averages.fold_averages import FoldAverages, groups_of
from features.learnt_averages.learn_average import LEAST_PICKS, learn_average
from features.learnt_averages.picked_cubes import PickedCubes, cut_cubes
from features.template_matching.fits import given_wedge
from features.template_matching.whitening import whitened
from picking.command_line import command_parser, run_command
from picking.config import ParticleType, PipelineConfig, load_config
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.data_in.inventory import resolve
from picking.files.tables import POSITION_COLUMNS, TRUTH
from picking.files.tomogram import normalised, read_tomogram
from picking.scoring.folds import Folds
from picking.structures.structure import Structure
from picking.structures.structure_file import read_structures

# Most picks of a type that are averaged, of all runs together: by then the noise of an average is
# far below that of a candidate, and time and memory grow with every pick.
MOST_PICKS = 200

# Cubes of a particle type by run.
CubesByRun = dict[str, PickedCubes]


def learn_averages(
    config: PipelineConfig,
    copick_config: Path,
    truth: pd.DataFrame,
    folds: Folds,
    left_alone: Collection[str] = (),
) -> FoldAverages:
    """Average the picks of particle types, fold by fold.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project of the training runs.
    truth : DataFrame
        Table ``TRUTH``: their picks.
    folds : Folds
        Which of them are judged together.
    left_alone : collection of str
        Particle types that need no average.

    Returns
    -------
    FoldAverages
        Without the types that have fewer than ``LEAST_PICKS`` picks to average in some fold.

    Raises
    ------
    InputError
        If a tomogram cannot be read.
    """
    wanted = [particle for particle in config.known_particles if particle.name not in left_alone]
    by_fold: dict[str, dict[str, Structure]] = {name: {} for name in groups_of(folds)}
    cubes = cut_picks(config, copick_config, truth, folds.runs, wanted) if wanted else {}
    for particle in wanted:
        of_type = cubes[particle.name]
        picks = {
            fold: sum(len(of_type[run]) for run in runs) for fold, runs in groups_of(folds).items()
        }
        if min(picks.values()) < LEAST_PICKS:
            # In all folds or in none: else training and test runs would differ in it.
            print(
                f"average of {particle.name}: none, as there is a fold with {min(picks.values())} "
                f"picks to learn from, and {LEAST_PICKS} are needed",
                file=sys.stderr,
            )
            continue
        for fold, runs in groups_of(folds).items():
            learnt = learn_average([of_type[run] for run in runs], particle.radius_angstrom)
            by_fold[fold][particle.name] = learnt.average
            print(
                f"average of {particle.name}, fold {fold}: {picks[fold]} picks, which correlate "
                f"with it by {learnt.fit:.2f}",
                file=sys.stderr,
            )
    return FoldAverages(folds, by_fold)


def cut_picks(
    config: PipelineConfig,
    copick_config: Path,
    truth: pd.DataFrame,
    runs: Sequence[str],
    particles: Sequence[ParticleType],
) -> dict[str, CubesByRun]:
    """Cut the picks of some particle types, ``MOST_PICKS`` of each, out of whitened tomograms.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick project of the runs.
    truth : DataFrame
        Table ``TRUTH``: their picks.
    runs : sequence of str
        The runs.
    particles : sequence of ParticleType
        Types whose picks are cut out.

    Returns
    -------
    dict of str to dict of str to PickedCubes
        By particle type, then by run; a run without picks has none of them.

    Raises
    ------
    InputError
        If a tomogram cannot be read.
    """
    most = max(1, MOST_PICKS // len(runs))
    cubes: dict[str, CubesByRun] = {particle.name: {} for particle in particles}
    for run in runs:
        tomogram = read_tomogram(copick_config, run, *config.tomogram_kind)
        size = tomogram.voxel_size_zyx_angstrom
        flat = whitened(normalised(tomogram.values_zyx), size, given_wedge(config.features))
        of_run = truth[truth["run"] == run]
        for particle in particles:
            positions = of_run.loc[of_run["particle_type"] == particle.name, POSITION_COLUMNS]
            indices = angstrom_xyz_to_indices_zyx(positions.to_numpy(dtype=np.float64), size)
            # Evenly chosen of many, in an order that a table written anew does not change.
            indices = indices[np.lexsort(indices.T)]
            indices = indices[evenly_chosen(len(indices), most)]
            cubes[particle.name][run] = cut_cubes(
                flat, float(np.mean(size)), indices, particle.radius_angstrom
            )
    return cubes


def evenly_chosen(number: int, most: int) -> NDArray[np.int64]:
    """Choose at most ``most`` of 0 to ``number`` - 1, evenly."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(np.int64))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the runs")
    parser.add_argument("--truth", type=Path, required=True, help="truth table")
    parser.add_argument("--folds", type=Path, required=True, help="folds of the training runs")
    parser.add_argument(
        "--structures", type=Path, nargs="*", default=[], help="their types are left alone"
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    averages = learn_averages(
        resolve(load_config(arguments.config)),
        arguments.copick,
        TRUTH.read(arguments.truth),
        Folds.read(arguments.folds),
        {name for path in arguments.structures for name in read_structures(path)},
    )
    averages.write(arguments.output)


if __name__ == "__main__":
    run_command(main)
