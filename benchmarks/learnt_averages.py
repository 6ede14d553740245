"""Compare averages learnt from picks with the structures that are known.

    python benchmarks/learnt_averages.py DATASET [--types NAME ...] [--maps FOLDER]

DATASET is a folder in Kaggle's layout with picks of some of the challenge's six, of which it is
taken that nobody knew their structures. One row a type:

- picks: number of them;
- seconds: of processor time that one average took;
- fit: mean correlation of the picks with the average;
- model: best normalised correlation, over orientations and shifts of a voxel, with this project's
  molecule, and of what is left of both when the mean over each shell is taken out: shape alone;
- map: the same with the density map in FOLDER, whose name ends in the molecule's PDB id.

Before each slash stands what the spherical mean of the same picks has: turned by chance.

With --apart: how well picks of the type are told from those of the other types by their best
correlation alone, as the area under the curve (0.5: not at all). Averages are learnt fold by fold,
and every pick is compared with one that its own run gave nothing to. Columns: the spherical mean,
the average, this project's molecule, the map.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from features.learn_averages import CubesByRun, cut_picks
from features.learnt_averages.fourier_average import fourier_average
from features.learnt_averages.learn_average import (
    LEAST_PICKS,
    SEED,
    learn_average,
)
from features.learnt_averages.picked_cubes import PickedCubes
from features.learnt_averages.poses import best_poses
from features.learnt_averages.starts import by_chance
from features.template_matching.bank import make_bank
from features.template_matching.correlation import correlations
from features.template_matching.fits import VOXEL_DIGITS
from features.template_matching.missing_wedge import MissingWedge
from picking.config import CZII_PARTICLES, ParticleType, PipelineConfig
from picking.data_in.import_dataset import import_kaggle
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import list_runs, resolve
from picking.files.tables import TRUTH
from picking.scoring.folds import Folds, make_folds
from picking.structures.make_structures import molecule_structure
from picking.structures.read_structure import read_structure
from picking.structures.structure import Structure

# Maps of the real molecules; 1fa2 is beta-amylase's monomer, 6n4v the T=4 capsid.
PDB_ID = {
    "apo-ferritin": "8cpv",
    "beta-amylase": "1fa2",
    "beta-galactosidase": "6drv",
    "ribosome": "6qzp",
    "thyroglobulin": "7n4y",
    "virus-like-particle": "6n4v",
}
ORIENTATIONS = 400
ORIENTATIONS_APART = 300
COLUMNS = ("type", "picks", "seconds", "fit", "model", "map")
APART_COLUMNS = ("type", "spherical mean", "average", "model", "map")
# Empty voxels around an average, so that a structure that is shifted does not leave it.
MARGIN_VOXELS = 12


def without_shell_means(structure: Structure) -> Structure:
    """Take out the mean over every shell, one voxel thick, around the centre."""
    density = structure.density_zyx
    axis = (np.arange(len(density)) - len(density) // 2) ** 2
    shells = np.rint(np.sqrt(axis[:, None, None] + axis[:, None] + axis)).astype(np.int64)
    means = np.bincount(shells.ravel(), density.ravel()) / np.bincount(shells.ravel())
    left = (density - means[shells]).astype(np.float32)
    return Structure(left, structure.voxel_size_angstrom)


def best_correlation(average: Structure, structure: Structure) -> float:
    """Best normalised correlation over orientations and shifts of a voxel."""
    bank = make_bank(structure, average.voxel_size_angstrom, MissingWedge(), ORIENTATIONS)
    dark: NDArray[np.float32] = -np.pad(average.density_zyx, MARGIN_VOXELS)
    middle = np.full((1, 3), len(dark) // 2, dtype=np.float64)
    return float(correlations(dark, middle, bank, 1).max())


def cell(base: Structure, average: Structure, structure: Structure) -> str:
    """Correlations of the spherical mean and of the average, and then of shape alone."""
    shape = without_shell_means(structure)
    whole = [best_correlation(one, structure) for one in (base, average)]
    alone = [best_correlation(without_shell_means(one), shape) for one in (base, average)]
    return f"{whole[0]:.2f} / {whole[1]:.2f}, {alone[0]:.2f} / {alone[1]:.2f}"


def row(particle: ParticleType, of_type: CubesByRun, maps: Path | None) -> list[str]:
    """Figures of one particle type."""
    cubes = list(of_type.values())
    number = sum(map(len, cubes))
    if number < LEAST_PICKS:
        return [particle.name, str(number), *["-"] * 4]
    start = time.process_time()
    learnt = learn_average(cubes, particle.radius_angstrom)
    seconds = time.process_time() - start
    # Other turns than those that an alignment starts from.
    base = fourier_average(cubes, by_chance(cubes, SEED + 1), particle.radius_angstrom)
    of_map = "-"
    for path in [] if maps is None else maps.glob(f"*{PDB_ID[particle.name]}.mrc"):
        of_map = cell(base, learnt.average, read_structure(path))
    of_model = cell(base, learnt.average, molecule_structure(particle.name))
    return [particle.name, str(number), f"{seconds:.0f}", f"{learnt.fit:.2f}", of_model, of_map]


def best_fits(cubes: PickedCubes, structure: Structure) -> list[float]:
    """Best correlation of each pick with a structure."""
    if not len(cubes):
        return []
    voxel = round(cubes.voxel_angstrom, VOXEL_DIGITS)
    bank = make_bank(structure, voxel, cubes.wedge, ORIENTATIONS_APART)
    return best_poses(cubes, bank).fits.tolist()


def told_apart(
    particle: ParticleType, cubes: Mapping[str, CubesByRun], folds: Folds, maps: Path | None
) -> list[str]:
    """Areas under the curve of one particle type."""
    structures = {"model": molecule_structure(particle.name)}
    for path in [] if maps is None else maps.glob(f"*{PDB_ID[particle.name]}.mrc"):
        structures["map"] = read_structure(path)
    own: dict[str, list[float]] = {}
    others: dict[str, list[float]] = {}
    for fold in range(folds.number):
        picks = [cubes[particle.name][run] for run in folds.training_runs(fold)]
        radius = particle.radius_angstrom
        compared = {
            "spherical": fourier_average(picks, by_chance(picks, SEED + 1), radius),
            "average": learn_average(picks, radius).average,
            **structures,
        }
        for kind, structure in compared.items():
            for name, of_type in cubes.items():
                fits = own if name == particle.name else others
                for run in folds.judged_runs(fold):
                    fits.setdefault(kind, []).extend(best_fits(of_type[run], structure))
    areas = {
        kind: float(np.mean(np.array(fits)[:, None] > np.array(others[kind])))
        for kind, fits in own.items()
    }
    columns = ("spherical", "average", "model", "map")
    return [particle.name, *(f"{areas[kind]:.3f}" if kind in areas else "-" for kind in columns)]


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, help="folder in Kaggle's layout")
    parser.add_argument("--types", nargs="+", choices=list(PDB_ID), default=list(PDB_ID))
    parser.add_argument("--maps", type=Path, help="folder of MRC maps")
    parser.add_argument("--apart", action="store_true", help="tell picks of the types apart")
    arguments = parser.parse_args(argv)
    config = resolve(PipelineConfig(dataset=arguments.dataset))
    runs = list_runs(config).train
    chosen = [one for one in CZII_PARTICLES if one.name in arguments.types]
    # As large as the largest, so that any type's average can be compared with all picks.
    widest = {"radius_angstrom": max(one.radius_angstrom for one in CZII_PARTICLES)}
    cut = [one.model_copy(update=widest) for one in CZII_PARTICLES] if arguments.apart else chosen
    with TemporaryDirectory() as folder:
        copick = Path(folder) / "train.json"
        picked = PickedFiles(Path(folder) / "truth.csv", Path(folder) / "density.json")
        import_kaggle(config, arguments.dataset, "train", runs, copick, picked)
        truth = TRUTH.read(picked.truth)
        cubes = cut_picks(config, copick, truth, runs, cut)
    columns = APART_COLUMNS if arguments.apart else COLUMNS
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    folds = make_folds(truth, runs, config.folds.number, config.seed)
    for particle in chosen:
        cells = (
            told_apart(particle, cubes, folds, arguments.maps)
            if arguments.apart
            else row(particle, cubes[particle.name], arguments.maps)
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
